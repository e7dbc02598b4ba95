//! Finds the decision about a call. If there is none yet, asks a person.

use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::canonical::canonical;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::{ApprovalId, UserId};
use toolvault_core::json::parse;
use toolvault_core::pattern::ToolName;
use toolvault_core::policy::Need;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_core::transcript::Transcript;

use super::stored::{ApprovalDecision, ApprovalState, Shown, Stored, authenticate, seal_shown};
use super::{about, full_name};
use crate::caller::Caller;
use crate::changes::Changed;
use crate::error::Error;
use crate::operations::resolve::require_tool;
use crate::store::approvals::{self, ApprovalRow};
use crate::store::users;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// How many requests of one caller, and of one user, wait at a time. A person can read so many.
const MOST_PENDING: usize = 64;
const MOST_PENDING_OF_USER: usize = 256;
/// How much a user may have allowed at a time.
const MOST_ALLOWED: usize = 1_000;
/// The most that a person is shown of arguments, in bytes.
const MOST_SHOWN: usize = 64 << 10;
/// For how long a request is kept after it ended, in microseconds: one day.
const KEPT: i64 = 86_400 * SECOND;

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
    /// The arguments without secrets, as a JSON object.
    pub arguments: Wiped<Vec<u8>>,
    /// Those of them that a person is shown, as a JSON object.
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
        if call.shown.len() > MOST_SHOWN {
            return Ok(Asked::NotAsked(
                "its arguments have more than 64 KiB, which no person can judge",
            ));
        }
        let clean = self.clean_names(Some(&entry), vec![name.clone()]).await;
        if clean.first() != Some(&name) {
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
                title: call.title.clone(),
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

/// What was found of a call.
pub(super) enum Found {
    Allowed,
    Refused,
    Waiting {
        id: ApprovalId,
        expires_at: Timestamp,
        is_new: bool,
    },
    Full(&'static str),
    /// A person must be asked.
    Nothing,
}

/// Looks for what was decided of a call, and stores a request if there is nothing.
struct Ask {
    user: UserId,
    actor: String,
    server: String,
    tool: String,
    definition: [u8; 32],
    arguments: [u8; 32],
    need: Need,
    /// In microseconds.
    lasts: i64,
    /// The request to store.
    new: Option<(ApprovalId, Vec<u8>)>,
    requested: Record,
    used: Record,
}

impl Change for Ask {
    type Answer = Found;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Found, Error> {
        users::lock(work.tx, self.user).await?;
        let rows =
            approvals::find_all(work.tx, self.user, &self.actor, &self.server, &self.tool).await?;
        let rows = rows
            .into_iter()
            .map(|row| Stored::verify(row, self.user, &work.shared.keyring));
        let mut stored = rows.collect::<Result<Vec<Stored>, Error>>()?;
        stored.retain(|stored| stored.row.definition == self.definition);
        let now = work.now;
        // What stays is used before what is used up.
        let allowing = stored
            .iter_mut()
            .filter(|stored| self.is_allowed_by(stored, now));
        if let Some(stored) = allowing.min_by_key(|stored| is_used_up(stored)) {
            self.use_up(work, stored).await?;
            return Ok(Found::Allowed);
        }
        stored.retain(|stored| stored.row.arguments == self.arguments);
        if stored.iter().any(|stored| stored.still_refuses(now)) {
            return Ok(Found::Refused);
        }
        let mut pending = stored.iter().filter(|stored| {
            stored.state(now) == ApprovalState::Pending && stored.need == self.need
        });
        if let Some((stored, end)) = pending.find_map(|one| Some((one, one.row.expires_at?))) {
            return Ok(Found::Waiting {
                id: stored.id,
                expires_at: Timestamp::from_microseconds(end),
                is_new: false,
            });
        }
        self.store(work).await
    }
}

/// Whether the next call uses up what was allowed.
fn is_used_up(stored: &Stored) -> bool {
    stored.decision == Some(ApprovalDecision::Once) && stored.need == Need::Each
}

impl Ask {
    fn is_allowed_by(&self, stored: &Stored, now: Timestamp) -> bool {
        let is_same = stored.row.arguments == self.arguments;
        stored.state(now) == ApprovalState::Allowed
            && match stored.decision {
                Some(ApprovalDecision::Hour) => true,
                Some(ApprovalDecision::Always) => is_same || self.need == Need::First,
                Some(ApprovalDecision::Once) if stored.need == Need::Each => is_same,
                Some(ApprovalDecision::Once) => self.need == Need::First,
                Some(ApprovalDecision::Refuse) | None => false,
            }
    }

    async fn use_up(&self, work: &mut Work<'_>, stored: &mut Stored) -> Result<(), Error> {
        if is_used_up(stored) {
            stored.row.used_at = Some(work.now.microseconds());
            authenticate(&mut stored.row, &work.shared.keyring);
            approvals::update(work.tx, &stored.row).await?;
        }
        let named = (self.server.as_str(), self.tool.as_str());
        let mut record = about(self.used.clone(), stored.id, named);
        record.reason.clone_from(&stored.row.decision);
        work.records.push(record);
        Ok(())
    }

    async fn store(&mut self, work: &mut Work<'_>) -> Result<Found, Error> {
        let live = approvals::list_live(work.tx, self.user, work.now).await?;
        let pending = live.iter().filter(|key| key.decision.is_none());
        let own = pending
            .clone()
            .filter(|key| key.actor == self.actor)
            .count();
        let pending = pending.count();
        if own >= MOST_PENDING || pending >= MOST_PENDING_OF_USER {
            return Ok(Found::Full(
                "too many calls wait for a person already: decide about those first",
            ));
        }
        if live.len() - pending >= MOST_ALLOWED {
            return Ok(Found::Full(
                "too much is allowed already: revoke some of it",
            ));
        }
        let Some((id, sealed)) = self.new.take() else {
            return Ok(Found::Nothing);
        };
        let expires_at = work.now.plus(self.lasts);
        let mut row = ApprovalRow {
            approval_id: id.0,
            user_id: self.user.0,
            actor: self.actor.clone(),
            server: self.server.clone(),
            tool: self.tool.clone(),
            definition: self.definition.to_vec(),
            arguments: self.arguments.to_vec(),
            need: self.need.as_str().to_owned(),
            sealed,
            requested_at: work.now.microseconds(),
            expires_at: Some(expires_at.microseconds()),
            decision: None,
            decided_at: None,
            decided_by: None,
            used_at: None,
            mac: Vec::new(),
        };
        authenticate(&mut row, &work.shared.keyring);
        approvals::delete_old(work.tx, self.user, work.now.plus(-KEPT)).await?;
        approvals::delete_changed(work.tx, &row).await?;
        approvals::insert(work.tx, &row).await?;
        let named = (self.server.as_str(), self.tool.as_str());
        work.records.push(about(self.requested.clone(), id, named));
        Ok(Found::Waiting {
            id,
            expires_at,
            is_new: true,
        })
    }
}
