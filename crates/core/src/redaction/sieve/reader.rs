//! The sieve at work: reads four bytes at a time while nothing is special, else one by one.

use super::{SPECIAL, STEP, Sieve, Window};
use crate::redaction::alphabet;
use crate::redaction::escape::{Escape, LONGEST, Reading};
use crate::redaction::values::FEWEST_CHARACTERS;

/// The most letters of a match that were read when it is noticed, and what leads it: see [`Reader::begin_before`].
const PLAIN_LETTERS: usize = FEWEST_CHARACTERS;
/// Most backslashes that one character is escaped with, four escapes deep.
const BACKSLASHES: usize = 16;
const BASE64_LETTERS: usize = 11;
/// With a `0` of `0x` for each two.
const HEXADECIMAL_LETTERS: usize = 24;

/// Where the sieve is in some bytes.
pub(super) struct Reader<'a> {
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

impl<'a> Reader<'a> {
    /// Before the first byte. Escapes before `known` are left to the views.
    pub(super) fn new(sieve: &'a Sieve, bytes: &'a [u8], known: usize) -> Self {
        Self {
            sieve,
            bytes,
            known,
            raw: Window::default(),
            undone: None,
            escape_until: 0,
        }
    }

    /// Reads fours with nothing special in them, while no escape is near; returns how many.
    pub(super) fn skip(&mut self, groups: &[[u8; STEP]]) -> usize {
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
    pub(super) fn read_group(&mut self, at: usize, group: [u8; STEP]) -> Option<usize> {
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
    pub(super) fn read_slowly(&mut self, at: usize, part: &[u8]) -> Option<usize> {
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
    pub(super) fn begin_before(&self, from: usize, end: usize) -> usize {
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
        let begin = begins.into_iter().fold(end, usize::min).max(from);
        self.before_backslashes(from, begin)
    }

    /// Where the backslashes begin that stand before `begin`: `\(` is a `(`, escapes within each other have more.
    fn before_backslashes(&self, from: usize, begin: usize) -> usize {
        let before = self.bytes.get(from..begin).unwrap_or_default();
        let backslashes = before.iter().rev().take(BACKSLASHES);
        begin - backslashes.take_while(|byte| **byte == b'\\').count()
    }
}

impl Undone {
    fn push(&mut self, byte: u8, class: u32) {
        self.window.push_after(Some(self.previous), byte, class);
        self.previous = byte;
    }
}
