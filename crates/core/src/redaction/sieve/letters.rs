//! What the sieve looks at: letters and digits, and not those of simple escapes.

use memchr::memchr;
use zeroize::Zeroizing;

use crate::redaction::window::FURTHEST;

/// How far apart windows are looked at, at most.
pub(super) const STRIDE: usize = 8;

/// The longest stretch of letters that must be seen at once.
pub(super) const STRETCH: usize = 32 + STRIDE - 1;

/// So much is read at once.
pub(super) const CHUNK: usize = 512;

/// The letters before a chunk that a window in it can begin with, those of the chunk, and what is read with the last
/// window. A power of two.
const SPACE: usize = 1024;

/// How each byte is looked at; 0 if it is not.
const LETTERS: [u8; 256] = letters();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, and `get_mut` cannot be"
)]
const fn letters() -> [u8; 256] {
    let mut letters = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            letters[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    letters
}

#[inline]
pub(super) fn letter(byte: u8) -> u8 {
    LETTERS.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether a backslash and that letter are an escape that stands for no letter, or the begin of two digits in a dump. Texts are full of `\n`, and of `\\n` where
/// JSON is in JSON, so they are passed over instead of being undone one by one.
pub(super) fn is_simple(letter: u8) -> bool {
    matches!(letter, b'b' | b'f' | b'n' | b'r' | b't' | b'x' | b'X')
}

/// Whether a backslash and that byte may stand for a letter.
pub(super) fn may_be_letter(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7' | b'u' | b'U' | b'x')
}

/// The letters of a pattern, of its first [`FURTHEST`].
pub(super) struct Pattern {
    pub(super) all: Zeroizing<Vec<u8>>,
    /// Those that a backslash before them takes away.
    doubtful: Vec<usize>,
}

pub(super) fn of(pattern: &[u8]) -> Pattern {
    let mut letters = Pattern {
        all: Zeroizing::new(Vec::with_capacity(FURTHEST)),
        doubtful: Vec::new(),
    };
    // What stands before the first is not known.
    let mut before = b'\\';
    for byte in pattern.iter().take(FURTHEST) {
        let letter = letter(*byte);
        if letter != 0 {
            if before == b'\\' && is_simple(*byte) {
                letters.doubtful.push(letters.all.len());
            }
            letters.all.push(letter);
        }
        before = *byte;
    }
    letters
}

impl Pattern {
    /// The longest part after so many letters in which none is doubtful.
    pub(super) fn certain(&self, first: usize) -> std::ops::Range<usize> {
        let starts = self.doubtful.iter().map(|index| index + 1);
        let ends = self.doubtful.iter().copied().chain([self.all.len()]);
        let parts = std::iter::once(0).chain(starts).zip(ends);
        let parts = parts.map(|(start, end)| start.max(first).min(end)..end);
        parts.max_by_key(ExactSizeIterator::len).unwrap_or_default()
    }
}

/// Letters of a text, a chunk at a time.
pub(super) struct Letters {
    buffer: Zeroizing<[u8; SPACE]>,
    pub(super) length: usize,
    /// Whether simple escapes are passed over.
    passes_escapes: bool,
    /// Whether the last byte was a backslash.
    is_escape: bool,
    /// Whether some escape may stand for a letter.
    pub(super) has_escapes: bool,
}

impl Letters {
    pub(super) fn new(passes_escapes: bool) -> Self {
        Self {
            buffer: Zeroizing::new([0; SPACE]),
            length: 0,
            passes_escapes,
            is_escape: false,
            has_escapes: !passes_escapes,
        }
    }

    /// The letters, and whatever after them.
    pub(super) fn buffer(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    /// Adds those of up to [`CHUNK`] bytes; keeps the last ones of those before.
    pub(super) fn read(&mut self, chunk: &[u8]) {
        let kept = self.length.min(STRETCH);
        self.buffer.copy_within(self.length - kept..self.length, 0);
        self.length = kept;
        let mut rest = chunk;
        while self.passes_escapes
            && let Some((first, after)) = rest.split_first()
        {
            if std::mem::take(&mut self.is_escape) {
                if is_simple(*first) {
                    rest = after;
                }
                self.has_escapes |= may_be_letter(*first);
            }
            let Some(at) = memchr(b'\\', rest) else {
                break;
            };
            let (before, after) = rest.split_at(at);
            self.push(before);
            rest = after.get(1..).unwrap_or_default();
            self.is_escape = true;
        }
        self.push(rest);
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        let mut length = self.length;
        for byte in bytes {
            let letter = letter(*byte);
            // Without a branch, as text is letters and others by turns.
            if let Some(place) = self.buffer.get_mut(length % SPACE) {
                *place = letter;
            }
            length += usize::from(letter != 0);
        }
        self.length = length;
    }
}
