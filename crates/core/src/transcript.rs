//! Unambiguous bytes for additional data, MACs and hashes: every field carries its length.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A sequence of fields, each written as a 64-bit big-endian length and its bytes.
///
/// Two different sequences never give the same bytes, whatever the fields hold.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a field may be confidential")]
pub struct Transcript(Vec<u8>);

impl Transcript {
    /// Starts with the name of what the bytes are for, so that none can stand in for another.
    pub fn new(purpose: &str) -> Self {
        Self(Vec::with_capacity(256)).bytes(purpose.as_bytes())
    }

    /// Adds a field of bytes.
    #[must_use]
    pub fn bytes(mut self, field: &[u8]) -> Self {
        self.reserve(LENGTH_PREFIX + field.len());
        self.0
            .extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// Adds a field of UTF-8 text.
    #[must_use]
    pub fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    /// Adds a field that may be absent; an absent one differs from an empty one.
    #[must_use]
    pub fn optional(self, field: Option<&str>) -> Self {
        match field {
            Some(text) => self.number(1).text(text),
            None => self.number(0),
        }
    }

    /// Adds a number of eight bytes, big-endian.
    #[must_use]
    pub fn number(self, field: i64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    /// The bytes so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Grows by hand: a vector that moves by itself leaves its old bytes behind.
    fn reserve(&mut self, additional: usize) {
        let needed = self.0.len() + additional;
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity(needed.max(self.0.capacity() * 2));
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = grown;
        }
    }
}

/// Bytes of the length before each field.
const LENGTH_PREFIX: usize = 8;

#[cfg(test)]
mod tests;
