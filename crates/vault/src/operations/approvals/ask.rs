//! Finds the decision about a call. If there is none yet, asks a person.

mod find;

use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::canonical::canonical;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::ApprovalId;
use toolvault_core::json::parse;
use toolvault_core::json::unambiguous::repeats_a_name;
use toolvault_core::pattern::ToolName;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::transcript::Transcript;

use self::find::{Ask, Found};
use super::full_name;
use super::stored::{Shown, seal_shown};
use crate::caller::Caller;
use crate::changes::Changed;
use crate::error::Error;
use crate::operations::resolve::require_tool;
use crate::vault::Vault;

/// The most that a person is shown of arguments, in bytes.
const MOST_SHOWN: usize = 64 << 10;

/// A call that a person must allow.
#[expect(
    missing_debug_implementations,
    reason = "arguments may be confidential"
)]
pub struct AskedCall {
    /// The name of the server in the configuration.
    pub server: String,
    /// The tool, as its server names it.
    pub tool: String,
    /// The tool's title.
    pub title: Option<String>,
    /// SHA-256 of the tool's definition; `None` if its server does not list it.
    pub definition: Option<[u8; 32]>,
    /// What must be allowed.
    pub need: Need,
    /// The secret whose policy asks; `None` if the configuration does.
    pub secret_name: Option<String>,
    /// What is allowed, as JSON: the arguments without secrets, and what else the server is to get of the call.
    pub arguments: Wiped<Vec<u8>>,
    /// The same as a person is shown it, as a JSON object.
    pub shown: Wiped<Vec<u8>>,
    /// How long a person has.
    pub lasts: Duration,
    /// Whether this call waited already: then no person is asked again.
    pub has_waited: bool,
}

/// Whether a call may be made.
#[derive(Debug)]
pub enum Asked {
    /// A person allowed it. If they allowed it once, that is used up now.
    Allowed,
    /// A person refused it within the last ten minutes.
    Refused,
    /// A person must decide.
    Waiting(Waiting),
    /// The request could not be made, for this reason.
    NotAsked(&'static str),
}

/// A request that waits for a decision.
#[derive(Debug)]
pub struct Waiting {
    /// The request.
    pub id: ApprovalId,
    /// When it counts as refused.
    pub expires_at: Timestamp,
    /// Whether this call made it.
    pub is_new: bool,
    changes: broadcast::Receiver<Changed>,
}

impl Waiting {
    /// Returns when a decision may have been made, or the rights of the caller may have changed.
    pub async fn changed(&mut self, caller: &Caller) {
        loop {
            match self.changes.recv().await {
                Ok(changed) if !caller.is_concerned_by(changed) => {}
                // Some were missed.
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                // The vault is closing.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Vault {
    /// Whether a person allowed a call. If there is no decision yet, a person is asked. Needs `use`. The audit trail has
    /// accepted the record of a call that may be made, and of a request.
    ///
    /// What was allowed is for this key or token, this tool and its definition and, except for an hour or where only the
    /// first call must be allowed, these arguments: their canonical form (RFC 8785), or their text if they have none.
    pub async fn ask_approval(&self, caller: &Caller, call: &AskedCall) -> Result<Asked, Error> {
        let name = full_name(&call.server, &call.tool);
        let permitted = caller.require(Scope::Use).and_then(|()| {
            let tool = ToolName::parse(&name).map_err(|_| Error::NotFound)?;
            require_tool(caller, &tool)
        });
        self.note_refusal(caller, permitted).await?;
        let entry = self.caller_entry(caller).await?;
        if let Some(why) = cannot_be_judged(call) {
            return Ok(Asked::NotAsked(why));
        }
        let mut texts = vec![name.clone()];
        texts.extend(call.title.clone());
        let mut clean = self.clean_names(Some(&entry), texts).await.into_iter();
        if clean.next() != Some(name) {
            return Ok(Asked::NotAsked("its name holds the value of a secret"));
        }
        // Before the request is looked at, so that no decision is missed.
        let changes = self.changes();
        let mut found = self.find_or_store(caller, call, None).await?;
        if let Found::Nothing = found {
            if call.has_waited {
                return Ok(Asked::NotAsked(
                    "the request was withdrawn, or an equal call used what was allowed",
                ));
            }
            let id = ApprovalId::generate(self.shared.entropy.as_ref(), self.shared.clock.now())?;
            let shown = self.clean_json(&entry, &call.shown).await?;
            let shown = Shown {
                title: clean.next(),
                arguments: shown,
                requester: caller.name.clone(),
                secret_name: call.secret_name.clone(),
            };
            let (keyring, entropy) = (&self.shared.keyring, self.shared.entropy.as_ref());
            let sealed = seal_shown(id, &shown, keyring, entropy)?;
            found = self.find_or_store(caller, call, Some((id, sealed))).await?;
        }
        Ok(match found {
            Found::Allowed => Asked::Allowed,
            Found::Refused => Asked::Refused,
            Found::Waiting {
                id,
                expires_at,
                is_new,
            } => Asked::Waiting(Waiting {
                id,
                expires_at,
                is_new,
                changes,
            }),
            Found::Full(why) => Asked::NotAsked(why),
            Found::Nothing => return Err(Error::Unavailable(None)),
        })
    }

    async fn find_or_store(
        &self,
        caller: &Caller,
        call: &AskedCall,
        new: Option<(ApprovalId, Vec<u8>)>,
    ) -> Result<Found, Error> {
        let mut requested = self.record(caller, Action::ApprovalRequested, Decision::Allowed);
        let why = if call.secret_name.is_some() {
            "policy"
        } else {
            "configuration"
        };
        requested.reason = Some(why.to_owned());
        requested.secret_name.clone_from(&call.secret_name);
        let ask = Ask {
            user: caller.user,
            actor: caller.actor.to_string(),
            server: call.server.clone(),
            tool: call.tool.clone(),
            definition: call.definition.unwrap_or_default(),
            arguments: self.arguments_hash(&call.arguments),
            need: call.need,
            lasts: i64::try_from(call.lasts.as_micros()).unwrap_or(i64::MAX),
            new,
            requested,
            used: self.record(caller, Action::ApprovalUsed, Decision::Allowed),
        };
        self.change(caller, ask).await
    }

    /// A hash under a key, so that the database does not tell who guesses them what the arguments were.
    fn arguments_hash(&self, arguments: &[u8]) -> [u8; 32] {
        let canonical = parse(arguments).ok().and_then(|args| canonical(args).ok());
        let text = canonical.as_ref().map_or(arguments, |text| text.as_bytes());
        let transcript = Transcript::new("approval_arguments/v1").bytes(text);
        self.shared.keyring.mac_row(&transcript)
    }
}

/// Why no person can judge a call.
fn cannot_be_judged(call: &AskedCall) -> Option<&'static str> {
    if call.shown.len() > MOST_SHOWN {
        return Some("its arguments have more than 64 KiB, which no person can judge");
    }
    let repeats = parse(&call.arguments).is_ok_and(repeats_a_name);
    repeats.then_some(
        "its arguments repeat the name of a member, which servers read in different ways",
    )
}
