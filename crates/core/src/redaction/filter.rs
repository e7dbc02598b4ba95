//! Rejects most hashes that are not in a set, with little memory.

use std::hash::{BuildHasherDefault, Hasher};

/// A hasher for keys that are hashes themselves.
pub(super) type Spread = BuildHasherDefault<Spreader>;

/// How many hashes share a word. With more, too many would be reported; with fewer, the set of 10,000 values would not
/// fit into the cache of a processor core.
const MOST_IN_WORD: usize = 8;

const FEWEST_WORDS: usize = 128;

/// A set of hashes that may report a few more (Bloom 1970).
pub(super) struct Filter {
    words: Vec<u64>,
    added: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}

impl Filter {
    pub(super) fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let words = hashes.len().div_ceil(MOST_IN_WORD / 2).next_power_of_two();
        let mut filter = Self {
            words: vec![0; words.max(FEWEST_WORDS)],
            added: 0,
        };
        hashes.for_each(|hash| filter.add(hash));
        filter
    }

    pub(super) fn add(&mut self, hash: u64) {
        let word = self.word(hash);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bits(hash);
        }
        self.added += 1;
    }

    /// Whether the owner should rebuild it from the remaining hashes. Then removed hashes cost nothing any more, and
    /// adding takes amortised constant time.
    pub(super) fn is_full(&self) -> bool {
        self.added > self.words.len() * MOST_IN_WORD
    }

    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let bits = bits(hash);
        let word = self.words.get(self.word(hash)).copied();
        word.unwrap_or_default() & bits == bits
    }

    #[inline]
    fn word(&self, hash: u64) -> usize {
        usize::try_from(hash >> 38).unwrap_or_default() & (self.words.len() - 1)
    }
}

/// The bits of a word that stand for a hash. The three lowest bits of the hash do not count: hashes that differ only
/// there are slots of one window.
#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash >> 3 & 63) | 1 << (hash >> 9 & 63)
}

/// Passes a hash on, with its bits spread to the positions that hash tables use.
#[derive(Default)]
pub(super) struct Spreader(u64);

impl Hasher for Spreader {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8).wrapping_add(u64::from(*byte)));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
