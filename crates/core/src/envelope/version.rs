//! One version of a secret: its value, its display form, and the data key that seals both.
//!
//! Each version has its own data key. Two keys are derived from it (HKDF-SHA-256, RFC 5869), one for the value and one
//! for the display form, and each of them encrypts once. The wrap of the data key is bound to installation, user,
//! secret and version, and for the current version also to the hash of the secret's [state](SecretState). A row that
//! was edited, swapped or rolled back therefore does not open.
//!
//! The tokens of a connection are sealed in the same way: it takes the place of the secret, and it has its own
//! [state](ConnectionState).

mod connection;
mod state;

use std::sync::OnceLock;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

pub use self::connection::ConnectionState;
pub use self::state::{SecretState, StateHash};
use super::{NumberedKey, OpenError, open, seal};
use crate::confidential::{Confidential, Key, Wiped};
use crate::entropy::{Entropy, EntropyError};
use crate::identity::{InstallationId, SecretId, UserId};
use crate::transcript::Transcript;
use crate::user_keys::UserKeys;

/// The smallest padded length of a value, in bytes.
const SMALLEST_PADDED: usize = 64;
const LENGTH_PREFIX: usize = 4;

/// Identifies a version: installation, user, secret and number.
#[derive(Clone, Copy, Debug)]
pub struct VersionIdentity {
    /// The installation that the row belongs to.
    pub installation: InstallationId,
    /// The owner.
    pub user: UserId,
    /// The secret.
    pub secret: SecretId,
    /// Counted from 1.
    pub version: i64,
}

/// Whether a version is the current one, and in which state of the secret.
#[derive(Clone, Copy, Debug)]
pub enum Standing {
    /// The newest version, usable only in exactly this state.
    Current(StateHash),
    /// An older version, kept so that it can be restored.
    Superseded,
}

/// The three blobs of a stored version.
#[derive(Clone, Debug)]
pub struct SealedVersion {
    /// The data key, wrapped by the user's key.
    pub data_key: Vec<u8>,
    /// The padded value.
    pub value: Vec<u8>,
    /// The display form and the length of the value.
    pub display: Vec<u8>,
}

/// The masked form of a value, and its length for the quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The masked form, such as `lin********3456`.
    pub display: Box<str>,
    /// Length of the value in bytes. Never shown.
    pub bytes: u32,
}

impl SealedVersion {
    /// Seals a value under a fresh data key, which the user's newest key wraps.
    pub fn seal(
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        standing: Standing,
        value: &Confidential,
        shown: &Shown,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let data_key = Key::generate(entropy)?;
        let wrap = wrap_transcript(identity, standing);
        let mut payload = Wiped::new(Vec::with_capacity(LENGTH_PREFIX + shown.display.len()));
        payload.extend_from_slice(&shown.bytes.to_be_bytes());
        payload.extend_from_slice(shown.display.as_bytes());
        Ok(Self {
            data_key: seal(user_keys.newest(), wrap, data_key.expose(), entropy)?,
            value: seal(
                &derive(&data_key, Part::Value)?,
                part_transcript(identity, Part::Value),
                pad(value).expose(),
                entropy,
            )?,
            display: seal(
                &derive(&data_key, Part::Display)?,
                part_transcript(identity, Part::Display),
                &payload,
                entropy,
            )?,
        })
    }

    /// The masked form and length, if the row is exactly as it was stored.
    pub fn open_shown(
        &self,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        standing: Standing,
    ) -> Result<Shown, OpenError> {
        let data_key = open_data_key(&self.data_key, user_keys, identity, standing)?;
        let key = derive(&data_key, Part::Display).map_err(|_| OpenError::Forged)?;
        let payload = open(
            &key,
            part_transcript(identity, Part::Display),
            &self.display,
        )?;
        let (bytes, display) = payload
            .expose()
            .split_first_chunk()
            .ok_or(OpenError::Truncated)?;
        let display = std::str::from_utf8(display).map_err(|_| OpenError::Forged)?;
        Ok(Shown {
            display: display.into(),
            bytes: u32::from_be_bytes(*bytes),
        })
    }

    /// The parts without the display form.
    pub fn value(&self) -> SealedValue {
        SealedValue::new(&self.data_key, &self.value)
    }
}

/// The parts of a stored version that a use needs, in one allocation.
#[derive(Clone, Debug, Default)]
pub struct SealedValue {
    /// The wrapped data key, then the padded value.
    parts: Box<[u8]>,
    /// Where the value begins.
    middle: u32,
    word: OnceLock<bool>,
}

impl SealedValue {
    /// The wrapped data key and the padded value, together.
    fn new(data_key: &[u8], value: &[u8]) -> Self {
        Self {
            parts: [data_key, value].concat().into_boxed_slice(),
            // A longer key than there is would not open.
            middle: u32::try_from(data_key.len()).unwrap_or(u32::MAX),
            word: OnceLock::new(),
        }
    }

    /// Its size in bytes.
    pub fn weight(&self) -> usize {
        self.parts.len()
    }

    /// The wrapped data key.
    pub fn data_key(&self) -> &[u8] {
        self.split().0
    }

    /// The padded value, still sealed.
    pub fn sealed_value(&self) -> &[u8] {
        self.split().1
    }

    /// Whether the value is one word, if [`note_word`](Self::note_word) was called.
    pub fn is_word(&self) -> Option<bool> {
        self.word.get().copied()
    }

    /// Remembers whether the value is one word, for as long as these bytes are in memory: to find out, it is opened.
    pub fn note_word(&self, is_word: bool) {
        // Another caller may have been first, with the same answer.
        let _ = self.word.set(is_word);
    }

    /// The value, if the row is exactly as it was stored.
    pub fn open(
        &self,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        standing: Standing,
    ) -> Result<Confidential, OpenError> {
        let (data_key, value) = self.split();
        let data_key = open_data_key(data_key, user_keys, identity, standing)?;
        let key = derive(&data_key, Part::Value).map_err(|_| OpenError::Forged)?;
        let transcript = part_transcript(identity, Part::Value);
        unpad(&open(&key, transcript, value)?)
    }

    /// Wraps the data key with the user's newest key, bound to a standing. The value stays unchanged.
    pub fn rewrap(
        &mut self,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        from: Standing,
        to: Standing,
        entropy: &dyn Entropy,
    ) -> Result<(), RewrapError> {
        let (data_key, value) = self.split();
        let data_key = open_data_key(data_key, user_keys, identity, from)?;
        let transcript = wrap_transcript(identity, to);
        let wrapped = seal(user_keys.newest(), transcript, data_key.expose(), entropy)?;
        *self = Self::new(&wrapped, value);
        Ok(())
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let middle = usize::try_from(self.middle).unwrap_or(usize::MAX);
        self.parts
            .split_at_checked(middle)
            .unwrap_or((&self.parts, &[]))
    }
}

fn open_data_key(
    data_key: &[u8],
    user_keys: &UserKeys,
    identity: &VersionIdentity,
    standing: Standing,
) -> Result<Key, OpenError> {
    let opened = open(
        user_keys.of(data_key)?,
        wrap_transcript(identity, standing),
        data_key,
    )?;
    Key::from_slice(opened.expose()).ok_or(OpenError::Forged)
}

/// Why a data key could not be wrapped again.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The row differs from what was stored.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No randomness was available for the nonce.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

#[derive(Clone, Copy)]
enum Part {
    Value,
    Display,
}

impl Part {
    const fn label(self) -> &'static str {
        match self {
            Self::Value => "toolvault/value/v1",
            Self::Display => "toolvault/display/v1",
        }
    }
}

fn part_transcript(identity: &VersionIdentity, part: Part) -> Transcript {
    identify(Transcript::new(part.label()), identity)
}

fn wrap_transcript(identity: &VersionIdentity, standing: Standing) -> Transcript {
    let transcript = identify(Transcript::new("toolvault/data-key/v1"), identity);
    match standing {
        Standing::Current(state) => transcript.text("current").bytes(state.as_bytes()),
        Standing::Superseded => transcript.text("superseded"),
    }
}

fn identify(transcript: Transcript, identity: &VersionIdentity) -> Transcript {
    transcript
        .bytes(identity.installation.as_bytes())
        .bytes(identity.user.as_bytes())
        .bytes(identity.secret.as_bytes())
        .number(identity.version)
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        Key::LENGTH
    }
}

fn derive(data_key: &Key, part: Part) -> Result<NumberedKey, EntropyError> {
    let pseudorandom = Salt::new(HKDF_SHA256, &[]).extract(data_key.expose());
    let info = [part.label().as_bytes()];
    let mut bytes = Wiped::new([0; Key::LENGTH]);
    pseudorandom
        .expand(&info, KeyLength)
        .and_then(|material| material.fill(bytes.as_mut_slice()))
        .map_err(|_| EntropyError)?;
    let key = Key::from_slice(bytes.as_slice()).ok_or(EntropyError)?;
    Ok(NumberedKey { id: 0, key })
}

/// Hides the length of a value: four bytes of length, the value, zeros up to a power of two.
fn pad(value: &Confidential) -> Confidential {
    let value = value.expose();
    let padded = (LENGTH_PREFIX + value.len())
        .next_power_of_two()
        .max(SMALLEST_PADDED);
    let mut bytes = Vec::with_capacity(padded);
    bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(padded, 0);
    Confidential::new(bytes)
}

fn unpad(padded: &Confidential) -> Result<Confidential, OpenError> {
    let (length, rest) = padded
        .expose()
        .split_first_chunk::<LENGTH_PREFIX>()
        .ok_or(OpenError::Truncated)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| OpenError::Forged)?;
    rest.get(..length)
        .map(|value| Confidential::new(value.to_vec()))
        .ok_or(OpenError::Forged)
}

#[cfg(test)]
mod tests;
