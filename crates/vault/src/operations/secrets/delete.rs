//! Deletes a secret with all its versions, even one whose row was tampered with.

use toolvault_core::audit::record::Record;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::pattern::ToolPattern;

use super::require_match;
use crate::cache::Effect;
use crate::caller::Caller;
use crate::connection::StoredConnection;
use crate::error::{Denial, Error};
use crate::secret::Secret;
use crate::store::connections;
use crate::store::wanted::Wanted;
use crate::user::{Ledger, User};
use crate::writer::change::{Change, Work};
use crate::writer::rows::{Edit, Locked};

pub(crate) struct DeleteSecret {
    pub(crate) caller: Caller,
    pub(crate) user: User,
    pub(crate) id: SecretId,
    pub(crate) if_match: Vec<String>,
    pub(crate) record: Record,
}

impl Change for DeleteSecret {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user.id()
    }

    fn wants(&self) -> Option<Wanted> {
        Some(Wanted::secret(self.user.id(), self.id))
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let mut locked = work.lock(&self.user).await?;
        let row = work.rows.secret(self.user.id(), self.id);
        let row = row.ok_or(Error::NotFound)?;
        let pattern = row
            .tool
            .as_deref()
            .and_then(|tool| ToolPattern::parse(tool).ok());
        if !self.caller.reaches_pattern(pattern.as_ref()) {
            return Err(Error::NotFound);
        }
        let mut record = self.record.clone();
        record.secret_id = Some(self.id);
        record.secret_name = Some(row.name.clone());
        record.version = Some(row.version);
        record.tool = pattern.map(|pattern| pattern.as_str().to_owned());
        record.argument.clone_from(&row.argument);

        let verified = Secret::verify(row, work.shared.keyring.installation(), &locked.user.keys);
        match &verified {
            // Whoever could delete it could put another one in its place.
            Ok(secret) if secret.policy.protected && self.caller.is_limited() => {
                return Err(Denial::SecretProtected.into());
            }
            Ok(secret) => require_match(&self.if_match, &secret.info().entity_tag())?,
            // A row that was tampered with can still be deleted.
            Err(_) if self.if_match.is_empty() => {}
            Err(_) => return Err(Error::PreconditionFailed),
        }
        match verified {
            Ok(secret) => locked.ledger.remove(&secret, &work.shared.keyring),
            Err(_) => locked.ledger = count_again(work, &locked, self.id).await?,
        }
        locked.ledger.last_change = work.now.after(locked.ledger.last_change);
        work.records.push(record);
        let deleted = Effect::SecretDeleted(self.user.id(), self.id, locked.generation);
        work.effects.push(deleted);
        work.edits.push(Edit::SecretDeleted(self.id));
        work.edits.push(Edit::Ledger(locked));
        Ok(())
    }
}

/// The ledger without a secret or a connection whose share in it is unknown: recomputed from the others, if all of them
/// are sound and none is missing.
pub(crate) async fn count_again(
    work: &mut Work<'_>,
    locked: &Locked,
    left_out: SecretId,
) -> Result<Ledger, Error> {
    let (keyring, user) = (&work.shared.keyring, &locked.user);
    let mut found = Ledger::default();
    let rows = work.rows.secrets_of(work.tx, user.id()).await?;
    for row in rows.into_iter().filter(|row| row.secret_id != left_out.0) {
        if let Ok(secret) = Secret::verify(row, keyring.installation(), &user.keys) {
            found.add(&secret, keyring);
        }
    }
    let rows = connections::list(work.tx, Some(user.id())).await?;
    for row in rows
        .into_iter()
        .filter(|row| row.connection_id != left_out.0)
    {
        if let Ok(connection) = StoredConnection::verify(row, keyring.installation(), &user.keys) {
            found.add(&connection, keyring);
        }
    }
    let mut left = locked.ledger;
    left.secrets -= 1;
    if found.secrets == left.secrets {
        found.last_change = left.last_change;
        left = found;
    }
    Ok(left)
}
