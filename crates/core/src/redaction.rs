//! Finds values of secrets in what a tool server sends back and replaces them with `[secret:<name>]`.
//!
//! A [`Redactor`] searches for values as text (UTF-8 and UTF-16), as hexadecimal digits, and as base64 of either
//! alphabet at every alignment. Each of these may also be percent-encoded, or escaped with backslashes, for HTML or for
//! mail. Two escapes may be nested (four if all are backslashes, as in JSON in JSON) and mixed with plain text. White
//! space may differ where a value has some, and invisible characters may occur anywhere. It also searches for each line
//! of 16 or more characters of a value, and for the parts of a value that are credentials (`parts`).
//!
//! It stores keyed hashes of the values, not the values (`table`). `sieve` skips what cannot match; in the rest, `view`
//! decodes the escapes and `scanner` compares. The work is linear in the input, whatever the input is. It does not
//! depend on how much of a value matches before a whole window of at least 8 characters does; otherwise a server could
//! guess a value character by character and measure the time.
//!
//! Overlapping matches are replaced as one, named after the longest value in it. In base64, the letters at either end
//! with single bits of the value are replaced too.
//!
//! # What is not found
//!
//! This is defence in depth. A hostile server can leak a value, and some forms are excluded on purpose:
//!
//! - values of fewer than 8 code points or 8 bytes that are not white space, and other parts of values;
//! - a value in different case or reversed: text that merely resembles a value would be replaced too;
//! - a value that is compressed, encrypted, hashed, or encoded twice in base64 or hexadecimal;
//! - a value spread over several JSON strings, or spelled as an array of numbers;
//! - a number written differently (`1e9` for `1000000000`);
//! - base64 or digits, or words of a value, with more than 32 bytes between two letters; base64 that is interrupted by
//!   white space other than line breaks more often than every 16 letters; dumps that repeat addresses between lines;
//! - lines of a value in hexadecimal or base64, and a value encoded with white space other than its own or line ends;
//! - hexadecimal digits that end with `0` right before an `x`, which together could be the `0x` of a dump;
//! - base64 of UTF-16 of a value of 8 characters, unless it begins at a multiple of three bytes;
//! - characters spelled with over 400 bytes each by nested escapes;
//! - named HTML entities other than XML's five, and entities without a semicolon.

mod alphabet;
mod chunk;
mod decoder;
mod document;
mod escape;
mod filter;
mod form;
mod key;
mod parts;
mod ranges;
mod scanner;
mod search;
mod sieve;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod view;
mod window;
mod windows;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use key::Key;
pub use stream::Stream;

use crate::confidential::Wiped;
use crate::json::Value;
use search::Search;
use table::Table;

/// A value in a [`Redactor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Added {
    id: u64,
    bytes: usize,
}

impl Added {
    /// Approximate memory in bytes that the search for it takes.
    pub fn bytes(self) -> usize {
        self.bytes
    }
}

/// The values to search for. Clones share them.
///
/// Adding or removing a value costs one hashing pass, 50 µs for 40 characters. A value takes about 3 KiB of memory
/// whatever its length, and 400 bytes for each of its lines; see [`bytes`](Self::bytes).
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "it is made of confidential values"
)]
pub struct Redactor(Arc<RwLock<Table>>);

impl Redactor {
    /// An empty redactor.
    pub fn new(key: &Key) -> Self {
        Self(Arc::new(RwLock::new(Table::new(key.clone()))))
    }

    /// Adds `value`. `None` if it has fewer than 8 code points; such values are not searched for.
    pub fn add(&self, name: &str, value: &str) -> Option<Added> {
        let (id, bytes) = self.table_mut().add(name, value)?;
        Some(Added { id, bytes })
    }

    /// Removes a value.
    pub fn remove(&self, added: Added) {
        self.table_mut().remove(added.id);
    }

    /// Whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.table().is_empty()
    }

    /// Approximate memory in bytes.
    pub fn bytes(&self) -> usize {
        self.table().bytes()
    }

    /// `text` with markers in place of values; `None` if there are none.
    pub fn text(&self, text: &str) -> Option<String> {
        Search::default().redacted(&self.table(), text)
    }

    /// Appends `value` to `out`, and returns whether anything in it was replaced.
    ///
    /// Strings, member names and numbers with a value in them are rewritten as strings, with U+FFFD for lone
    /// surrogates. Everything else keeps its source text. Member names may become equal.
    pub fn json(&self, value: Value<'_>, out: &mut Vec<u8>) -> bool {
        !document::write(&self.table(), value.raw(), out).is_empty()
    }

    /// The values that `value` contains, each once, in the order in which they were added. Of overlapping values it is
    /// the longest.
    pub fn found(&self, value: Value<'_>) -> Vec<Added> {
        let table = self.table();
        let mut redacted = Wiped::new(Vec::with_capacity(value.raw().len()));
        let ids = document::write(&table, value.raw(), &mut redacted);
        let added = ids.into_iter().filter_map(|id| {
            let bytes = table.bytes_of(id)?;
            Some(Added { id, bytes })
        });
        added.collect()
    }

    /// A search in a stream of bytes that is not JSON.
    pub fn stream(&self) -> Stream {
        Stream::new(self.clone())
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
