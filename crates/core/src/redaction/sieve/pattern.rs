//! The letters and digits of a pattern, as the sieve reads them.

use crate::confidential::Wiped;
use crate::redaction::window::FURTHEST;

/// Whether the sieve reads this byte.
#[inline]
pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether a backslash and this letter are an escape for a character that is not a letter, or begin two digits in a
/// dump. Texts are full of `\n`, and of `\\n` where JSON is nested, so these are skipped instead of decoded one by one.
pub(super) fn is_simple(letter: u8) -> bool {
    matches!(letter, b'b' | b'f' | b'n' | b'r' | b't' | b'x' | b'X')
}

/// Whether a backslash and this byte may stand for a letter.
pub(super) fn may_be_letter(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7' | b'u' | b'U' | b'x')
}

/// The letters of a pattern, up to [`FURTHEST`].
pub(super) struct Pattern {
    pub(super) all: Wiped<Vec<u8>>,
    /// The letters that a backslash before them would hide.
    doubtful: Vec<usize>,
}

impl Pattern {
    pub(super) fn of(pattern: &[u8]) -> Self {
        let mut letters = Self {
            all: Wiped::new(Vec::with_capacity(FURTHEST)),
            doubtful: Vec::new(),
        };
        // What precedes the first letter is unknown.
        let mut before = b'\\';
        for byte in pattern.iter().take(FURTHEST) {
            if is_letter(*byte) {
                if before == b'\\' && is_simple(*byte) {
                    letters.doubtful.push(letters.all.len());
                }
                letters.all.push(byte.to_ascii_lowercase());
            }
            before = *byte;
        }
        letters
    }

    /// The longest part from `first` on without doubtful letters.
    pub(super) fn certain(&self, first: usize) -> std::ops::Range<usize> {
        let starts = self.doubtful.iter().map(|index| index + 1);
        let ends = self.doubtful.iter().copied().chain([self.all.len()]);
        let parts = std::iter::once(0).chain(starts).zip(ends);
        let parts = parts.map(|(start, end)| start.max(first).min(end)..end);
        parts.max_by_key(ExactSizeIterator::len).unwrap_or_default()
    }
}
