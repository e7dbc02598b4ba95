//! An unambiguous encoding for additional data, MACs and hashes: every field carries its length.

use crate::confidential::Buffer;

/// A sequence of fields, each written as a 64-bit big-endian length and its bytes.
///
/// Different sequences never give the same bytes, whatever the fields hold.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a field may be confidential")]
pub struct Transcript(Buffer);

impl Transcript {
    /// Starts with a purpose, so that the bytes for one purpose cannot be used for another.
    pub fn new(purpose: &str) -> Self {
        Self(Buffer::with_capacity(256)).bytes(purpose.as_bytes())
    }

    /// Adds a field of bytes.
    #[must_use]
    pub fn bytes(mut self, field: &[u8]) -> Self {
        let room = self.0.reserve(LENGTH_PREFIX + field.len());
        room.extend_from_slice(&(field.len() as u64).to_be_bytes());
        room.extend_from_slice(field);
        self
    }

    /// Adds a field of UTF-8 text.
    #[must_use]
    pub fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    /// Adds a field that may be absent. An absent field differs from an empty one.
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
}

/// Bytes of the length before each field.
const LENGTH_PREFIX: usize = 8;

#[cfg(test)]
mod tests;
