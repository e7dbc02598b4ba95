//! Finds quickly where a match may begin, so that text without any is read once and no more.
//!
//! Per four bytes the last few letters in each alphabet are compared with the begins of all patterns: 5 bytes of
//! text, 12 hexadecimal digits, 7 letters of base64, each from the first to the fourth letter on, so that one of them is
//! met wherever the fours begin. What stands between letters is passed over as by the scanners, and simple escapes are
//! undone on the way, since text is full of `\n`.

use zeroize::Zeroizing;

use super::alphabet::{self, Letter};
use super::automaton::Pattern;
use super::escape::{Escape, LONGEST, Reading};
use super::values::FEWEST_CHARACTERS;

const STEP: usize = 4;

/// The most letters of a match that were read when it is noticed, and what leads it: see [`Reader::begin_before`].
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
    fn push_after(&mut self, previous: Option<u8>, byte: u8, class: u32) {
        if matches!(byte, b'x' | b'X') && previous == Some(b'0') {
            self.hexadecimal >>= 4;
        }
        self.push(byte, class);
    }

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
        let mut reader = Reader {
            sieve: self,
            bytes,
            known,
            raw: Window::default(),
            undone: None,
            escape_until: 0,
        };
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

    fn class(&self, byte: u8) -> u32 {
        let class = self.classes.get(usize::from(byte));
        class.copied().unwrap_or_default()
    }
}

/// Where the sieve is in some bytes.
struct Reader<'a> {
    sieve: &'a Sieve,
    bytes: &'a [u8],
    known: usize,
    raw: Window,
    undone: Option<Undone>,
    /// The end of the last escape.
    escape_until: usize,
}

/// The last letters with escapes of one kind undone, while they differ from what is spelled.
///
/// What mixes kinds or has escapes within each other is left to the views.
struct Undone {
    escape: Escape,
    window: Window,
    /// Where the first escape begins.
    from: usize,
    previous: u8,
}

impl Reader<'_> {
    /// Reads fours with nothing special in them, while no escape is near; returns how many.
    fn skip(&mut self, groups: &[[u8; STEP]]) -> usize {
        if self.undone.is_some() {
            return 0;
        }
        // In registers: this is where the time goes.
        let mut window = self.raw;
        let mut skipped = 0;
        for group in groups {
            let classes = group.map(|byte| self.sieve.class(byte));
            let [first, second, third, fourth] = classes;
            let mut after = window;
            after.push_group(*group, classes);
            if (first | second | third | fourth) & SPECIAL != 0 || self.sieve.is_begin(after) {
                break;
            }
            window = after;
            skipped += 1;
        }
        self.raw = window;
        skipped
    }

    /// Reads four bytes at `at`; returns the end of what must be looked at.
    fn read_group(&mut self, at: usize, group: [u8; STEP]) -> Option<usize> {
        let classes = group.map(|byte| self.sieve.class(byte));
        let [first, second, third, fourth] = classes;
        if (first | second | third | fourth) & SPECIAL != 0 || at < self.escape_until {
            return self.read_slowly(at, &group);
        }
        self.raw.push_group(group, classes);
        let mut is_begin = self.sieve.is_begin(self.raw);
        if let Some(undone) = &mut self.undone {
            undone.window.push_group(group, classes);
            [.., undone.previous] = group;
            is_begin |= self.sieve.is_begin(undone.window);
            if undone.window == self.raw {
                self.undone = None;
            }
        }
        is_begin.then_some(at + STEP)
    }

    /// Reads `part`, which is at `at`, byte by byte; returns the end of what must be looked at.
    fn read_slowly(&mut self, at: usize, part: &[u8]) -> Option<usize> {
        for (index, byte) in (at..).zip(part) {
            let (index, byte, class) = (index, *byte, self.sieve.class(*byte));
            if class & SPECIAL != 0 && index >= self.escape_until && !self.undo(index) {
                return Some(index + 1);
            }
            let previous = index.checked_sub(1).and_then(|index| self.bytes.get(index));
            self.raw.push_after(previous.copied(), byte, class);
            let mut is_begin = self.sieve.is_begin(self.raw);
            if let Some(undone) = &mut self.undone {
                if index >= self.escape_until {
                    undone.push(byte, class);
                }
                is_begin |= self.sieve.is_begin(undone.window);
            }
            if is_begin {
                return Some(index + 1);
            }
        }
        None
    }

    /// Undoes the escape at `index`, if there is one; returns whether the views can be spared.
    fn undo(&mut self, index: usize) -> bool {
        let end = self.bytes.len().min(index + LONGEST);
        let here = self.bytes.get(index..end).unwrap_or_default();
        let readings = self.sieve.escapes.iter();
        let mut readings = readings.map(|escape| (*escape, escape.read(here)));
        let mut buffer = [0; 4];
        let (escape, length, decoded) = match readings
            .find(|(_, reading)| *reading != Reading::Plain)
        {
            None => return true,
            Some((Escape::Form, _) | (_, Reading::Incomplete | Reading::Plain)) => return false,
            Some((escape, Reading::Byte(length, byte))) => {
                buffer = [byte; 4];
                (escape, length, buffer.get(..1).unwrap_or_default())
            }
            Some((escape, Reading::Character(length, character))) => {
                let decoded = character.encode_utf8(&mut buffer);
                (escape, length, decoded.as_bytes())
            }
        };
        let undone = self.undone.get_or_insert(Undone {
            escape,
            window: self.raw,
            from: index,
            previous: 0,
        });
        let mut is_simple = undone.escape == escape && index >= self.known;
        for byte in decoded {
            let class = self.sieve.class(*byte);
            is_simple &= class & SPECIAL == 0;
            undone.push(*byte, class);
        }
        self.escape_until = index + length;
        is_simple
    }

    /// Where a match may begin that is noticed at `end`, or goes on there.
    fn begin_before(&self, from: usize, end: usize) -> usize {
        let escape = self.undone.as_ref().map_or(end, |undone| undone.from);
        let begins = [end, escape].map(|end| {
            let plain = end.saturating_sub(PLAIN_LETTERS);
            let run_start =
                |alphabet, letters| alphabet::run_start(self.bytes, end, alphabet, letters);
            let base64 = run_start(alphabet::base64, BASE64_LETTERS);
            plain
                .min(base64)
                .min(run_start(alphabet::hexadecimal, HEXADECIMAL_LETTERS))
        });
        begins.into_iter().fold(end, usize::min).max(from)
    }
}

impl Undone {
    fn push(&mut self, byte: u8, class: u32) {
        self.window.push_after(Some(self.previous), byte, class);
        self.previous = byte;
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
