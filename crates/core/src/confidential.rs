//! Bytes that must not be seen: no `Debug`, `Display` or `Serialize`, overwritten when dropped.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entropy::{Entropy, EntropyError};

/// A confidential value of any length, overwritten when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a confidential value has no printable form")]
pub struct Confidential(Vec<u8>);

impl Confidential {
    /// Takes ownership of `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Every caller of this is a place where a value may leak.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, if it is UTF-8.
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Confidential {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<Zeroizing<String>> for Confidential {
    fn from(mut text: Zeroizing<String>) -> Self {
        Self(std::mem::take(&mut *text).into_bytes())
    }
}

/// A 256-bit key, overwritten when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct Key([u8; Key::LENGTH]);

impl Key {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// A fresh random key.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = Self([0; Self::LENGTH]);
        entropy.fill(&mut key.0)?;
        Ok(key)
    }

    /// The key in these bytes, if there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes of the key.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}
