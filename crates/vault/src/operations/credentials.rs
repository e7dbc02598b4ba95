//! The credentials with which the gateway reaches a server: the secrets behind the references in its configuration.

use toolvault_core::arguments::Arguments;
use toolvault_core::audit::record::Record;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::ArgumentPath;
use toolvault_core::reference::Reference;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use super::resolve::decide::{Decided, Outcome, by_reference};
use super::resolve::require_all;
use super::resolve::value::AppliedValue;
use crate::cache::UserEntry;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::vault::Vault;

/// The secrets behind references.
#[expect(missing_debug_implementations, reason = "it holds values")]
pub struct Credentials {
    /// The values, in the order of the request.
    pub values: Vec<AppliedValue>,
    /// Equal to [`credential_stamp`](Vault::credential_stamp) until something changes.
    pub stamp: CredentialStamp,
}

/// Identifies the secrets behind references at one time. Two stamps are equal only if every reference had the same
/// version of the same secret in the same state, or the same error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialStamp(Vec<(&'static str, Option<Winner>)>);

/// The state of a secret. Each change increases `updated_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Winner {
    id: SecretId,
    version: i64,
    updated_at: Timestamp,
}

impl CredentialStamp {
    fn of(decided: &[Decided]) -> Self {
        let stands_for = |argument: &Decided| {
            let winner = argument.outcome.winner().map(|secret| Winner {
                id: secret.id,
                version: secret.version,
                updated_at: secret.updated_at,
            });
            (argument.outcome.as_str(), winner)
        };
        Self(decided.iter().map(stands_for).collect())
    }
}

impl Vault {
    /// The values of the references in a server's configuration, for tool `<server>__` and arguments such as
    /// `headers.<Name>`, `env.<NAME>` and `url`. Several may belong to one argument. Needs `use`. The audit trail has
    /// accepted the record of every use before any value is returned.
    ///
    /// The secret is chosen as for a binding: it belongs to the user, and its own binding matches the tool and the
    /// argument. A configuration therefore cannot turn a credential of one server into a credential of another. A
    /// policy's `when` sees only the values of the same request.
    ///
    /// A key with tool patterns must reach some tool of the server, but its patterns need not include the secret. The
    /// configuration names the secret, the key's holder cannot choose it and never sees its value; the holder only
    /// gains a working server for the tools that the key may call. The holder cannot replace the secret either: a
    /// secret that the key may store is bound to its patterns, which include `<server>__` only if they cover it, and a
    /// second secret of the same name makes the reference ambiguous.
    pub async fn credentials(
        &self,
        caller: &Caller,
        tool: &ToolName,
        wanted: &[(String, Reference)],
    ) -> Result<Credentials, Error> {
        self.note_refusal(caller, require_server(caller, tool))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let mut records = Vec::new();
        let credentials = self.look_up(caller, &entry, tool, wanted, &mut records);
        if let Err(error) = &credentials {
            self.refuse(caller, tool, error, &mut records);
        }
        self.writer.record(records).await?;
        credentials
    }

    /// The stamp of the values that [`credentials`](Vault::credentials) would return now, without opening or recording
    /// anything. It changes whenever the secret, version or policy changes. Needs `use`.
    pub async fn credential_stamp(
        &self,
        caller: &Caller,
        tool: &ToolName,
        wanted: &[(String, Reference)],
    ) -> Result<CredentialStamp, Error> {
        self.note_refusal(caller, require_server(caller, tool))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let decided = self.decided_credentials(&entry, tool, wanted);
        let decided = self.note_refusal(caller, decided).await?;
        Ok(CredentialStamp::of(&decided))
    }

    fn look_up(
        &self,
        caller: &Caller,
        entry: &UserEntry,
        tool: &ToolName,
        wanted: &[(String, Reference)],
        records: &mut Vec<Record>,
    ) -> Result<Credentials, Error> {
        let mut decided = self.decided_credentials(entry, tool, wanted)?;
        self.note_named(caller, entry, tool, wanted, records);
        require_all(tool, &decided)?;
        let stamp = CredentialStamp::of(&decided);
        let mut values = Vec::with_capacity(decided.len());
        let mut used = Vec::with_capacity(decided.len());
        for argument in &decided {
            if let Some((secret, _)) = argument.applied() {
                values.push(self.open_value(entry, secret)?);
                used.push(self.used(caller, secret, tool, &argument.name));
            }
        }
        judge(&mut decided, &values)?;
        require_all(tool, &decided)?;
        records.append(&mut used);
        Ok(Credentials { values, stamp })
    }

    pub(super) fn decided_credentials(
        &self,
        entry: &UserEntry,
        tool: &ToolName,
        wanted: &[(String, Reference)],
    ) -> Result<Vec<Decided>, Error> {
        let index = entry.intact()?;
        let now = self.shared.clock.now();
        let decided = wanted.iter().map(|(argument, reference)| {
            let mut decided = by_reference(&index, tool, argument, reference, now, |_| true);
            // One connection serves many calls, so no person can allow each.
            decided.withhold();
            decided
        });
        Ok(decided.collect())
    }
}

/// Rule 7 of resolving. If several references belong to one argument, each value must be allowed.
fn judge(decided: &mut [Decided], values: &[AppliedValue]) -> Result<(), Error> {
    let mut companions = Vec::with_capacity(values.len());
    for (argument, given) in decided.iter().zip(values) {
        let mut companion = Arguments::new();
        if let Ok(path) = ArgumentPath::parse(&argument.name) {
            companion.insert_text(path, given.text()?);
        }
        companions.push(companion);
    }
    for argument in decided {
        let is_refused = argument.applied().is_some_and(|(secret, _)| {
            !companions
                .iter()
                .all(|companion| secret.policy.allows(companion))
        });
        if is_refused {
            argument.outcome = Outcome::NotAvailable;
        }
    }
    Ok(())
}

/// Refuses a caller without `use`, or who reaches no tool of the server.
fn require_server(caller: &Caller, tool: &ToolName) -> Result<(), Error> {
    caller.require(Scope::Use)?;
    if caller.reaches_some_of(tool.as_str()) {
        Ok(())
    } else {
        Err(Denial::ToolOutOfReach(tool.as_str().to_owned()).into())
    }
}
