//! The letters and digits of a text, without those of simple escapes, next to each other.

use crate::confidential::Wiped;
use memchr::memchr;

use super::STRETCH;
use super::block::{Block, Room, SIZE};
use super::pattern::{is_simple, may_be_letter};

/// How many bytes are read at once, so that their letters stay in the fastest cache.
pub(super) const CHUNK: usize = 2 << 10;

/// Room for the letters before a chunk with which a window in it can begin, those of the chunk, and what is overwritten
/// with the last of them.
const SPACE: usize = STRETCH + CHUNK + size_of::<Room>();

/// The letters of a text, one chunk at a time. Reused for one text after another: the buffer takes longer to overwrite than
/// a short text to read.
#[derive(Default)]
pub(in crate::redaction) struct Letters {
    /// Empty until the first text.
    buffer: Wiped<Vec<u8>>,
    length: usize,
    /// Whether simple escapes are skipped.
    passes_escapes: bool,
    /// Whether the last byte was a backslash.
    is_escape: bool,
    /// Whether some escape may stand for a letter.
    pub(super) has_escapes: bool,
}

impl Letters {
    /// Begins another text.
    pub(super) fn begin(&mut self, passes_escapes: bool) {
        self.buffer.resize(SPACE, 0);
        self.length = 0;
        self.passes_escapes = passes_escapes;
        self.is_escape = false;
        self.has_escapes = !passes_escapes;
    }

    /// The letters of the chunk at `at`, in either case, after those with which a window in it can begin.
    pub(super) fn read(&mut self, text: &[u8], at: usize) -> &[u8] {
        let kept = self.length.min(STRETCH);
        self.buffer.copy_within(self.length - kept..self.length, 0);
        self.length = kept;
        let end = text.len().min(at + CHUNK);
        let chunk = text.get(at..end).unwrap_or_default();
        let has_escapes = self.is_escape || memchr(b'\\', chunk).is_some();
        let decides = self.passes_escapes && has_escapes;
        let mut room = Wiped::new([0; _]);
        for at in (at..end).step_by(SIZE) {
            self.read_block(&Block::at(text, at, &mut room), decides);
        }
        self.buffer.get(..self.length).unwrap_or_default()
    }

    #[inline]
    fn read_block(&mut self, block: &Block<'_>, decides: bool) {
        let mut letters = block.letters();
        if decides {
            letters &= !self.escaped(block);
        }
        let free = self.buffer.get_mut(self.length..);
        if let Some(free) = free.and_then(<[u8]>::first_chunk_mut) {
            self.length += block.copy(letters, free);
        }
    }

    /// The letters that belong to simple escapes.
    #[inline]
    fn escaped(&mut self, block: &Block<'_>) -> u64 {
        let backslashes = block.backslashes();
        let mut after = (backslashes << 1 | u64::from(self.is_escape)) & !backslashes;
        self.is_escape = backslashes >> (SIZE - 1) == 1;
        let mut escaped = 0;
        while after != 0 {
            let byte = block.byte(after.trailing_zeros() as usize);
            self.has_escapes |= may_be_letter(byte);
            let lowest = after & after.wrapping_neg();
            escaped |= lowest * u64::from(is_simple(byte));
            after ^= lowest;
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redaction::sieve::pattern::is_letter;

    /// The same, one byte at a time.
    fn slowly(text: &[u8], passes_escapes: bool) -> (Vec<u8>, bool) {
        let (mut letters, mut has_escapes, mut before) = (Vec::new(), !passes_escapes, 0);
        for byte in text {
            let is_escape = passes_escapes && before == b'\\';
            has_escapes |= is_escape && may_be_letter(*byte);
            if is_letter(*byte) && !(is_escape && is_simple(*byte)) {
                letters.push(*byte);
            }
            before = *byte;
        }
        (letters, has_escapes)
    }

    proptest! {
        #[test]
        fn blocks_and_chunks_make_no_difference(
            text in prop::collection::vec(prop_oneof![
                "[a-zA-Z0-9]{1,200}",
                r#"[\\nrtxu0 ",:%]{1,40}"#,
                "\\PC{1,8}",
            ], 0..60),
            passes_escapes in any::<bool>(),
        ) {
            let text = text.concat();
            let mut letters = Letters::default();
            letters.begin(!passes_escapes);
            letters.read(b"of the text before\\", 0);
            letters.begin(passes_escapes);
            let (mut all, mut kept) = (Vec::new(), 0);
            for at in (0..text.len()).step_by(CHUNK) {
                let read = letters.read(text.as_bytes(), at);
                prop_assert!(all.ends_with(&read[..kept]));
                all.extend_from_slice(&read[kept..]);
                kept = read.len().min(STRETCH);
            }
            prop_assert_eq!((all, letters.has_escapes), slowly(text.as_bytes(), passes_escapes));
        }
    }
}
