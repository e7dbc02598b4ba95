//! The caches: users with their secrets, and API keys. They save a database read for most requests.
//!
//! They hold no plaintext. [`slots`] bounds the memory and prevents a slow reader from storing data that a change has
//! replaced meanwhile. [`loads`] lets callers share what one of them reads. [`index`] arranges one user's secrets for
//! resolving. [`names`] remembers what names of tools are recorded as. [`watch`] searches what callers send. [`trust`] limits how long another process's
//! changes can be unknown here.

pub(crate) mod index;
mod loads;
pub(crate) mod names;
pub(crate) mod slots;
pub(crate) mod trust;
pub(crate) mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::{SecretId, UserId};

use self::index::Index;
use self::names::Names;
use self::slots::{Slots, Weigh};
use self::trust::Trust;
use self::watch::Watch;
use crate::changes::{Announcements, Changed};
use crate::connection::StoredConnection;
use crate::error::Error;
use crate::key::KeyRecord;
use crate::secret::Secret;
use crate::user::User;

/// A change that the caches must apply before it is acknowledged.
pub(crate) enum Effect {
    /// With the generation of the ledger after this change.
    SecretStored(Arc<Secret>, i64),
    /// With the generation of the ledger after this change.
    SecretDeleted(UserId, SecretId, i64),
    UserChanged(UserId),
    KeyChanged(KeyId),
    /// A change of a tool became its pin. Pins are cached where they are used.
    PinAccepted,
}

/// A user with their secrets and their connections.
pub(crate) struct UserEntry {
    pub(crate) user: User,
    pub(crate) index: RwLock<Index>,
    /// A change of these replaces the entry.
    pub(crate) connections: Vec<Arc<StoredConnection>>,
    /// The search for the values of canaries.
    pub(crate) watch: Watch,
}

impl UserEntry {
    /// The user's secrets, if they and the connections are exactly as they were stored.
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
        let connections = self.connections.iter();
        let connections: usize = connections.map(|connection| connection.weight()).sum();
        let index = self.index.read();
        size_of::<Self>() + index.weight() + Watch::weight(&index) + connections
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
    /// They stay when a user is evicted: what is known has the generation of the ledger.
    pub(crate) names: Slots<names::Owner, Names>,
    pub(crate) trust: Trust,
    pins_stamp: AtomicU64,
    /// Announces every change after the caches have applied it.
    pub(crate) announcements: Announcements,
}

impl Cache {
    pub(crate) fn new(bytes: usize, trust: Trust) -> Self {
        let small = bytes / 8;
        Self {
            users: Slots::new(bytes - 2 * small),
            keys: Slots::new(small),
            names: Slots::new(small),
            trust,
            pins_stamp: AtomicU64::default(),
            announcements: Announcements::new(),
        }
    }

    /// Applies changes of this process that have just been committed.
    pub(crate) fn apply(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, generation) => {
                    let (stored, wrap) = (Arc::clone(&secret), secret.sealed.data_key());
                    self.follow(secret.user, generation, |entry, index| {
                        index.store(stored);
                        // Otherwise the user has got a new key since the entry was loaded.
                        entry.user.keys.of(wrap).is_ok()
                    });
                }
                Effect::SecretDeleted(user, secret, generation) => {
                    self.follow(user, generation, |_, index| {
                        index.remove(secret);
                        true
                    });
                }
                Effect::UserChanged(user) => self.forget_user(user),
                Effect::KeyChanged(key) => self.forget_key(key),
                Effect::PinAccepted => self.forget_pins(),
            }
        }
    }

    // Another process may have changed the same user's secrets between our commit and now, and the index may already
    // include that change. The generation shows whether it does.
    fn follow(
        &self,
        user: UserId,
        generation: i64,
        change: impl FnOnce(&UserEntry, &mut Index) -> bool,
    ) {
        self.users.change(&user, |entry| {
            let change = |index: &mut Index| change(entry, index);
            entry.index.write().follow(generation, change)
        });
        self.announcements.send(Changed::User(user));
    }

    /// Evicts what the effects concern, when it is unknown whether they were committed.
    pub(crate) fn evict(&self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, _) => self.forget_user(secret.user),
                Effect::SecretDeleted(user, ..) | Effect::UserChanged(user) => {
                    self.forget_user(*user);
                }
                Effect::KeyChanged(key) => self.forget_key(*key),
                Effect::PinAccepted => self.forget_pins(),
            }
        }
    }

    /// Evicts a user and their secrets.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.users.evict(&user);
        self.announcements.send(Changed::User(user));
    }

    pub(crate) fn forget_key(&self, key: KeyId) {
        self.keys.evict(&key);
        self.announcements.send(Changed::Key(key));
    }

    pub(crate) fn forget_pins(&self) {
        self.pins_stamp.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn pins_stamp(&self) -> u64 {
        self.pins_stamp.load(Ordering::Acquire)
    }

    /// Evicts everything.
    pub(crate) fn clear(&self) {
        self.forget_pins();
        self.users.clear();
        self.keys.clear();
        self.announcements.send(Changed::All);
    }
}
