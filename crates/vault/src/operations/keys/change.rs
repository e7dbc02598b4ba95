//! The changes of keys: insert, narrow, revoke. Each runs in the writer's transaction.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;

use super::KeyChange;
use super::rights::unknown_user;
use crate::cache::Effect;
use crate::caller::Caller;
use crate::error::Error;
use crate::key::{self, KeyInfo, KeyRecord};
use crate::store::api_keys::{self, ApiKeyRow};
use crate::store::users;
use crate::writer::change::{Change, Work};

pub(crate) struct InsertKey {
    pub(super) row: ApiKeyRow,
    pub(crate) record: Record,
}

impl Change for InsertKey {
    type Answer = KeyInfo;

    fn user(&self) -> UserId {
        UserId(self.row.user_id)
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<KeyInfo, Error> {
        let user = self.user();
        users::lock(work.tx, user).await?;
        if users::find(work.tx, user).await?.is_none() {
            return Err(unknown_user());
        }
        api_keys::insert(work.tx, &self.row).await?;
        work.records.push(about(self.record.clone(), &self.row));
        Ok(KeyRecord::verify(self.row.clone(), &work.shared.keyring)?.info(None))
    }
}

pub(super) struct UpdateKey {
    pub(super) owner: UserId,
    pub(super) caller: Caller,
    pub(super) key: KeyId,
    pub(super) change: KeyChange,
    pub(super) record: Record,
}

impl Change for UpdateKey {
    type Answer = KeyInfo;

    fn user(&self) -> UserId {
        self.owner
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<KeyInfo, Error> {
        let (mut record, last_used_at) =
            find_managed(work, &self.caller, self.owner, self.key, false).await?;
        let before = record.info(last_used_at);
        if let Some(name) = &self.change.name {
            record.row.name.clone_from(name);
        }
        if let Some(scopes) = self.change.scopes {
            if !scopes.is_subset_of(record.scopes) {
                let message = "A change can only remove scopes from a key.";
                return Err(Error::invalid(
                    "scopes_not_narrower",
                    &["body", "scopes"],
                    message,
                ));
            }
            record.scopes = scopes;
            record.row.scopes = serde_json::to_string(&scopes).map_err(Error::internal)?;
        }
        if let Some(end) = self.change.expires_at {
            if record.expires_at().is_some_and(|current| end > current) {
                let message = "A change can only bring a key's expiry forward.";
                return Err(Error::invalid(
                    "expiry_not_earlier",
                    &["body", "expires_at"],
                    message,
                ));
            }
            record.row.expires_at = Some(end.microseconds());
        }
        let info = record.info(last_used_at);
        if info != before {
            save(work, &mut record, self.record.clone()).await?;
        }
        Ok(info)
    }
}

pub(super) struct RevokeKey {
    pub(super) owner: UserId,
    pub(super) caller: Caller,
    pub(super) key: KeyId,
    pub(super) record: Record,
}

impl Change for RevokeKey {
    type Answer = ();

    fn user(&self) -> UserId {
        self.owner
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let (mut key, _) = find_managed(work, &self.caller, self.owner, self.key, true).await?;
        if key.row.revoked_at.is_none() {
            key.row.revoked_at = Some(work.now.microseconds());
            save(work, &mut key, self.record.clone()).await?;
        }
        Ok(())
    }
}

/// The key, if the caller may manage it: it belongs to their user, or they are an administrator and the change is
/// allowed for any user's keys.
pub(super) async fn find_managed(
    work: &mut Work<'_>,
    caller: &Caller,
    owner: UserId,
    key: KeyId,
    as_administrator: bool,
) -> Result<(KeyRecord, Option<i64>), Error> {
    // Lock before reading the row, so that a concurrent change by another process is not undone.
    users::lock(work.tx, owner).await?;
    let row = api_keys::find_listed(work.tx, key.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    let record = KeyRecord::verify(row.key, &work.shared.keyring)?;
    let is_own = record.user() == caller.user && caller.scopes.contains(Scope::Manage);
    let is_administrator = as_administrator && caller.scopes.contains(Scope::Admin);
    if is_own || is_administrator || caller.is_local {
        Ok((record, row.last_used_at))
    } else {
        Err(Error::NotFound)
    }
}

pub(super) async fn save(
    work: &mut Work<'_>,
    key: &mut KeyRecord,
    record: Record,
) -> Result<(), Error> {
    key::authenticate(&mut key.row, &work.shared.keyring);
    api_keys::update(work.tx, &key.row).await?;
    work.records.push(about(record, &key.row));
    work.effects.push(Effect::KeyChanged(key.id));
    Ok(())
}

pub(super) fn about(mut record: Record, row: &ApiKeyRow) -> Record {
    record.subject = Some(row.key_id.clone());
    record.user_id = Some(UserId(row.user_id));
    record.state = Some(key::state_text(row));
    record
}
