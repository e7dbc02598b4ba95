//! What a person does about a request. Each change runs in the writer's transaction.

use toolvault_core::audit::record::Record;
use toolvault_core::identity::{ApprovalId, UserId};

use super::stored::{Approval, ApprovalDecision, ApprovalState, Stored, authenticate};
use super::{about, reaches, require_other, tell};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::{approvals, users};
use crate::writer::change::{Change, Work};

/// The request, if the caller may see it.
async fn find(work: &mut Work<'_>, caller: &Caller, id: ApprovalId) -> Result<Stored, Error> {
    users::lock(work.tx, caller.user).await?;
    let row = approvals::find(work.tx, caller.user, id).await?;
    let row = row.filter(|row| reaches(caller, &row.server, &row.tool));
    Stored::verify(
        row.ok_or(Error::NotFound)?,
        caller.user,
        &work.shared.keyring,
    )
}

/// Allows or refuses.
pub(super) struct Decide {
    pub(super) caller: Caller,
    pub(super) id: ApprovalId,
    pub(super) decision: ApprovalDecision,
    pub(super) record: Record,
}

impl Change for Decide {
    type Answer = Approval;

    fn user(&self) -> UserId {
        self.caller.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Approval, Error> {
        let mut stored = find(work, &self.caller, self.id).await?;
        require_other(&self.caller, &stored.row.actor)?;
        if stored.state(work.now) != ApprovalState::Pending {
            return Err(Error::ApprovalEnded);
        }
        stored.decide(self.decision, self.caller.actor.to_string(), work.now);
        let keyring = &work.shared.keyring;
        authenticate(&mut stored.row, keyring);
        let approval = stored.approval(keyring, work.now)?;
        approvals::update(work.tx, &stored.row).await?;
        let named = (stored.row.server.as_str(), stored.row.tool.as_str());
        let mut record = about(self.record.clone(), self.id, named);
        record.reason = Some(self.decision.as_str().to_owned());
        work.records.push(record);
        tell(work, self.caller.user);
        Ok(approval)
    }
}

/// Revokes or withdraws.
pub(super) struct Delete {
    pub(super) caller: Caller,
    pub(super) id: ApprovalId,
    pub(super) record: Record,
}

impl Change for Delete {
    type Answer = ();

    fn user(&self) -> UserId {
        self.caller.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let stored = find(work, &self.caller, self.id).await?;
        approvals::delete(work.tx, self.id).await?;
        let named = (stored.row.server.as_str(), stored.row.tool.as_str());
        work.records
            .push(about(self.record.clone(), self.id, named));
        tell(work, self.caller.user);
        Ok(())
    }
}
