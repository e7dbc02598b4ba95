//! The letters and digits that the sieve looks at, without those of simple escapes.

use memchr::memchr;
use zeroize::Zeroizing;

use crate::redaction::window::FURTHEST;

/// The largest distance between the windows that are looked at.
pub(super) const STRIDE: usize = 8;

/// The longest stretch of letters that must be seen at once.
pub(super) const STRETCH: usize = 32 + STRIDE - 1;

/// How many bytes are read at once.
pub(super) const CHUNK: usize = 512;

/// Room for the letters before a chunk with which a window in it can begin, those of the chunk, and the padding that is
/// read with the last window. A power of two.
const SPACE: usize = 1024;

/// How the sieve reads each byte; 0 if it skips it.
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

/// Whether a backslash and this letter are an escape for a character that is not a letter, or begin two digits in a
/// dump. Texts are full of `\n`, and of `\\n` where JSON is nested, so these are skipped instead of decoded one by one.
/// JSON is in JSON, so they are passed over instead of being undone one by one.
pub(super) fn is_simple(letter: u8) -> bool {
    matches!(letter, b'b' | b'f' | b'n' | b'r' | b't' | b'x' | b'X')
}

/// Whether a backslash and this byte may stand for a letter.
pub(super) fn may_be_letter(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7' | b'u' | b'U' | b'x')
}

/// The letters of a pattern, up to [`FURTHEST`].
pub(super) struct Pattern {
    pub(super) all: Zeroizing<Vec<u8>>,
    /// The letters that a backslash before them would hide.
    doubtful: Vec<usize>,
}

pub(super) fn of(pattern: &[u8]) -> Pattern {
    let mut letters = Pattern {
        all: Zeroizing::new(Vec::with_capacity(FURTHEST)),
        doubtful: Vec::new(),
    };
    // What precedes the first letter is unknown.
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
    /// The longest part from `first` on without doubtful letters.
    pub(super) fn certain(&self, first: usize) -> std::ops::Range<usize> {
        let starts = self.doubtful.iter().map(|index| index + 1);
        let ends = self.doubtful.iter().copied().chain([self.all.len()]);
        let parts = std::iter::once(0).chain(starts).zip(ends);
        let parts = parts.map(|(start, end)| start.max(first).min(end)..end);
        parts.max_by_key(ExactSizeIterator::len).unwrap_or_default()
    }
}

/// The letters of a text, one chunk at a time.
pub(super) struct Letters {
    buffer: Zeroizing<[u8; SPACE]>,
    pub(super) length: usize,
    /// Whether simple escapes are skipped.
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

    /// The letters, followed by arbitrary bytes.
    pub(super) fn buffer(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    /// Adds those of up to [`CHUNK`] bytes; keeps the last ones from before.
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
            // Without a branch: text alternates between letters and other bytes, so a branch would be mispredicted.
            if let Some(place) = self.buffer.get_mut(length % SPACE) {
                *place = letter;
            }
            length += usize::from(letter != 0);
        }
        self.length = length;
    }
}
