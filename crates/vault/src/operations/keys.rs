//! API keys: create, list, narrow, rotate, revoke.
//!
//! [`rights`] limits what a new key may do; [`change`] and [`rotate`] are the changes.

pub(crate) mod change;
pub(crate) mod rights;
mod rotate;

use std::collections::HashMap;
use std::sync::Arc;

use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::{SECOND, Timestamp};

use self::change::{InsertKey, RevokeKey, UpdateKey};
use self::rights::{
    exceeds, grant, require_some, require_unlimited, require_writable, unknown_user,
};
use self::rotate::RotateKey;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::key::{KeyInfo, KeyRecord, prepare_key};
use crate::operations::authentication::DEEPEST_DESCENT;
use crate::store::api_keys;
use crate::vault::Vault;

/// The longest time for which an old key may stay valid beside its successor, in microseconds: seven days.
pub const LONGEST_OVERLAP: i64 = 7 * 24 * 3_600 * SECOND;

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its holder's name for it.
    pub name: String,
    /// What it may do; at least one scope.
    pub scopes: ScopeSet,
    /// The tool patterns that it is limited to; empty for no limit.
    pub tools: Vec<ToolPattern>,
    /// When it expires; `None` for the creator's expiry, if it has one.
    pub expires_at: Option<Timestamp>,
    /// Whether it acts for any user.
    pub any_user: bool,
    /// Its owner; `None` for the caller's user.
    pub user: Option<UserId>,
}

/// The changes of a key. Absent fields stay unchanged.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// A new name.
    pub name: Option<String>,
    /// Fewer scopes.
    pub scopes: Option<ScopeSet>,
    /// An earlier expiry.
    pub expires_at: Option<Timestamp>,
}

/// A key that was just created. It is shown in full only this once.
#[expect(missing_debug_implementations, reason = "it holds the key in full")]
pub struct IssuedKey {
    /// Its public information.
    pub info: KeyInfo,
    /// The key.
    pub key: ApiKey,
}

impl Vault {
    /// Creates a key whose rights lie within the caller's. Needs `manage` for the caller's own user, `admin` for
    /// another.
    pub async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<IssuedKey, Error> {
        let (key, insert) = self.prepare_insert(caller, new).await?;
        let info = self.change(caller, insert).await?;
        Ok(IssuedKey { info, key })
    }

    /// A new key, if the caller may create it, and the change that does.
    pub(crate) async fn prepare_insert(
        &self,
        caller: &Caller,
        new: NewKey,
    ) -> Result<(ApiKey, InsertKey), Error> {
        let rights = self.note_refusal(caller, grant(caller, new)).await?;
        if let Some(creator) = rights.creator {
            self.require_shallow(creator).await?;
        }
        match self.user_entry(rights.user).await? {
            None => return Err(unknown_user()),
            Some(entry) if entry.user.row.is_disabled && !caller.is_local => {
                let refused = Err(Denial::UserUnavailable.into());
                return self.note_refusal(caller, refused).await;
            }
            Some(_) => {}
        }
        let (key, row) = prepare_key(
            &self.shared.keyring,
            self.shared.entropy.as_ref(),
            self.shared.clock.now(),
            &rights,
        )?;
        let record = self.record(caller, Action::KeyCreated, Decision::Allowed);
        Ok((key, InsertKey { row, record }))
    }

    /// Lists the keys of the caller's user or, with `admin`, of `user`. Lists all keys for an administrator without
    /// `manage`, and for a local caller who acts for no user.
    pub async fn list_keys(
        &self,
        caller: &Caller,
        user: Option<UserId>,
    ) -> Result<Vec<KeyInfo>, Error> {
        let own = user.is_none_or(|user| user == caller.user);
        let is_for_all = user.is_none() && caller.is_local && !caller.is_user_named;
        let whose = if own && caller.scopes.contains(Scope::Manage) && !is_for_all {
            Some(caller.user)
        } else {
            let needed = if own && !caller.scopes.contains(Scope::Admin) {
                Scope::Manage
            } else {
                Scope::Admin
            };
            self.note_refusal(caller, caller.require(needed)).await?;
            user
        };
        self.note_refusal(caller, require_unlimited(caller)).await?;
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(api_keys::list(&mut tx, whose).await?)
            })
            .await?;
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            let record = KeyRecord::verify(row.key, &self.shared.keyring)?;
            listed.push((Arc::new(record), row.last_used_at));
        }
        // Most creators are in the list, so few are read one by one.
        let mut known: HashMap<_, _> = listed
            .iter()
            .map(|(record, _)| (record.id, Arc::clone(record)))
            .collect();
        let mut keys = Vec::with_capacity(listed.len());
        for (record, last_used_at) in listed {
            let mut info = record.info(last_used_at);
            self.narrow(&mut info, record.creator, &mut known).await?;
            keys.push(info);
        }
        Ok(keys)
    }

    /// A key has no more scopes than its creator and the creator's creators have now, and ends when the first of them
    /// ends.
    async fn narrow(
        &self,
        info: &mut KeyInfo,
        creator: Option<KeyId>,
        known: &mut HashMap<KeyId, Arc<KeyRecord>>,
    ) -> Result<(), Error> {
        let earlier = |one: Option<Timestamp>, other| one.into_iter().chain(other).min();
        let mut next = creator;
        for _ in 0..DEEPEST_DESCENT {
            let Some(id) = next else { break };
            if !known.contains_key(&id)
                && let Some(record) = self.key_record(id).await?
            {
                known.insert(id, record);
            }
            let Some(ancestor) = known.get(&id) else {
                break;
            };
            let ends = ancestor.info(None);
            info.scopes = info.scopes.intersection(ends.scopes);
            info.expires_at = earlier(info.expires_at, ends.expires_at);
            info.revoked_at = earlier(info.revoked_at, ends.revoked_at);
            next = ancestor.creator;
        }
        Ok(())
    }

    /// Renames a key, removes scopes from it, or brings its expiry forward. Needs `manage`.
    pub async fn update_key(
        &self,
        caller: &Caller,
        key: KeyId,
        change: KeyChange,
    ) -> Result<KeyInfo, Error> {
        self.note_refusal(caller, require_unlimited(caller)).await?;
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        if let Some(scopes) = change.scopes {
            require_some(scopes)?;
        }
        if let Some(end) = change.expires_at {
            require_writable(end)?;
        }
        let record = self.record(caller, Action::KeyChanged, Decision::Allowed);
        let owner = self.owner(caller, key).await?;
        self.change(
            caller,
            UpdateKey {
                owner,
                caller: caller.clone(),
                key,
                change,
                record,
            },
        )
        .await
    }

    /// Creates a key with the same rights and ends the old one after `overlap` microseconds. Needs `manage`, and every
    /// right of the key.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        key: KeyId,
        overlap: i64,
    ) -> Result<IssuedKey, Error> {
        self.note_refusal(caller, require_unlimited(caller)).await?;
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        if !(0..=LONGEST_OVERLAP).contains(&overlap) {
            let message = "Two keys overlap for at most seven days.";
            let location = ["body", "overlap_seconds"];
            return Err(Error::invalid("overlap_too_long", &location, message));
        }
        let lineage = match caller.key {
            Some(own) => Some(self.lineage(own).await?),
            None => None,
        };
        let record = self.record(caller, Action::KeyRotated, Decision::Allowed);
        let owner = self.owner(caller, key).await?;
        let change = RotateKey {
            owner,
            caller: caller.clone(),
            lineage,
            key,
            overlap,
            record,
        };
        self.change(caller, change).await
    }

    /// Revokes a key and all its descendants. Needs `manage` for the keys of the caller's user, `admin` for others.
    pub async fn revoke_key(&self, caller: &Caller, key: KeyId) -> Result<(), Error> {
        self.note_refusal(caller, require_unlimited(caller)).await?;
        if !caller.scopes.contains(Scope::Admin) {
            self.note_refusal(caller, caller.require(Scope::Manage))
                .await?;
        }
        let record = self.record(caller, Action::KeyRevoked, Decision::Allowed);
        let owner = self.owner(caller, key).await?;
        self.change(
            caller,
            RevokeKey {
                owner,
                caller: caller.clone(),
                key,
                record,
            },
        )
        .await
    }

    async fn require_shallow(&self, creator: KeyId) -> Result<(), Error> {
        // The key itself will be a descendant of all of these.
        if self.lineage(creator).await?.len() > DEEPEST_DESCENT {
            return Err(exceeds("too many keys would descend from each other"));
        }
        Ok(())
    }

    /// The key and its ancestors, nearest first, up to one more than a valid key has.
    async fn lineage(&self, key: KeyId) -> Result<Vec<KeyId>, Error> {
        let mut lineage = Vec::new();
        let mut next = Some(key);
        while let Some(id) = next.filter(|_| lineage.len() <= DEEPEST_DESCENT) {
            lineage.push(id);
            next = self.key_record(id).await?.and_then(|record| record.creator);
        }
        Ok(lineage)
    }

    /// The owner of the key, whose lock orders its changes; the caller's user if the key does not exist.
    async fn owner(&self, caller: &Caller, key: KeyId) -> Result<UserId, Error> {
        let record = self.key_record(key).await?;
        Ok(record.map_or(caller.user, |record| record.user()))
    }
}
