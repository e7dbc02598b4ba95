//! Bytes that must not be seen: no `Debug`, `Display` or `Serialize`, overwritten when dropped.

use std::ops::{Deref, DerefMut};

use zeroize::{DefaultIsZeroes, Zeroize as _, ZeroizeOnDrop};

use crate::entropy::{Entropy, EntropyError};

/// Memory that can be overwritten as a whole.
pub trait Wipe {
    /// Overwrites all of it with zeros, which no optimisation removes.
    fn wipe(&mut self);
}

impl<T: DefaultIsZeroes> Wipe for Vec<T> {
    fn wipe(&mut self) {
        self.spare_capacity_mut().zeroize();
        // As a slice: `Vec::zeroize` writes element by element, which took a fifth of a call through the gateway.
        self.as_mut_slice().zeroize();
        self.clear();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        std::mem::take(self).into_bytes().wipe();
    }
}

impl<T: DefaultIsZeroes, const N: usize> Wipe for [T; N] {
    fn wipe(&mut self) {
        self.as_mut_slice().zeroize();
    }
}

/// Memory that is overwritten when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(
    missing_debug_implementations,
    reason = "what is confidential has no printable form"
)]
pub struct Wiped<T: Wipe>(T);

impl<T: Wipe> Wiped<T> {
    /// Takes ownership of `memory`.
    pub const fn new(memory: T) -> Self {
        Self(memory)
    }
}

impl<T: Wipe> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Wipe + AsRef<U>, U: ?Sized> AsRef<U> for Wiped<T> {
    fn as_ref(&self) -> &U {
        self.0.as_ref()
    }
}

/// A confidential value of any length, overwritten when dropped.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "a confidential value has no printable form"
)]
pub struct Confidential(Wiped<Vec<u8>>);

impl Confidential {
    /// Takes ownership of `bytes`.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(Wiped::new(bytes))
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
        Self::new(text.as_bytes().to_vec())
    }
}

impl From<Wiped<String>> for Confidential {
    fn from(mut text: Wiped<String>) -> Self {
        Self::new(std::mem::take(&mut *text).into_bytes())
    }
}

/// Confidential bytes that grow, overwritten when dropped.
///
/// A `Vec` that grows moves its bytes and leaves the old ones in freed memory. This buffer wipes the old bytes.
#[derive(Clone, Default)]
#[expect(
    missing_debug_implementations,
    reason = "a confidential value has no printable form"
)]
pub struct Buffer(Wiped<Vec<u8>>);

impl Buffer {
    /// An empty buffer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Wiped::new(Vec::with_capacity(capacity)))
    }

    /// Appends `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len()).extend_from_slice(bytes);
    }

    /// Reserves room for `additional` bytes and returns the vector, to which the caller appends at most that many.
    pub fn reserve(&mut self, additional: usize) -> &mut Vec<u8> {
        let needed = self.0.len().saturating_add(additional);
        if needed > self.0.capacity() {
            let doubled = self.0.capacity().saturating_mul(2);
            let mut larger = Wiped::new(Vec::with_capacity(needed.max(doubled)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        &mut self.0
    }

    /// The bytes as a vector. It is wiped when dropped, but must not grow.
    pub fn into_inner(self) -> Wiped<Vec<u8>> {
        self.0
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A 256-bit key, overwritten when dropped.
#[derive(Clone, zeroize::Zeroize, ZeroizeOnDrop)]
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

    /// The key in these bytes, if there are exactly 32 of them.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes of the key.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::deterministic::Deterministic;

    #[test]
    fn a_key_is_made_of_exactly_32_bytes() {
        for length in (0..100).filter(|length| *length != Key::LENGTH) {
            assert!(Key::from_slice(&vec![7; length]).is_none(), "{length}");
        }
        assert_eq!(Key::from_slice(&[7; 32]).unwrap().expose(), &[7; 32]);
    }

    #[test]
    fn no_key_is_made_without_randomness() {
        assert!(Key::generate(&Deterministic::failing_after(1, 0)).is_err());
        let entropy = Deterministic::new(1);
        let (first, second) = (
            Key::generate(&entropy).unwrap(),
            Key::generate(&entropy).unwrap(),
        );
        assert_ne!(first.expose(), second.expose());
    }

    #[test]
    fn a_value_is_text_only_if_it_is_utf_8() {
        assert_eq!(Confidential::from("café").expose_text(), Some("café"));
        assert_eq!(Confidential::new(vec![0xff]).expose_text(), None);
        let text = Wiped::new("value".to_owned());
        assert_eq!(Confidential::from(text).expose(), b"value");
    }

    #[test]
    fn a_buffer_keeps_its_bytes_as_it_grows() {
        let mut buffer = Buffer::with_capacity(1);
        for number in 0..100_u8 {
            buffer.extend(&[number]);
        }
        buffer.reserve(2).extend_from_slice(b"xy");
        assert_eq!(buffer.len(), 102);
        assert!(buffer.iter().take(100).copied().eq(0..100));
        assert_eq!(buffer.into_inner().split_off(100), b"xy");
    }

    #[test]
    fn a_buffer_grows_only_by_itself_and_only_if_it_must() {
        // A vector that grows by itself would leave its bytes behind.
        let mut buffer = Buffer::with_capacity(100);
        let capacity = buffer.reserve(0).capacity();
        assert!(capacity >= 100);
        buffer.extend(&vec![7; capacity]);
        assert_eq!(buffer.reserve(0).capacity(), capacity);
        for additional in [1, 10 * capacity] {
            let length = buffer.len();
            let room = buffer.reserve(additional);
            assert!(room.capacity() >= length + additional, "{additional}");
        }
        assert!(buffer.iter().copied().eq(vec![7; capacity]));
    }

    #[test]
    fn wiping_leaves_no_byte() {
        let mut bytes = b"value".to_vec();
        bytes.wipe();
        assert!(bytes.is_empty());
        let mut text = "value".to_owned();
        text.wipe();
        assert_eq!(text, "");
        let mut digits = [7_u8; 3];
        digits.wipe();
        assert_eq!(digits, [0; 3]);
        let mut key = Key::from_slice(&[7; 32]).unwrap();
        key.zeroize();
        assert_eq!(key.expose(), &[0; 32]);
    }
}
