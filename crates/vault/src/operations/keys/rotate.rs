//! Replaces a key with a successor that has the same rights.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::identity::UserId;

use super::IssuedKey;
use super::change::{about, find_managed, save};
use super::rights::exceeds;
use crate::caller::Caller;
use crate::error::Error;
use crate::key::{KeyRecord, KeyRights, prepare_key};
use crate::operations::authentication::DEEPEST_DESCENT;
use crate::store::api_keys;
use crate::writer::change::{Change, Work};

pub(super) struct RotateKey {
    pub(super) owner: UserId,
    pub(super) caller: Caller,
    /// The caller's own key and its ancestors; empty for a caller without a key.
    pub(super) lineage: Option<Vec<KeyId>>,
    pub(super) key: KeyId,
    /// In microseconds.
    pub(super) overlap: i64,
    pub(super) record: Record,
}

impl Change for RotateKey {
    type Answer = IssuedKey;

    fn user(&self) -> UserId {
        self.owner
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<IssuedKey, Error> {
        let (mut old, _) = find_managed(work, &self.caller, self.owner, self.key, false).await?;
        if !old.is_live(work.now) {
            let message = "The key has expired or was revoked; create a new one.";
            return Err(Error::invalid("key_ended", &["path", "key_id"], message));
        }
        // The successor is shown to the caller, so the caller must have all its rights.
        let may_do_all = self.caller.is_local
            || (old.scopes.is_subset_of(self.caller.scopes)
                && (!old.row.is_any_user || self.caller.is_any_user));
        if !may_do_all {
            return Err(exceeds("the rotated key has rights that the caller lacks"));
        }
        let rights = self.rights(&old)?;
        let (key, row) = prepare_key(
            &work.shared.keyring,
            work.shared.entropy.as_ref(),
            work.now,
            &rights,
        )?;
        api_keys::insert(work.tx, &row).await?;
        let mut created = about(self.record.clone(), &row);
        created.action = Action::KeyCreated;
        work.records.push(created);

        let end = work.now.plus(self.overlap);
        let end = old.expires_at().map_or(end, |current| current.min(end));
        old.row.expires_at = Some(end.microseconds());
        save(work, &mut old, self.record.clone()).await?;
        let info = KeyRecord::verify(row, &work.shared.keyring)?.info(None);
        Ok(IssuedKey { info, key })
    }
}

impl RotateKey {
    /// The rights of the successor. It descends from the old key's ancestors. If the caller's key is not among them, it
    /// also descends from the caller's key, so that a caller cannot get a key that outlives their own.
    fn rights(&self, old: &KeyRecord) -> Result<KeyRights, Error> {
        let mut rights = KeyRights {
            name: old.row.name.clone(),
            user: old.user(),
            scopes: old.scopes,
            tools: old.tools.clone(),
            is_any_user: old.row.is_any_user,
            creator: old.creator,
            expires_at: old.expires_at(),
        };
        let Some(lineage) = &self.lineage else {
            return Ok(rights);
        };
        let own = lineage.first().copied();
        if own == Some(old.id) || old.creator == own {
            return Ok(rights);
        }
        if old
            .creator
            .is_some_and(|creator| !lineage.contains(&creator))
        {
            return Err(exceeds("the rotated key descends from another key"));
        }
        if lineage.len() > DEEPEST_DESCENT {
            return Err(exceeds("too many keys would descend from each other"));
        }
        rights.creator = own;
        rights.expires_at = match (rights.expires_at, self.caller.expires_at) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        Ok(rights)
    }
}
