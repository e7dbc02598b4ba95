//! Completes a tool's arguments with secrets.
//!
//! [`places`] lists the arguments and the secrets that compete for them. [`mod@decide`] decides where the value of
//! each comes from, without opening anything. This file opens the chosen secrets, has the audit trail record the use,
//! and only then returns the values.

mod approved;
pub(crate) mod canaries;
pub(crate) mod decide;
pub(crate) mod places;
pub(crate) mod value;
pub(crate) mod within;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toolvault_core::arguments::Arguments;
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::conversion::Types;
use toolvault_core::identity::SecretId;
use toolvault_core::json;
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::ArgumentPath;
use toolvault_core::reference::Reference;
use toolvault_core::scope::Scope;
use tracing::Instrument as _;

pub use self::approved::Approved;
use self::decide::{Decided, Outcome, decide};
use self::value::AppliedValue;
use self::within::Within;
use crate::SPANS;
use crate::cache::UserEntry;
use crate::caller::Caller;
use crate::error::{Denial, Error, Problem};
use crate::secret::Secret;
use crate::vault::Vault;

/// A tool call to complete.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "arguments may be confidential"
)]
pub struct Call {
    /// The tool.
    pub tool: ToolName,
    /// The received arguments. They come from a model and are data: references in them stay unchanged.
    pub args: Arguments,
    /// References from trusted configuration, by argument.
    pub bindings: BTreeMap<String, Reference>,
    /// The only arguments that defaults may complete; `None` for all of them.
    pub accepts: Option<BTreeSet<String>>,
    /// Arguments that must be present in the result.
    pub require: BTreeSet<String>,
    /// The types that the tool's schema accepts, by argument as its secret names it; any type for the others.
    pub types: BTreeMap<String, Types>,
    /// What a person allowed. `None` where no person is asked: a secret that asks for approval is refused.
    pub approved: Option<Approved>,
}

/// A completed tool call.
#[expect(missing_debug_implementations, reason = "it holds values")]
pub struct Completed {
    /// The tool.
    pub tool: ToolName,
    /// The received arguments and the applied ones.
    pub args: Arguments,
    /// Where each applied value came from.
    pub applied: Vec<Applied>,
}

/// A completed call with the values that were inserted.
#[expect(missing_debug_implementations, reason = "it holds values")]
pub struct Injected {
    /// The call for the tool.
    pub completed: Completed,
    /// The values that were applied, in the order of `completed.applied`.
    pub values: Vec<AppliedValue>,
}

/// Where an applied value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The argument.
    pub arg: String,
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: String,
    /// Its version.
    pub version: i64,
    /// Why it was applied.
    pub source: Source,
    /// Whether the value is confidential, so that the gateway must redact it in the tool's answer.
    pub redact: bool,
}

/// Why a value was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The argument was not received, and a default applies.
    Default,
    /// A reference names the secret.
    Binding,
}

impl Vault {
    /// Completes tool calls. Needs `resolve`. Each call succeeds or fails alone. The audit trail accepts the record of
    /// every use before any value is returned.
    pub async fn resolve(
        &self,
        caller: &Caller,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Completed, Error>>, Error> {
        let span = tracing::trace_span!(target: SPANS, "resolve", toolvault.calls = calls.len());
        let resolving = async {
            self.note_refusal(caller, caller.require(Scope::Resolve))
                .await?;
            let entry = self.caller_entry(caller).await?;
            let mut records = self.canaries_of_calls(caller, &entry, &calls)?;
            let completed = calls
                .into_iter()
                .map(|call| {
                    self.complete(caller, &entry, call, &Within(None), &mut records)
                        .map(|injected| injected.completed)
                })
                .collect();
            // If the trail cannot take the records, the values are dropped here: no use without a record.
            self.record_named(&entry, records).await?;
            Ok(completed)
        };
        resolving.instrument(span).await
    }

    /// Completes one call, and adds the records of what was used or refused.
    pub(crate) fn complete(
        &self,
        caller: &Caller,
        entry: &Arc<UserEntry>,
        call: Call,
        within: &Within,
        records: &mut Vec<Record>,
    ) -> Result<Injected, Error> {
        let tool = call.tool.clone();
        let outcome = self.try_complete(caller, entry, call, within, records);
        if let Err(error) = &outcome {
            self.refuse(caller, &tool, error, records);
        }
        outcome
    }

    fn try_complete(
        &self,
        caller: &Caller,
        entry: &Arc<UserEntry>,
        call: Call,
        within: &Within,
        records: &mut Vec<Record>,
    ) -> Result<Injected, Error> {
        require_tool(caller, &call.tool)?;
        let mut decided = self.decided(caller, entry, &call, within)?;
        self.note_tried(caller, entry, &call, within, &decided, records);
        let approved = call.approved;
        let Call {
            tool,
            mut args,
            types,
            ..
        } = call;
        require_all(&tool, &decided)?;
        if let Some(approved) = approved {
            approved.require(&decided)?;
        }
        let values = self.fill(entry, &mut args, &types, &mut decided)?;
        require_all(&tool, &decided)?;
        let mut completed = Completed {
            tool,
            args,
            applied: Vec::new(),
        };
        for argument in decided {
            let Some((secret, source)) = argument.applied() else {
                continue;
            };
            records.push(self.used(caller, secret, &completed.tool, &argument.name));
            completed
                .applied
                .push(applied(&argument.name, secret, source));
        }
        Ok(Injected { completed, values })
    }

    /// Opens the chosen secrets into the arguments, as the types that they accept. Rule 7: a secret whose policy
    /// refuses the completed companion arguments is not available. Returns the values in order.
    pub(crate) fn fill(
        &self,
        entry: &UserEntry,
        args: &mut Arguments,
        types: &BTreeMap<String, Types>,
        decided: &mut [Decided],
    ) -> Result<Vec<AppliedValue>, Error> {
        let mut values = Vec::new();
        for argument in decided.iter_mut() {
            let Some((secret, _)) = argument.applied() else {
                continue;
            };
            let value = self.open_value(entry, secret)?;
            let types = types.get(&argument.name).copied().unwrap_or_default();
            match put(args, &argument.name, &value, types)? {
                Ok(()) => values.push(value),
                Err(outcome) => argument.outcome = outcome,
            }
        }
        // After all arguments are filled, because a policy may depend on an argument that another secret fills.
        for argument in decided {
            if argument
                .applied()
                .is_some_and(|(secret, _)| !secret.policy.allows(args))
            {
                argument.outcome = Outcome::NotAvailable;
            }
        }
        Ok(values)
    }

    /// What each argument of the call would get; opens nothing.
    pub(crate) fn decided(
        &self,
        caller: &Caller,
        entry: &Arc<UserEntry>,
        call: &Call,
        within: &Within,
    ) -> Result<Vec<Decided>, Error> {
        let index = entry.intact()?;
        let now = self.shared.clock.now();
        let mut decided = decide(&index, caller, call, within, now);
        if call.approved.is_none() {
            decided.iter_mut().for_each(Decided::withhold);
        }
        Ok(decided)
    }

    pub(crate) fn used(
        &self,
        caller: &Caller,
        secret: &Secret,
        tool: &ToolName,
        argument: &str,
    ) -> Record {
        let mut record = self.record(caller, Action::SecretUsed, Decision::Allowed);
        record.secret_id = Some(secret.id);
        record.secret_name = Some(secret.name.to_string());
        record.version = Some(secret.version);
        record.tool = Some(tool.as_str().to_owned());
        record.argument = Some(argument.to_owned());
        record
    }

    pub(crate) fn refuse(
        &self,
        caller: &Caller,
        tool: &ToolName,
        error: &Error,
        records: &mut Vec<Record>,
    ) {
        let mut add = |action, argument: Option<&String>, reason: &str| {
            let mut record = self.record(caller, action, Decision::Denied);
            record.tool = Some(tool.as_str().to_owned());
            record.argument = argument.cloned();
            record.reason = Some(reason.to_owned());
            records.push(record);
        };
        match error {
            Error::Unresolved(problems) => {
                for problem in problems {
                    add(Action::UseRefused, problem.location.last(), problem.kind);
                }
            }
            Error::Denied(denial) => add(Action::AccessDenied, None, denial.code()),
            Error::Integrity => add(Action::TamperingDetected, None, "integrity"),
            _ => {}
        }
    }
}

/// Inserts a value into the arguments, or returns why that is impossible.
fn put(
    args: &mut Arguments,
    name: &str,
    value: &AppliedValue,
    types: Types,
) -> Result<Result<(), Outcome>, Error> {
    let Some(json) = types.spell(value.text()?) else {
        return Ok(Err(Outcome::Unsuitable(types)));
    };
    let is_put = match (ArgumentPath::parse(name), json::parse_text(&json)) {
        (Ok(path), Ok(json)) => args.insert(path, json),
        _ => false,
    };
    Ok(is_put.then_some(()).ok_or(Outcome::NoPlace))
}

/// Refuses an incomplete call.
pub(crate) fn require_all(tool: &ToolName, decided: &[Decided]) -> Result<(), Error> {
    let problems: Vec<Problem> = decided
        .iter()
        .filter_map(|argument| argument.problem(tool))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Unresolved(problems))
    }
}

/// Refuses a tool that the caller's patterns exclude.
pub(crate) fn require_tool(caller: &Caller, tool: &ToolName) -> Result<(), Error> {
    if caller.reaches_tool(tool) {
        Ok(())
    } else {
        Err(Denial::ToolOutOfReach(tool.as_str().to_owned()).into())
    }
}

fn applied(arg: &str, secret: &Secret, source: Source) -> Applied {
    Applied {
        arg: arg.to_owned(),
        secret_id: secret.id,
        secret_name: secret.name.to_string(),
        version: secret.version,
        source,
        redact: secret.policy.redact,
    }
}
