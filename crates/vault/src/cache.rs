//! What may be used without reading the database: users with their secrets, and API keys.
//!
//! Nothing here is plaintext. [`slots`] bounds the memory and keeps a reader that is slower than a
//! change from putting back what the change replaced; [`index`] is one user's secrets, arranged for
//! resolving; [`trust`] says for how long another process' changes can be unknown here.

pub(crate) mod index;
pub(crate) mod slots;
pub(crate) mod trust;

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::{SecretId, UserId};

use self::index::Index;
use self::slots::{Slots, Weigh};
use self::trust::Trust;
use crate::changes::{Changed, News};
use crate::error::Error;
use crate::key::KeyRecord;
use crate::secret::Secret;
use crate::user::User;

/// A change that caches must learn of before it is acknowledged.
pub(crate) enum Effect {
    /// With the generation of the ledger that it made.
    SecretStored(Arc<Secret>, i64),
    /// With the generation of the ledger that it made.
    SecretDeleted(UserId, SecretId, i64),
    UserChanged(UserId),
    KeyChanged(KeyId),
}

/// A user and their secrets.
pub(crate) struct UserEntry {
    pub(crate) user: User,
    pub(crate) index: RwLock<Index>,
}

impl UserEntry {
    /// The user's secrets, if they are exactly those that were stored.
    pub(crate) fn intact(&self) -> Result<RwLockReadGuard<'_, Index>, Error> {
        let index = self.index.read();
        if index.is_intact() {
            Ok(index)
        } else {
            Err(Error::Integrity)
        }
    }
}

impl Weigh for UserEntry {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.index.read().weight()
    }
}

impl Weigh for KeyRecord {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.row.tools.len() * 2 + self.row.name.len()
    }
}

/// The caches of one process.
pub(crate) struct Cache {
    pub(crate) users: Slots<UserId, UserEntry>,
    pub(crate) keys: Slots<KeyId, KeyRecord>,
    pub(crate) trust: Trust,
    /// Told of whatever the caches follow or forget, once they have.
    pub(crate) news: News,
}

impl Cache {
    pub(crate) fn new(bytes: usize, trust: Trust) -> Self {
        let keys = bytes / 8;
        Self {
            users: Slots::new(bytes - keys),
            keys: Slots::new(keys),
            trust,
            news: News::new(),
        }
    }

    /// Lets the caches follow changes of this process that have just been committed.
    pub(crate) fn apply(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, generation) => {
                    let stored = Arc::clone(&secret);
                    self.follow(secret.user, generation, |index| index.store(stored));
                }
                Effect::SecretDeleted(user, secret, generation) => {
                    self.follow(user, generation, |index| index.remove(secret));
                }
                Effect::UserChanged(user) => self.forget_user(user),
                Effect::KeyChanged(key) => self.forget_key(key),
            }
        }
    }

    /// Another process may have changed the same user's secrets between our commit and now, and what it did
    /// may be in the index already. The generation tells.
    fn follow(&self, user: UserId, generation: i64, change: impl FnOnce(&mut Index)) {
        self.users.change(&user, |entry| {
            entry.index.write().follow(generation, change)
        });
        self.news.tell(Changed::User(user));
    }

    /// Forgets what the effects concern, where it is not known whether they happened.
    pub(crate) fn evict(&self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, _) => self.forget_user(secret.user),
                Effect::SecretDeleted(user, ..) | Effect::UserChanged(user) => {
                    self.forget_user(*user);
                }
                Effect::KeyChanged(key) => self.forget_key(*key),
            }
        }
    }

    /// Forgets a user and their secrets.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.users.evict(&user);
        self.news.tell(Changed::User(user));
    }

    pub(crate) fn forget_key(&self, key: KeyId) {
        self.keys.evict(&key);
        self.news.tell(Changed::Key(key));
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.users.clear();
        self.keys.clear();
        self.news.tell(Changed::All);
    }
}
