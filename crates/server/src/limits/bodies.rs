//! Memory for the bodies of requests in progress, so that a few callers cannot use all memory of the process.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use toolvault_core::audit::record::Actor;
use toolvault_core::identity::UserId;
use toolvault_vault::Caller;
use uuid::Uuid;

use crate::error::ApiError;

/// How many bodies of the largest size there may be at the same time: of all, of one user, and of one key or token.
const AT_ONCE: [usize; 3] = [16, 8, 4];

/// The bytes of all bodies in progress.
#[derive(Default)]
pub(crate) struct Bodies(Mutex<HashMap<Account, usize>>);

/// Bytes are counted for each of these, in the order of [`AT_ONCE`].
#[derive(Clone, PartialEq, Eq, Hash)]
enum Account {
    All,
    User(UserId),
    Caller(UserId, Actor),
}

/// Who sent a request.
#[derive(Clone)]
pub(crate) struct Sender(UserId, Actor);

impl Sender {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self(caller.user(), caller.actor().clone())
    }

    /// Somebody who is about to sign in.
    pub(crate) fn unknown() -> Self {
        Self(UserId(Uuid::nil()), Actor::Anonymous)
    }

    /// Another gateway, for all of its callers.
    pub(crate) fn other_gateway() -> Self {
        Self(UserId(Uuid::max()), Actor::Anonymous)
    }

    fn accounts(&self) -> [Account; 3] {
        [
            Account::All,
            Account::User(self.0),
            Account::Caller(self.0, self.1.clone()),
        ]
    }
}

/// The bytes of one body. They count until this is dropped.
pub(crate) struct Room {
    bodies: Arc<Bodies>,
    sender: Sender,
    bytes: usize,
    largest: usize,
}

impl Bodies {
    /// Room for a body, which can have `largest` bytes.
    pub(crate) fn room(self: &Arc<Self>, sender: Sender, largest: usize) -> Room {
        Room {
            bodies: Arc::clone(self),
            sender,
            bytes: 0,
            largest,
        }
    }
}

impl Room {
    /// Counts further bytes.
    ///
    /// # Errors
    /// If the bodies of this caller, of their user, or of all users would have too many bytes. The bytes are then not
    /// counted.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        let accounts = self.sender.accounts();
        let mut used = self.bodies.0.lock();
        for (account, at_once) in accounts.iter().zip(AT_ONCE) {
            let most = self.largest.saturating_mul(at_once);
            if used.get(account).map_or(0, |used| *used) + bytes > most {
                return Err(match account {
                    Account::All => ApiError::Busy,
                    _ => ApiError::TooManyBytes,
                });
            }
        }
        for account in accounts {
            *used.entry(account).or_default() += bytes;
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Most requests have no body.
        if self.bytes == 0 {
            return;
        }
        let mut used = self.bodies.0.lock();
        for account in self.sender.accounts() {
            if let Some(bytes) = used.get_mut(&account) {
                *bytes -= self.bytes;
                if *bytes == 0 {
                    used.remove(&account);
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const LARGEST: usize = 100;

    /// A sender with this user and key.
    pub(crate) fn sender(user: u128, key: &str) -> Sender {
        let subject = key.to_owned();
        let actor = Actor::Token {
            issuer: String::new(),
            subject,
        };
        Sender(UserId(Uuid::from_u128(user)), actor)
    }

    #[test]
    fn a_key_has_a_quarter_and_a_user_half_and_they_get_it_back() {
        let bodies = Arc::<Bodies>::default();
        let room = |user, key| bodies.room(sender(user, key), LARGEST);
        let [mut first, mut second] = ["a", "b"].map(|key| room(1, key));
        for room in [&mut first, &mut second] {
            room.add(4 * LARGEST).unwrap();
            assert!(matches!(room.add(1), Err(ApiError::TooManyBytes)));
        }
        // Another key of the same user.
        let mut third = room(1, "c");
        assert!(matches!(third.add(1), Err(ApiError::TooManyBytes)));
        let others: Vec<_> = [(2, "a"), (2, "b")]
            .map(|(user, key)| {
                let mut room = room(user, key);
                room.add(4 * LARGEST).unwrap();
                room
            })
            .into();
        assert!(matches!(room(3, "a").add(1), Err(ApiError::Busy)));
        drop(first);
        third.add(1).unwrap();
        drop((second, third, others));
        assert!(bodies.0.lock().is_empty());
    }
}
