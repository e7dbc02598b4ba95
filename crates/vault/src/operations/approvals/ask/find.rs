//! Looks for the decision about a call and uses it up, or stores a request.

use toolvault_core::audit::record::Record;
use toolvault_core::identity::{ApprovalId, UserId};
use toolvault_core::policy::Need;
use toolvault_core::timestamp::Timestamp;

use crate::error::Error;
use crate::operations::approvals::about;
use crate::operations::approvals::stored::{ApprovalDecision, ApprovalState, Stored, authenticate};
use crate::store::approvals::{self, ApprovalRow};
use crate::store::users;
use crate::writer::change::{Change, Work};

/// How many requests of one caller, and of one user, wait at a time. A person can read so many.
const MOST_PENDING: usize = 64;
const MOST_PENDING_OF_USER: usize = 256;
/// How much a user may have allowed at a time.
const MOST_ALLOWED: usize = 1_000;

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
pub(super) struct Ask {
    pub(super) user: UserId,
    pub(super) actor: String,
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) definition: [u8; 32],
    pub(super) arguments: [u8; 32],
    pub(super) need: Need,
    /// In microseconds.
    pub(super) lasts: i64,
    /// The request to store.
    pub(super) new: Option<(ApprovalId, Vec<u8>)>,
    pub(super) requested: Record,
    pub(super) used: Record,
}

impl Change for Ask {
    type Answer = Found;

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Found, Error> {
        users::lock(work.tx, self.user).await?;
        let now = work.now;
        let calls = (
            self.actor.as_str(),
            self.server.as_str(),
            self.tool.as_str(),
        );
        let rows = approvals::find_live(work.tx, self.user, calls, now).await?;
        let rows = rows
            .into_iter()
            .map(|row| Stored::verify(row, self.user, &work.shared.keyring));
        let mut stored = rows.collect::<Result<Vec<Stored>, Error>>()?;
        stored.retain(|stored| stored.row.definition == self.definition);
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
