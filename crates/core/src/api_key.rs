//! The text of an API key: `tvk_<8 base62 id>_<43 base62 secret><6 base62 CRC32>`.
//!
//! This module makes keys and parses them. It does not decide whether a key is valid: the vault compares keyed hashes
//! for that. The checksum spares the vault a lookup when a key is mistyped, and lets secret scanners recognise keys.

use std::fmt;
use std::str::FromStr;

use crate::confidential::Wiped;
use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, EntropyError};

#[cfg(test)]
mod tests;

/// The prefix of every key.
const PREFIX: &str = "tvk_";
/// All lengths are in bytes; all digits are ASCII.
const ID_LENGTH: usize = 8;
/// 43 digits of base 62 hold 256.03 bits.
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const KEY_LENGTH: usize = PREFIX.len() + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The public part of a key, which lists it, revokes it and looks it up: 8 digits of base 62.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; ID_LENGTH]);

/// The text is not 8 digits of base 62.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 8 letters and digits")]
pub struct KeyIdError;

impl KeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        // All digits are ASCII, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let digits: [u8; ID_LENGTH] = text.as_bytes().try_into().map_err(|_| KeyIdError)?;
        if is_base62(&digits) {
            Ok(Self(digits))
        } else {
            Err(KeyIdError)
        }
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyIdError;

    fn try_from(text: String) -> Result<Self, KeyIdError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

/// A whole API key, well formed but not necessarily a valid one; overwritten when dropped.
///
/// It is confidential: it is shown once, to the caller who creates it.
#[expect(
    missing_debug_implementations,
    reason = "an API key has no printable form"
)]
pub struct ApiKey {
    text: Wiped<String>,
    id: KeyId,
    secret: Wiped<String>,
}

impl ApiKey {
    /// Creates a key with a random ID and a random secret of 256 bits, all digits equally likely.
    ///
    /// Fails if `entropy` fails, or if it keeps yielding bytes that cannot be used.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut id = KeyId([0; ID_LENGTH]);
        fill_with_digits(&mut id.0, entropy)?;
        let mut digits = Wiped::new([0; SECRET_LENGTH]);
        fill_with_digits(&mut *digits, entropy)?;
        let secret: Wiped<String> = Wiped::new(digits.iter().copied().map(char::from).collect());

        // The whole capacity is reserved first, so that growth leaves no copy behind.
        let mut text = Wiped::new(String::with_capacity(KEY_LENGTH));
        text.push_str(PREFIX);
        text.push_str(id.as_str());
        text.push('_');
        text.push_str(&secret);
        let checksum = checksum_of(&text);
        text.extend(checksum.map(char::from));
        Ok(Self { text, id, secret })
    }

    /// Parses `text`, the whole of which must be one key with the right checksum.
    pub fn parse(text: &str) -> Option<Self> {
        let (covered, checksum) = text.split_at_checked(KEY_LENGTH - CHECKSUM_LENGTH)?;
        let (id, secret) = covered.strip_prefix(PREFIX)?.split_once('_')?;
        let id = id.parse().ok()?;
        // Compare the digits, not the number they spell: other spellings of the number are refused.
        let is_key = secret.len() == SECRET_LENGTH
            && is_base62(secret.as_bytes())
            && checksum.as_bytes() == checksum_of(covered);
        is_key.then(|| Self {
            text: Wiped::new(text.to_owned()),
            id,
            secret: Wiped::new(secret.to_owned()),
        })
    }

    /// The public part, by which the key is looked up.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 43 digits that only its holder knows, for the keyed hash.
    pub fn secret_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    /// The whole key. Every caller of this is a place where it may leak.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

/// Whether a credential looks like an API key rather than, say, a JWT: it begins with `tvk_`.
pub fn looks_like_api_key(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

fn is_base62(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_alphanumeric)
}

/// The CRC-32 (ISO-HDLC, as in IEEE 802.3) of `covered` as six digits of base 62.
fn checksum_of(covered: &str) -> [u8; CHECKSUM_LENGTH] {
    let mut number = crc32fast::hash(covered.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62
            .get(number as usize % BASE62.len())
            .copied()
            .unwrap_or(b'0');
        number /= 62;
    }
    digits
}

/// Fills `digits` with base 62, rejecting the bytes that would make some digits more likely.
fn fill_with_digits(digits: &mut [u8], entropy: &dyn Entropy) -> Result<(), EntropyError> {
    /// The largest multiple of 62 that fits in a byte. Bytes from here on are rejected.
    const UNBIASED: u8 = 248;
    /// One byte in 32 is rejected on average. A source that yields only such bytes is broken.
    const MAX_DRAWS: usize = 16;

    let mut vacant = digits.iter_mut();
    let mut random = Wiped::new([0; 64]);
    for _ in 0..MAX_DRAWS {
        entropy.fill(&mut *random)?;
        for byte in random.iter().filter(|&&byte| byte < UNBIASED) {
            let Some(digit) = vacant.next() else {
                return Ok(());
            };
            *digit = BASE62.get(usize::from(byte % 62)).copied().unwrap_or(b'0');
        }
    }
    Err(EntropyError)
}
