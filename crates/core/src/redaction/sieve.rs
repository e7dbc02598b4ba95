//! Finds quickly where a match may begin, so that text without any is read once and no more.
//!
//! Per four bytes the last few letters in each alphabet are compared with the begins of all patterns: 5 bytes of
//! text, 12 hexadecimal digits, 7 letters of base64, each from the first to the fourth letter on, so that one of them is
//! met wherever the fours begin. What stands between letters is passed over as by the scanners, and simple escapes are
//! undone on the way, since text is full of `\n`.

// What is inline here is run per byte by `reader`: a third of the speed hangs on it.
mod reader;

use zeroize::Zeroizing;

use super::alphabet::{self, Letter};
use super::automaton::Pattern;
use super::escape::Escape;
use reader::Reader;

const STEP: usize = 4;

/// A byte with which an escape may begin, or an `x` that may belong to `0x`.
const SPECIAL: u32 = 1 << 31;

const BITS: u32 = 18;
const WORDS: usize = 1 << (BITS - 6);

/// The begins of patterns.
pub(super) struct Sieve {
    filter: Box<[u64]>,
    /// Ordered.
    keys: Zeroizing<Vec<u64>>,
    /// For each byte its bits and how many they are, in both alphabets.
    classes: Box<[u32; 256]>,
    escapes: &'static [Escape],
}

/// The last letters that were read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Window {
    plain: u64,
    hexadecimal: u64,
    base64: u64,
}

impl Window {
    /// What is compared: the kind in the upper bits, then as many letters as the kind has.
    fn keys(self) -> [u64; 3] {
        [
            1 << 60 | self.plain & ((1 << 40) - 1),
            2 << 60 | self.hexadecimal & ((1 << 48) - 1),
            3 << 60 | self.base64 & ((1 << 42) - 1),
        ]
    }

    fn push(&mut self, byte: u8, class: u32) {
        self.plain = self.plain << 8 | u64::from(byte);
        self.push_class(class);
    }

    /// Takes back the `0` of a `0x`.
    #[inline]
    fn push_after(&mut self, previous: Option<u8>, byte: u8, class: u32) {
        if matches!(byte, b'x' | b'X') && previous == Some(b'0') {
            self.hexadecimal >>= 4;
        }
        self.push(byte, class);
    }

    #[inline]
    fn push_group(&mut self, group: [u8; STEP], classes: [u32; STEP]) {
        self.plain = self.plain << 32 | u64::from(u32::from_be_bytes(group));
        // In pairs, so that fewer steps wait for each other.
        let [first, second, third, fourth] = classes;
        let hexadecimal = |class: u32| (class >> 4 & 7, u64::from(class & 15));
        let base64 = |class: u32| (class >> 14 & 7, u64::from(class >> 8 & 63));
        let join = |(width, bits): (u32, u64), (other_width, other_bits): (u32, u64)| {
            (width + other_width, bits << other_width | other_bits)
        };
        let all = |letter: fn(u32) -> (u32, u64)| {
            let (start, end) = (
                join(letter(first), letter(second)),
                join(letter(third), letter(fourth)),
            );
            join(start, end)
        };
        let (width, bits) = all(hexadecimal);
        self.hexadecimal = self.hexadecimal << width | bits;
        let (width, bits) = all(base64);
        self.base64 = self.base64 << width | bits;
    }

    fn push_class(&mut self, class: u32) {
        self.hexadecimal = self.hexadecimal << (class >> 4 & 7) | u64::from(class & 15);
        self.base64 = self.base64 << (class >> 14 & 7) | u64::from(class >> 8 & 63);
    }
}

impl Sieve {
    /// Of patterns for text, hexadecimal digits and base64, in this order.
    pub(super) fn new(patterns: [&[Pattern]; 3], escapes: &'static [Escape]) -> Self {
        let mut sieve = Self {
            filter: vec![0; WORDS].into_boxed_slice(),
            keys: Zeroizing::new(Vec::new()),
            classes: classes(escapes),
            escapes,
        };
        let count: usize = patterns.iter().map(|patterns| patterns.len() * STEP).sum();
        sieve.keys.reserve_exact(count);
        for (kind, (patterns, length)) in patterns.into_iter().zip([5, 12, 7]).enumerate() {
            let begins = patterns
                .iter()
                .flat_map(|pattern| pattern.letters.windows(length).take(STEP));
            for begin in begins {
                let mut window = Window::default();
                for byte in begin {
                    window.push(*byte, sieve.class(*byte));
                }
                let [plain, hexadecimal, base64] = window.keys();
                let key = match kind {
                    0 => plain,
                    1 => hexadecimal,
                    _ => base64,
                };
                sieve.keys.push(key);
                let (word, bit) = place(key);
                if let Some(word) = sieve.filter.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        sieve.keys.sort_unstable();
        sieve
    }

    /// Where from `from` on the views have to begin, and how far they have to go at least; if nothing is noticed
    /// before the end and more `follows`, where something may go on. Escapes before `known` were read before.
    pub(super) fn find(
        &self,
        bytes: &[u8],
        from: usize,
        known: usize,
        follows: bool,
    ) -> Option<(usize, usize)> {
        let mut reader = Reader::new(self, bytes, known);
        let mut at = from;
        let (mut groups, rest) = bytes.get(from..).unwrap_or_default().as_chunks::<STEP>();
        loop {
            let skipped = reader.skip(groups);
            at += skipped * STEP;
            groups = groups.get(skipped..).unwrap_or_default();
            let Some((group, others)) = groups.split_first() else {
                break;
            };
            if let Some(end) = reader.read_group(at, *group) {
                return Some((reader.begin_before(from, end), end));
            }
            (at, groups) = (at + STEP, others);
        }
        let end = reader.read_slowly(at, rest);
        let end = end.or_else(|| (follows && from < bytes.len()).then_some(bytes.len()))?;
        Some((reader.begin_before(from, end), end))
    }

    #[inline]
    fn is_begin(&self, window: Window) -> bool {
        let keys = window.keys();
        let [plain, hexadecimal, base64] = keys.map(|key| {
            let (word, bit) = place(key);
            self.filter.get(word).is_some_and(|word| word & bit != 0)
        });
        (plain | hexadecimal | base64) && self.is_key(keys)
    }

    #[cold]
    fn is_key(&self, keys: [u64; 3]) -> bool {
        keys.iter().any(|key| self.keys.binary_search(key).is_ok())
    }

    #[inline]
    fn class(&self, byte: u8) -> u32 {
        let class = self.classes.get(usize::from(byte));
        class.copied().unwrap_or_default()
    }
}

/// The word and the bit of the filter for a key.
fn place(key: u64) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS);
    let word = usize::try_from(hash >> 6).unwrap_or_default();
    (word % WORDS, 1 << (hash & 63))
}

fn classes(escapes: &[Escape]) -> Box<[u32; 256]> {
    let mut classes = Box::new([0; 256]);
    for (byte, class) in (0..=u8::MAX).zip(classes.iter_mut()) {
        if let Letter::Is(digit) = alphabet::hexadecimal(byte) {
            let bits = char::from(digit).to_digit(16).unwrap_or_default();
            *class |= bits | 4 << 4;
        }
        if let Letter::Is(letter) = alphabet::base64(byte) {
            let mut bits = 0..64;
            let bits = bits.find(|bits| alphabet::base64_letter(*bits) == letter);
            *class |= u32::from(bits.unwrap_or_default()) << 8 | 6 << 14;
        }
        let is_escape = escapes.iter().any(|escape| escape.begins_with(byte));
        if is_escape || matches!(byte, b'x' | b'X') {
            *class |= SPECIAL;
        }
    }
    classes
}
