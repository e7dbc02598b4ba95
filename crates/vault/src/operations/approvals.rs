//! Approvals: a call through the gateway waits until a person allows it.
//!
//! [`ask`] finds out whether a call is allowed already, or asks. [`decide`] is what a person does about it. [`stored`] is
//! a request as it is stored: it is sealed, and its row has a MAC. [`delete`] deletes what is old.
//!
//! Neither the key that made a call nor a key that descends from it can decide about that call.

mod ask;
mod decide;
mod delete;
pub(crate) mod stored;

use std::collections::HashMap;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::identity::{ApprovalId, UserId};
use toolvault_core::pattern::ToolName;
use toolvault_core::scope::Scope;

pub use self::ask::{Asked, AskedCall, Waiting};
use self::decide::{Decide, Delete};
use self::stored::Stored;
pub use self::stored::{Approval, ApprovalDecision, ApprovalState};
use crate::cache::Effect;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::store::approvals;
use crate::vault::Vault;
use crate::writer::change::Work;

/// A part of a user's approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalList {
    /// The approvals, newest first.
    pub approvals: Vec<Approval>,
    /// How many there are in all.
    pub total: usize,
}

impl Vault {
    /// The requests that wait for a decision and what is allowed, of the tools that the caller reaches, newest first.
    /// Needs `manage`.
    pub async fn approvals(
        &self,
        caller: &Caller,
        limit: usize,
        offset: usize,
    ) -> Result<ApprovalList, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        self.caller_entry(caller).await?;
        let now = self.shared.clock.now();
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let mut live = approvals::list_live(&mut tx, caller.user, now).await?;
            live.retain(|key| reaches(caller, &key.server, &key.tool));
            let page = live.iter().skip(offset).take(limit);
            let ids: Vec<_> = page.map(|key| key.approval_id).collect();
            let rows = approvals::find_some(&mut tx, &ids).await?;
            let mut rows: HashMap<_, _> =
                rows.into_iter().map(|row| (row.approval_id, row)).collect();
            let found = ids.iter().filter_map(|id| rows.remove(id));
            let approvals = found.map(|row| {
                let stored = Stored::verify(row, caller.user, &self.shared.keyring)?;
                stored.approval(&self.shared.keyring, now)
            });
            Ok(ApprovalList {
                approvals: approvals.collect::<Result<_, Error>>()?,
                total: live.len(),
            })
        };
        let listed = self.in_time(reading).await;
        self.note_refusal(caller, listed).await
    }

    /// One request, in any state, for a day after it ended, or an hour if it was not decided. Needs `manage`.
    pub async fn approval(&self, caller: &Caller, id: ApprovalId) -> Result<Approval, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        self.caller_entry(caller).await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let row = approvals::find(&mut tx, caller.user, id).await?;
            let row = row.filter(|row| reaches(caller, &row.server, &row.tool));
            let row = row.ok_or(Error::NotFound)?;
            let stored = Stored::verify(row, caller.user, &self.shared.keyring)?;
            stored.approval(&self.shared.keyring, self.shared.clock.now())
        };
        let found = self.in_time(reading).await;
        self.note_refusal(caller, found).await
    }

    /// Decides about a request that waits. Needs `manage`, and another key than the one that made the call.
    ///
    /// # Errors
    /// [`Error::ApprovalEnded`] if it was decided already, or its time is over.
    pub async fn decide_approval(
        &self,
        caller: &Caller,
        id: ApprovalId,
        decision: ApprovalDecision,
    ) -> Result<Approval, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        self.caller_entry(caller).await?;
        let outcome = match decision {
            ApprovalDecision::Refuse => Decision::Denied,
            _ => Decision::Allowed,
        };
        let decide = Decide {
            caller: caller.clone(),
            id,
            decision,
            record: self.record(caller, Action::ApprovalDecided, outcome),
        };
        self.change(caller, decide).await
    }

    /// Revokes what was allowed, or withdraws a request. Needs `manage`. To revoke is not to allow, so any such key of the
    /// user may.
    pub async fn delete_approval(&self, caller: &Caller, id: ApprovalId) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        self.caller_entry(caller).await?;
        let delete = Delete {
            caller: caller.clone(),
            id,
            record: self.record(caller, Action::ApprovalDeleted, Decision::Allowed),
        };
        self.change(caller, delete).await
    }

    /// How many requests of all users wait for a decision. For metrics.
    pub async fn pending_approvals(&self) -> Result<i64, Error> {
        let now = self.shared.clock.now();
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            Ok(approvals::count_pending(&mut tx, now).await?)
        })
        .await
    }
}

/// The name with which a tool is matched with patterns.
fn full_name(server: &str, tool: &str) -> String {
    format!("{server}__{tool}")
}

fn reaches(caller: &Caller, server: &str, tool: &str) -> bool {
    ToolName::parse(&full_name(server, tool)).is_ok_and(|name| caller.reaches_tool(&name))
}

/// Refuses the caller that made the call, and keys that descend from it.
fn require_other(caller: &Caller, actor: &str) -> Result<(), Error> {
    let mut line = caller.line.iter().map(|(id, _)| format!("key:{id}"));
    if caller.actor.to_string() == actor || line.any(|key| key == actor) {
        return Err(Denial::OwnCall.into());
    }
    Ok(())
}

/// What every record of a request says.
fn about(mut record: Record, id: ApprovalId, (server, tool): (&str, &str)) -> Record {
    record.subject = Some(id.to_string());
    record.tool = Some(full_name(server, tool));
    record
}

/// Those for whose user a request is stored are told of what was decided.
fn tell(work: &mut Work<'_>, user: UserId) {
    work.effects.push(Effect::UserChanged(user));
}
