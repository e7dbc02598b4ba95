//! The keys of one user: the newest, and during a rotation also the one before it.
//!
//! Only the newest seals. The former one opens what is not sealed again yet, and is destroyed when nothing is left
//! under it.

use crate::confidential::{Confidential, Key};
use crate::entropy::{Entropy, EntropyError};
use crate::envelope::{NumberedKey, OpenError, key_id};
use crate::timestamp::Timestamp;

/// The number of a user's first key.
const FIRST: u32 = 1;
const TIME_LENGTH: usize = 8;
const NUMBER_LENGTH: usize = 4;
const ENTRY_LENGTH: usize = NUMBER_LENGTH + Key::LENGTH;

/// A user's keys, opened.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct UserKeys {
    newest: NumberedKey,
    /// `None` for a first key, which is as old as its user.
    made_at: Option<Timestamp>,
    former: Option<NumberedKey>,
}

impl UserKeys {
    /// The key of a new user.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self::first(Key::generate(entropy)?))
    }

    /// This key as a user's first.
    pub(crate) const fn first(key: Key) -> Self {
        Self {
            newest: NumberedKey { id: FIRST, key },
            made_at: None,
            former: None,
        }
    }

    /// The key that seals.
    pub const fn newest(&self) -> &NumberedKey {
        &self.newest
    }

    /// When the newest key was made; `None` if it is the user's first.
    pub const fn made_at(&self) -> Option<Timestamp> {
        self.made_at
    }

    /// Whether something may still be sealed with the key before the newest.
    pub const fn is_rotating(&self) -> bool {
        self.former.is_some()
    }

    /// The key that opens `sealed`.
    pub fn of(&self, sealed: &[u8]) -> Result<&NumberedKey, OpenError> {
        let id = key_id(sealed)?;
        [Some(&self.newest), self.former.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == id)
            .ok_or(OpenError::UnknownKey)
    }

    /// The same with a new key, made `now`. The newest until now becomes the former, and an earlier former key is
    /// forgotten: nothing may be sealed with it any more.
    pub fn renew(self, now: Timestamp, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let id = self.newest.id.checked_add(1).ok_or(EntropyError)?;
        let key = Key::generate(entropy)?;
        Ok(Self {
            newest: NumberedKey { id, key },
            made_at: Some(now),
            former: Some(self.newest),
        })
    }

    /// The newest key alone. Nothing may be sealed with the former one any more.
    #[must_use]
    pub fn without_former(self) -> Self {
        Self {
            former: None,
            ..self
        }
    }

    /// The bytes to wrap: a first key alone as it is, and otherwise `made_at (8) ‖ (number (4) ‖ key (32))`, the last
    /// part once for each key, the newest first.
    pub(crate) fn encode(&self) -> Confidential {
        let Some(made_at) = self.made_at else {
            return Confidential::new(self.newest.key.expose().to_vec());
        };
        let mut bytes = Vec::with_capacity(TIME_LENGTH + 2 * ENTRY_LENGTH);
        bytes.extend_from_slice(&made_at.microseconds().to_be_bytes());
        for key in [Some(&self.newest), self.former.as_ref()]
            .into_iter()
            .flatten()
        {
            bytes.extend_from_slice(&key.id.to_be_bytes());
            bytes.extend_from_slice(key.key.expose());
        }
        Confidential::new(bytes)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(bytes: &Confidential) -> Result<Self, OpenError> {
        let bytes = bytes.expose();
        if let Some(key) = Key::from_slice(bytes) {
            return Ok(Self::first(key));
        }
        let (made_at, entries) = bytes
            .split_first_chunk::<TIME_LENGTH>()
            .ok_or(OpenError::Truncated)?;
        let mut keys = entries.chunks(ENTRY_LENGTH).map(|entry| {
            let (id, key) = entry.split_first_chunk::<NUMBER_LENGTH>()?;
            let key = Key::from_slice(key)?;
            let id = u32::from_be_bytes(*id);
            Some(NumberedKey { id, key })
        });
        let mut next = || keys.next().map(|key| key.ok_or(OpenError::Truncated));
        let (newest, former) = (next().ok_or(OpenError::Truncated)??, next().transpose()?);
        if next().is_some() {
            return Err(OpenError::UnknownFormat);
        }
        Ok(Self {
            newest,
            made_at: Some(Timestamp::from_microseconds(i64::from_be_bytes(*made_at))),
            former,
        })
    }
}

#[cfg(test)]
mod tests;
