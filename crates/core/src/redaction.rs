//! Values of secrets found again in what a tool server sends back, and replaced by `[secret:<name>]`.
//!
//! A [`Redactor`] looks for values as text (UTF-8 and UTF-16), in hexadecimal digits and in base64 of either alphabet at
//! every alignment, each also percent-encoded, escaped with backslashes, for HTML or for mail, up to two of these within
//! each other (four if all are backslashes, as in JSON in JSON) and mixed with plain text. White space may differ where a
//! value has some, and characters that are not shown may stand anywhere. Looked for too are each line of 16 or more
//! characters of a value, and the parts of it that are credentials (`parts`).
//!
//! Values are not kept, but keyed hashes of them (`table`). `sieve` skips what cannot match; in the rest `view` undoes
//! the escapes and `scanner` compares. The work is linear in the input, whatever it is made of, and does not depend on
//! how much of a value matches before a whole window of at least 8 characters does.
//!
//! Parts that overlap are replaced as one, named after the longest value in it. In base64 the letters at either end
//! that hold single bits of the value go too.
//!
//! # What is not found
//!
//! This is defence in depth. A server that wants to give a value away can, and some forms are left out on purpose:
//!
//! - values of fewer than 8 code points or 8 bytes that are not white space, and other parts of values;
//! - a value in other case or reversed: what is merely alike would be replaced too;
//! - a value that is compressed, encrypted, hashed, or encoded twice in base64 or hexadecimal;
//! - a value spread over several JSON strings, or spelled as an array of numbers;
//! - a number written differently (`1e9` for `1000000000`);
//! - base64 or digits, or words of a value, with more than 32 bytes between two letters; base64 that is parted by other
//!   white space than line breaks more often than every 16 letters; dumps that repeat addresses between lines;
//! - lines of a value in hexadecimal or base64, and a value in these with other white space than its own but line ends;
//! - characters that are spelled in over 400 bytes each, by escapes within each other;
//! - named HTML entities other than XML's five, and entities without a semicolon.

mod alphabet;
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

use zeroize::Zeroizing;

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
    /// How much memory the search for it takes, about.
    pub fn bytes(self) -> usize {
        self.bytes
    }
}

/// Values to look for, shared by its clones.
///
/// Adding or removing one costs what hashing it costs, 50 µs for one of 40 characters. It takes about 3 KiB of memory
/// whatever its length, and 300 bytes for each of its lines; see [`bytes`](Self::bytes).
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "it is made of confidential values"
)]
pub struct Redactor(Arc<RwLock<Table>>);

impl Redactor {
    /// Looks for nothing yet.
    pub fn new(key: &Key) -> Self {
        Self(Arc::new(RwLock::new(Table::new(key.clone()))))
    }

    /// Looks for `value`, too. `None` if it has fewer than 8 code points, which are not looked for.
    pub fn add(&self, name: &str, value: &str) -> Option<Added> {
        let (id, bytes) = self.table_mut().add(name, value)?;
        Some(Added { id, bytes })
    }

    /// Looks for that value no more.
    pub fn remove(&self, added: Added) {
        self.table_mut().remove(added.id);
    }

    /// Whether it looks for nothing.
    pub fn is_empty(&self) -> bool {
        self.table().is_empty()
    }

    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        self.table().bytes()
    }

    /// `text` with markers in place of values; `None` if it holds none.
    pub fn text(&self, text: &str) -> Option<String> {
        Search::default().redacted(&self.table(), text)
    }

    /// Appends `value` to `out`, and tells whether something in it was replaced.
    ///
    /// Strings, names of members and numbers that hold a value are written anew as strings, a lone surrogate in
    /// them as U+FFFD; everything else is written as it is spelled. Names may become equal.
    pub fn json(&self, value: Value<'_>, out: &mut Vec<u8>) -> bool {
        !document::write(&self.table(), value.raw(), out).is_empty()
    }

    /// Which of the values `value` holds, each once, in the order in which they were added. Of values that overlap it is
    /// the longest.
    pub fn found(&self, value: Value<'_>) -> Vec<Added> {
        let table = self.table();
        let mut redacted = Zeroizing::new(Vec::with_capacity(value.raw().len()));
        let ids = document::write(&table, value.raw(), &mut redacted);
        let added = ids.into_iter().filter_map(|id| {
            let bytes = table.bytes_of(id)?;
            Some(Added { id, bytes })
        });
        added.collect()
    }

    /// A stream of bytes that are no JSON.
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
