//! The end of sessions, and of what can be used once.

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::identity::{SignInId, UserId};
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use super::SignedIn;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::{ended_sign_ins, session_generations, users};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

impl Vault {
    /// Ends a session: no copy of its cookie is accepted any more.
    pub async fn end_session(&self, signed_in: &SignedIn) -> Result<(), Error> {
        let caller = &signed_in.caller;
        let end = End {
            id: signed_in.session.id,
            until: signed_in.expires_at,
            record: self.record(caller, Action::SessionEnded, Decision::Allowed),
            user: caller.user,
        };
        self.writer.change(end).await
    }

    /// Ends all sessions of a user, also those that begin with a link that was made before. Needs `admin`.
    pub async fn end_sessions(&self, caller: &Caller, user: UserId) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let mut record = self.record(caller, Action::SessionEnded, Decision::Allowed);
        record.user_id = Some(user);
        record.subject = Some(user.to_string());
        record.reason = Some("all".to_owned());
        self.change(caller, EndAll { user, record }).await
    }

    pub(crate) async fn is_ended(&self, id: SignInId) -> Result<bool, Error> {
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            Ok(ended_sign_ins::contains(&mut tx, id).await?)
        })
        .await
    }
}

/// Ends a session, or uses up a link.
pub(super) struct End {
    pub(super) id: SignInId,
    pub(super) until: Timestamp,
    pub(super) record: Record,
    pub(super) user: UserId,
}

impl Change for End {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        use_up(work, self.id, self.until).await?;
        work.records.push(self.record.clone());
        Ok(())
    }
}

/// Remembers that this was used, until it expires anyway. Refuses what was used before.
pub(crate) async fn use_up(
    work: &mut Work<'_>,
    id: SignInId,
    until: Timestamp,
) -> Result<(), Error> {
    ended_sign_ins::delete_expired(work.tx, work.now).await?;
    if ended_sign_ins::insert(work.tx, id, until).await? {
        Ok(())
    } else {
        Err(Error::Unauthenticated)
    }
}

/// Ends all sessions of a user.
struct EndAll {
    user: UserId,
    record: Record,
}

impl Change for EndAll {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        // The user must be there until this is committed.
        users::lock(work.tx, self.user).await?;
        users::find(work.tx, self.user)
            .await?
            .ok_or(Error::NotFound)?;
        session_generations::advance(work.tx, self.user, work.now).await?;
        work.records.push(self.record.clone());
        Ok(())
    }
}
