//! API keys: made, listed, narrowed, replaced, ended.

use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::UserId;
use toolvault_core::keyring::Keyring;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::cache::Effect;
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::key::{self, KeyInfo, KeyRecord};
use crate::operations::authentication::DEEPEST_DESCENT;
use crate::store::api_keys::{self, ApiKeyRow};
use crate::store::users;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// The longest overlap of an old key and its successor, in microseconds: seven days.
const LONGEST_OVERLAP: i64 = 7 * 24 * 3_600 * SECOND;
/// The end of the year 9998, in microseconds since 1970.
const LATEST_END: i64 = 253_370_764_800 * SECOND - 1;

/// The key to make.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its holder's name for it.
    pub name: String,
    /// What it may do; at least one scope.
    pub scopes: ScopeSet,
    /// The tool patterns that it is limited to; empty for no limit.
    pub tools: Vec<ToolPattern>,
    /// From when it is refused; none takes over the creator's end, if there is one.
    pub expires_at: Option<Timestamp>,
    /// Whether it acts for any user.
    pub any_user: bool,
    /// Whose key it is; none for the caller's user.
    pub user: Option<UserId>,
}

/// What changes of a key. What is none stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// Another name.
    pub name: Option<String>,
    /// Fewer scopes.
    pub scopes: Option<ScopeSet>,
    /// An earlier end.
    pub expires_at: Option<Timestamp>,
}

/// A key that was just made: the only time that it is seen in full.
#[expect(missing_debug_implementations, reason = "it holds the key in full")]
pub struct IssuedKey {
    /// What is told about it from now on.
    pub info: KeyInfo,
    /// The key.
    pub key: ApiKey,
}

impl Vault {
    /// Makes a key whose rights lie within the caller's. Needs `manage` for the caller's own user, `admin`
    /// for another one.
    pub async fn create_key(&self, caller: &Caller, new: NewKey) -> Result<IssuedKey, Error> {
        let rights = self.note_refusal(caller, self.grant(caller, new)).await?;
        if let Some(creator) = rights.creator {
            self.require_shallow(creator).await?;
        }
        if self.user_entry(rights.user).await?.is_none() {
            return Err(unknown_user());
        }
        let (key, row) = prepare_key(
            &self.shared.keyring,
            self.shared.entropy.as_ref(),
            self.shared.clock.now(),
            &rights,
        )?;
        let record = self.record(caller, Action::KeyCreated, Decision::Allowed);
        let info = self.change(caller, InsertKey { row, record }).await?;
        Ok(IssuedKey { info, key })
    }

    /// Lists the keys of the caller's user or, with `admin`, of `user`; of everybody if the caller may
    /// not manage keys of their own.
    pub async fn list_keys(
        &self,
        caller: &Caller,
        user: Option<UserId>,
    ) -> Result<Vec<KeyInfo>, Error> {
        let own = user.is_none_or(|user| user == caller.user);
        let whose = if own && caller.scopes.contains(Scope::Manage) {
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
        rows.into_iter()
            .map(|row| {
                let record = KeyRecord::verify(row.key, &self.shared.keyring)?;
                Ok(record.info(row.last_used_at))
            })
            .collect()
    }

    /// Renames a key, takes scopes from it, or ends it earlier. Needs `manage`.
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

    /// Makes a key with the same rights and lets the old one end after `overlap` microseconds. Needs
    /// `manage`, and every right that the key has.
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

    /// Ends a key and all that descend from it. Needs `manage` for the keys of the caller's user, `admin`
    /// for others'.
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

    /// The rights of the new key, if the caller may grant them.
    fn grant(&self, caller: &Caller, new: NewKey) -> Result<KeyRights, Error> {
        require_unlimited(caller)?;
        require_some(new.scopes)?;
        if let Some(end) = new.expires_at {
            require_writable(end)?;
        }
        let user = new.user.unwrap_or(caller.user);
        let is_for_other = user != caller.user && !caller.is_any_user;
        caller.require(if is_for_other {
            Scope::Admin
        } else {
            Scope::Manage
        })?;
        let values = new.scopes.contains(Scope::Use) || new.scopes.contains(Scope::Resolve);
        if is_for_other && values {
            return Err(exceeds(
                "an administrator makes no key with 'use' or 'resolve'",
            ));
        }
        if !caller.is_local() && !new.scopes.is_subset_of(caller.scopes) {
            return Err(exceeds("scopes"));
        }
        if new.any_user && !caller.is_any_user {
            return Err(exceeds("any_user"));
        }
        if new.any_user && new.scopes.contains(Scope::Admin) {
            return Err(exceeds("a key with 'any_user' never has 'admin'"));
        }
        // A token's own end is that of a sign-in, not of what was made with it.
        let limit = caller.key.and(caller.expires_at);
        let expires_at = new.expires_at.or(limit);
        if expires_at > limit && limit.is_some() {
            return Err(exceeds("it would outlive it"));
        }
        if new.any_user && expires_at.is_none() {
            let message = "A key with 'any_user' has an expiry.";
            return Err(Error::invalid("missing", &["body", "expires_at"], message));
        }
        Ok(KeyRights {
            name: new.name,
            user,
            scopes: new.scopes,
            tools: new.tools,
            is_any_user: new.any_user,
            creator: caller.key,
            expires_at,
        })
    }

    async fn require_shallow(&self, creator: KeyId) -> Result<(), Error> {
        // The key itself descends from all of these.
        if self.lineage(creator).await?.len() > DEEPEST_DESCENT {
            return Err(exceeds("keys descend from each other too deeply"));
        }
        Ok(())
    }

    /// The key and those that it descends from, the nearest first, up to one more than a valid key has.
    async fn lineage(&self, key: KeyId) -> Result<Vec<KeyId>, Error> {
        let mut lineage = Vec::new();
        let mut next = Some(key);
        while let Some(id) = next.filter(|_| lineage.len() <= DEEPEST_DESCENT) {
            lineage.push(id);
            next = self.key_record(id).await?.and_then(|record| record.creator);
        }
        Ok(lineage)
    }

    /// Whose key it is, so that changes of it are put in order with that user's; the caller's if there is
    /// no such key.
    async fn owner(&self, caller: &Caller, key: KeyId) -> Result<UserId, Error> {
        let record = self.key_record(key).await?;
        Ok(record.map_or(caller.user, |record| record.user()))
    }
}

/// What a key is made with.
pub(crate) struct KeyRights {
    pub(crate) name: String,
    pub(crate) user: UserId,
    pub(crate) scopes: ScopeSet,
    pub(crate) tools: Vec<ToolPattern>,
    pub(crate) is_any_user: bool,
    pub(crate) creator: Option<KeyId>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Makes a key and the row that recognises it.
pub(crate) fn prepare_key(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    now: Timestamp,
    rights: &KeyRights,
) -> Result<(ApiKey, ApiKeyRow), Error> {
    let key = ApiKey::generate(entropy)?;
    let mut row = ApiKeyRow {
        key_id: key.id().to_string(),
        user_id: rights.user.0,
        name: rights.name.clone(),
        scopes: serde_json::to_string(&rights.scopes).map_err(Error::internal)?,
        tools: serde_json::to_string(&rights.tools).map_err(Error::internal)?,
        is_any_user: rights.is_any_user,
        creator_id: rights.creator.map(|creator| creator.to_string()),
        created_at: now.microseconds(),
        expires_at: rights.expires_at.map(Timestamp::microseconds),
        revoked_at: None,
        verifier: keyring
            .hash_api_key(key.id().as_str(), key.secret_bytes())
            .to_vec(),
        mac: Vec::new(),
    };
    key::authenticate(&mut row, keyring);
    Ok((key, row))
}

fn require_unlimited(caller: &Caller) -> Result<(), Error> {
    if caller.is_limited() {
        Err(Denial::LimitedKeyManagesKeys.into())
    } else {
        Ok(())
    }
}

fn require_some(scopes: ScopeSet) -> Result<(), Error> {
    if scopes.is_empty() {
        let message = "A key has at least one scope.";
        return Err(Error::invalid("too_short", &["body", "scopes"], message));
    }
    Ok(())
}

/// Refuses an end that no calendar writes, which would be told wrongly ever after.
fn require_writable(end: Timestamp) -> Result<(), Error> {
    if end.microseconds() > LATEST_END {
        let message = "A key ends before the year 9999.";
        let location = ["body", "expires_at"];
        return Err(Error::invalid("expiry_too_late", &location, message));
    }
    Ok(())
}

fn unknown_user() -> Error {
    Error::invalid("unknown_user", &["body", "user_id"], "No such user.")
}

fn exceeds(what: &'static str) -> Error {
    Denial::ExceedsCreator(what).into()
}

fn about(mut record: Record, row: &ApiKeyRow) -> Record {
    record.subject = Some(row.key_id.clone());
    record.user_id = Some(UserId(row.user_id));
    record.state = Some(key::state_text(row));
    record
}

struct InsertKey {
    row: ApiKeyRow,
    record: Record,
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

/// The key, if the caller may manage it: it is their user's, or they are an administrator who may do this
/// to anybody's.
async fn find_managed(
    work: &mut Work<'_>,
    caller: &Caller,
    owner: UserId,
    key: KeyId,
    as_administrator: bool,
) -> Result<(KeyRecord, Option<i64>), Error> {
    // Before the row is read: what another process does to it meanwhile must not be undone.
    users::lock(work.tx, owner).await?;
    let row = api_keys::find_listed(work.tx, key.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    let record = KeyRecord::verify(row.key, &work.shared.keyring)?;
    let is_own = record.user() == caller.user && caller.scopes.contains(Scope::Manage);
    let is_administrator = as_administrator && caller.scopes.contains(Scope::Admin);
    if is_own || is_administrator || caller.is_local() {
        Ok((record, row.last_used_at))
    } else {
        Err(Error::NotFound)
    }
}

struct UpdateKey {
    owner: UserId,
    caller: Caller,
    key: KeyId,
    change: KeyChange,
    record: Record,
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
                let message = "A key's scopes can only be taken away.";
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
                let message = "A key's end can only be brought forward.";
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

async fn save(work: &mut Work<'_>, key: &mut KeyRecord, record: Record) -> Result<(), Error> {
    key::authenticate(&mut key.row, &work.shared.keyring);
    api_keys::update(work.tx, &key.row).await?;
    work.records.push(about(record, &key.row));
    work.effects.push(Effect::KeyChanged(key.id));
    Ok(())
}

struct RotateKey {
    owner: UserId,
    caller: Caller,
    /// The caller's own key and those that it descends from; none for a caller without a key.
    lineage: Option<Vec<KeyId>>,
    key: KeyId,
    /// In microseconds.
    overlap: i64,
    record: Record,
}

impl Change for RotateKey {
    type Answer = IssuedKey;

    fn user(&self) -> UserId {
        self.owner
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<IssuedKey, Error> {
        let (mut old, _) = find_managed(work, &self.caller, self.owner, self.key, false).await?;
        if !old.is_live(work.now) {
            let message = "The key has ended; make a new one.";
            return Err(Error::invalid("key_ended", &["path", "key_id"], message));
        }
        // Its successor is shown to the caller, so the caller must have all that it can do.
        let may_do_all = self.caller.is_local()
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
    /// The rights of the successor. It descends from where the old key does; if that is not from the caller's
    /// key, it also descends from that one, so that nobody gets a key that outlives their own.
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
            return Err(exceeds("keys descend from each other too deeply"));
        }
        rights.creator = own;
        rights.expires_at = match (rights.expires_at, self.caller.expires_at) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        Ok(rights)
    }
}

struct RevokeKey {
    owner: UserId,
    caller: Caller,
    key: KeyId,
    record: Record,
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
