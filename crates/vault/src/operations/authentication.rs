//! Turns an API key or an issuer's token into a [`Caller`]. [`recheck`] tests later whether the caller may still act.

mod recheck;

use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::audit::record::Actor;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::caller::{Caller, OnBehalf, Token};
use crate::error::{Denial, Error};
use crate::key::KeyRecord;
use crate::operations::users::EnsureUser;
use crate::user::Origin;
use crate::vault::Vault;

/// How many ancestors a key may have.
pub(crate) const DEEPEST_DESCENT: usize = 8;
/// The precision with which a key's last use is stored, in microseconds.
const LAST_USE_PRECISION: i64 = 60 * SECOND;
/// How many keys' last uses are remembered to avoid writing them more than once a minute.
const REMEMBERED_USES: usize = 10_000;

impl Vault {
    /// The caller who presents an API key.
    ///
    /// `may_name_user_later` accepts a key with `any_user` that does not name its user yet. Only operations that take
    /// the user from the body may set it.
    pub async fn authenticate_key(
        &self,
        presented: &str,
        on_behalf: OnBehalf,
        may_name_user_later: bool,
    ) -> Result<Caller, Error> {
        let presented = ApiKey::parse(presented).ok_or(Error::Unauthenticated)?;
        // Several rows may have to be read: one time limit covers them all.
        self.in_time(Box::pin(self.accept_key(
            &presented,
            on_behalf,
            may_name_user_later,
        )))
        .await
    }

    async fn accept_key(
        &self,
        presented: &ApiKey,
        on_behalf: OnBehalf,
        may_name_user_later: bool,
    ) -> Result<Caller, Error> {
        let record = self.find_presented(presented).await?;
        self.accept(&record, on_behalf, may_name_user_later).await
    }

    /// The holder of a key, with the key's rights of now.
    pub(super) async fn accept(
        &self,
        record: &KeyRecord,
        on_behalf: OnBehalf,
        may_name_user_later: bool,
    ) -> Result<Caller, Error> {
        let now = self.shared.clock.now();
        let mut caller = self.descend(record, now).await?;
        match (record.row.is_any_user, on_behalf) {
            (false, OnBehalf::Unnamed) => {}
            (false, _) => return Err(Denial::NotAnyUser.into()),
            (true, OnBehalf::User(user)) => {
                caller.user = user;
                caller.is_user_named = true;
            }
            (true, OnBehalf::Unnamed) if may_name_user_later => {}
            (true, _) => return Err(Denial::UserNotNamed.into()),
        }
        // The check above found the owners of the key and of its ancestors active.
        if caller.user != record.user() && !self.user_is_active(caller.user).await? {
            return Err(Denial::UserUnavailable.into());
        }
        self.note_use(record.id, now);
        Ok(caller)
    }

    /// The caller who presents a verified token.
    pub async fn authenticate_token(&self, token: Token) -> Result<Caller, Error> {
        // No column can store such a subject, so no user has it.
        if token.subject.contains('\0') {
            return Err(Error::Unauthenticated);
        }
        let origin = Origin::Issuer(token.issuer.clone());
        let entry = self.user_entry(token.user).await?;
        let (found, is_disabled) = match entry {
            Some(entry) => (entry.user.row.origin.clone(), entry.user.row.is_disabled),
            None if token.create_user => {
                let row = self.writer.change(EnsureUser::of(&token)).await?;
                (row.origin, row.is_disabled)
            }
            None => return Err(Error::Unauthenticated),
        };
        // The same ID under a different origin is a different user.
        if found != origin.text() || is_disabled {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller {
            user: token.user,
            name: token.subject.clone(),
            actor: Actor::Token {
                issuer: token.issuer,
                subject: token.subject,
            },
            scopes: token.scopes,
            tools: Vec::new(),
            key: None,
            line: Vec::new(),
            expires_at: Some(token.expires_at),
            is_any_user: false,
            is_user_named: false,
            is_local: false,
            request_id: None,
        })
    }

    /// Records that a credential from `source` was refused.
    pub fn note_sign_in_failure(&self, source: &str, reason: &'static str) {
        self.shared
            .sign_in_failures
            .note(source, reason, self.shared.clock.now());
        self.writer.wake();
    }

    async fn find_presented(&self, presented: &ApiKey) -> Result<std::sync::Arc<KeyRecord>, Error> {
        let Some(record) = self.key_record(presented.id()).await? else {
            // The same work as for a known ID, so that timing does not reveal which IDs exist.
            let id = presented.id();
            let _ = self
                .shared
                .keyring
                .hash_api_key(id.as_str(), presented.secret_bytes());
            return Err(Error::Unauthenticated);
        };
        if record.is_presented(presented, &self.shared.keyring) {
            Ok(record)
        } else {
            Err(Error::Unauthenticated)
        }
    }

    /// The rights of a key, limited by those of every ancestor. Each of these keys must be live and its owner active.
    async fn descend(&self, record: &KeyRecord, now: Timestamp) -> Result<Caller, Error> {
        let mut caller = Caller {
            user: record.user(),
            actor: Actor::Key(record.id),
            name: record.row.name.clone(),
            scopes: record.scopes,
            tools: Vec::new(),
            key: Some(record.id),
            line: Vec::with_capacity(1),
            expires_at: None,
            is_any_user: record.row.is_any_user,
            is_user_named: false,
            is_local: false,
            request_id: None,
        };
        self.limit(&mut caller, record, now).await?;
        let mut next = record.creator;
        for _ in 0..DEEPEST_DESCENT {
            let Some(id) = next else { return Ok(caller) };
            let creator = self.key_record(id).await?.ok_or(Error::Unauthenticated)?;
            self.limit(&mut caller, &creator, now).await?;
            next = creator.creator;
        }
        if next.is_none() {
            Ok(caller)
        } else {
            Err(Error::Unauthenticated)
        }
    }

    async fn limit(
        &self,
        caller: &mut Caller,
        record: &KeyRecord,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !record.is_live(now) || !self.user_is_active(record.user()).await? {
            return Err(Error::Unauthenticated);
        }
        limit(caller, record);
        Ok(())
    }

    pub(super) async fn user_is_active(&self, user: UserId) -> Result<bool, Error> {
        let entry = self.user_entry(user).await?;
        Ok(entry.is_some_and(|entry| !entry.user.row.is_disabled))
    }

    fn note_use(&self, key: KeyId, now: Timestamp) {
        let mut uses = self.shared.key_uses.lock();
        if uses
            .get(&key)
            .is_some_and(|last| now.since(*last) < LAST_USE_PRECISION)
        {
            return;
        }
        if uses.len() >= REMEMBERED_USES {
            uses.clear();
        }
        uses.insert(key, now);
        drop(uses);
        self.writer.note_key_use(key, now);
    }
}

fn limit(caller: &mut Caller, record: &KeyRecord) {
    caller.line.push((record.id, record.user()));
    caller.scopes = caller.scopes.intersection(record.scopes);
    if !record.tools.is_empty() {
        caller.tools.push(record.tools.clone());
    }
    caller.expires_at = match (caller.expires_at, record.expires_at()) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    };
}
