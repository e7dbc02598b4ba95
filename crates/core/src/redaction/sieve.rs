//! Finds quickly where a match may begin, so that text without any is read once and no more.
//!
//! Per four bytes the last few letters in each alphabet are compared with the begins of all patterns: 5 bytes of
//! text, 12 hexadecimal digits, 7 letters of base64, each from the first to the fourth letter on, so that one of them is
//! met wherever the fours begin. What stands between letters is passed over as by the scanners.

use zeroize::Zeroizing;

use super::alphabet::{self, Letter};
use super::automaton::Pattern;
use super::escape::{Escape, LONGEST, Reading};
use super::values::FEWEST_CHARACTERS;

const STEP: usize = 4;

/// The most letters of a match that were read when it is noticed, and what leads it: see [`Sieve::begin_before`].
const PLAIN_LETTERS: usize = FEWEST_CHARACTERS;
const BASE64_LETTERS: usize = 11;
/// With a `0` of `0x` for each two.
const HEXADECIMAL_LETTERS: usize = 24;

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
#[derive(Clone, Copy, Default)]
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

    /// The first place from `from` on at which the scanners have to begin, and how far they have to go at least.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut window = Window::default();
        let mut at = from;
        let (groups, rest) = bytes.get(from..).unwrap_or_default().as_chunks::<STEP>();
        for group in groups {
            let [first, second, third, fourth] = group.map(|byte| self.class(byte));
            if (first | second | third | fourth) & SPECIAL == 0 {
                window.plain = window.plain << 32 | u64::from(u32::from_be_bytes(*group));
                window.push_class(first);
                window.push_class(second);
                window.push_class(third);
                window.push_class(fourth);
                if self.is_begin(window) {
                    return Some((begin_before(bytes, from, at + STEP), at + STEP));
                }
            } else if let Some(end) = self.find_slowly(&mut window, bytes, at, group) {
                return Some((begin_before(bytes, from, end), end));
            }
            at += STEP;
        }
        let end = self.find_slowly(&mut window, bytes, at, rest)?;
        Some((begin_before(bytes, from, end), end))
    }

    /// Reads `part`, which is at `at`, byte by byte; returns the end of what must be looked at.
    fn find_slowly(
        &self,
        window: &mut Window,
        bytes: &[u8],
        at: usize,
        part: &[u8],
    ) -> Option<usize> {
        for (index, byte) in (at..).zip(part) {
            let class = self.class(*byte);
            if class & SPECIAL != 0 {
                let previous = index
                    .checked_sub(1)
                    .and_then(|previous| bytes.get(previous));
                if matches!(byte, b'x' | b'X') && previous == Some(&b'0') {
                    window.hexadecimal >>= 4;
                }
                let end = bytes.len().min(index + LONGEST);
                let here = bytes.get(index..end).unwrap_or_default();
                let mut escapes = self.escapes.iter();
                if escapes.any(|escape| escape.read(here) != Reading::Plain) {
                    return Some(index + 1);
                }
            }
            window.push(*byte, class);
            if self.is_begin(*window) {
                return Some(index + 1);
            }
        }
        None
    }

    fn is_begin(&self, window: Window) -> bool {
        let keys = window.keys();
        let [plain, hexadecimal, base64] = keys.map(|key| {
            let (word, bit) = place(key);
            self.filter.get(word).is_some_and(|word| word & bit != 0)
        });
        (plain | hexadecimal | base64)
            && keys.iter().any(|key| self.keys.binary_search(key).is_ok())
    }

    fn class(&self, byte: u8) -> u32 {
        let class = self.classes.get(usize::from(byte));
        class.copied().unwrap_or_default()
    }
}

/// Where a match may begin that is noticed at `end`, or goes on with an escape there.
pub(super) fn begin_before(bytes: &[u8], from: usize, end: usize) -> usize {
    let plain = end.saturating_sub(PLAIN_LETTERS);
    let base64 = alphabet::run_start(bytes, end, alphabet::base64, BASE64_LETTERS);
    let hexadecimal = alphabet::run_start(bytes, end, alphabet::hexadecimal, HEXADECIMAL_LETTERS);
    plain.min(base64).min(hexadecimal).max(from)
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
