//! Searches for values in one decoded stream: as text, as hexadecimal digits or as base64.
//!
//! The last letters are hashed as one window. Nothing is compared until a whole window equals one of a pattern. The
//! window determines where the pattern would begin and end, and at its end one comparison of fingerprints decides. So
//! the time per letter does not depend on whether the letters before it belong to a value.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::alphabet::{Alphabet, LONGEST_GAP, Letter};
use super::decoder::Symbol;
use super::form::Edge;
use super::key;
use super::ranges::{Found, Range, Ranges};
use super::table::Table;
use super::window::{WIDTHS, Window};
use super::windows::Pattern;

/// After this many letters in a row, any white space may occur in base64: lines may have been joined with spaces.
const SHORTEST_LINE: u8 = 16;

/// The position of a letter, and the fingerprint of the run before it.
#[derive(Clone, Copy)]
struct Mark {
    start: usize,
    /// Where the white space before it begins.
    spaces: usize,
    fingerprint: u64,
    gaps: usize,
}

/// A pattern whose window matched, and whose last letters have not been read yet.
#[derive(Clone, Copy)]
struct Pending {
    /// How many letters of the run have been read when it is complete.
    due: usize,
    begin: Mark,
    start: usize,
    pattern: Pattern,
}

/// A finished match that may extend further.
#[derive(Clone, Copy)]
struct Tail {
    /// The last byte of the match.
    start: usize,
    found: Found,
    edge: Edge,
}

/// The state of a search in one stream.
#[derive(Default)]
pub(super) struct Scanner {
    /// The last letters, and the fingerprint of all letters of this run.
    window: Window,
    fingerprint: u64,
    count: usize,
    /// The last letters, as many as may precede the end of a window.
    marks: VecDeque<Mark>,
    pending: BinaryHeap<Pending>,
    /// The start positions of the pending patterns, with how many start there.
    starts: BTreeMap<usize, usize>,
    /// How many bytes lie between the last letter and the current position.
    gap: u8,
    /// How often white space occurs between letters of this run.
    gaps: usize,
    /// How many letters in a row were read, at most [`SHORTEST_LINE`].
    line: u8,
    /// Where the white space before the current position begins.
    spaces: Option<usize>,
    /// A `0` that may belong to `0x`.
    zero: Option<Symbol>,
    tail: Option<Tail>,
}

impl Scanner {
    /// Reads one byte, and adds to `found` every match that ends with it.
    pub(super) fn push(
        &mut self,
        alphabet: Alphabet,
        table: &Table,
        symbol: Symbol,
        found: &mut Ranges,
    ) {
        if table.windows.widths(alphabet) == 0 {
            // What was read for a value that was removed must not be held back.
            return self.reset();
        }
        found.count(1);
        let letter = alphabet.letter(symbol.byte);
        if letter == Letter::Nothing {
            return;
        }
        if let Some(zero) = self.zero.take()
            && !matches!(symbol.byte, b'x' | b'X')
        {
            self.step(alphabet, table, zero, found);
        }
        match letter {
            Letter::Is(b'0') if alphabet == Alphabet::Hexadecimal => {
                self.gap = 0;
                self.zero = Some(symbol);
            }
            Letter::Is(byte) => self.step(alphabet, table, Symbol { byte, ..symbol }, found),
            Letter::Space => self.space(alphabet, table, symbol, found),
            Letter::Between if self.gap < LONGEST_GAP => self.gap += 1,
            Letter::Nothing | Letter::Between | Letter::Other => self.reset(),
        }
    }

    /// Reads what was held back.
    pub(super) fn finish(&mut self, alphabet: Alphabet, table: &Table, found: &mut Ranges) {
        if let Some(zero) = self.zero.take() {
            self.step(alphabet, table, zero, found);
        }
    }

    /// The earliest possible start of a match of which a part was read before `now`.
    pub(super) fn open_from(&self, now: usize) -> usize {
        let mark = self.marks.front().map(|mark| mark.spaces);
        let pending = self.starts.first_key_value().map(|(start, _)| *start);
        let zero = self.zero.map(|zero| zero.start);
        let tail = self.tail.map(|tail| tail.start);
        let begins = [mark, pending, zero, tail, self.spaces];
        begins.into_iter().flatten().fold(now, usize::min)
    }

    /// Whether a pattern's window matched and its end was not reached yet.
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.is_empty() || self.tail.is_some()
    }

    /// Becomes a copy of `other` without what it read before `begin`; returns how much was copied, to count the work.
    pub(super) fn become_copy_of(&mut self, other: &Self, begin: usize) -> usize {
        self.reset();
        let after = |mark: &&Mark| mark.start >= begin;
        self.marks.extend(other.marks.iter().filter(after));
        for pending in other
            .pending
            .iter()
            .filter(|pending| pending.start >= begin)
        {
            self.wait(*pending);
        }
        (self.window, self.fingerprint) = (other.window, other.fingerprint);
        (self.count, self.gaps) = (other.count, other.gaps);
        let letters = u8::try_from(self.marks.len()).unwrap_or(u8::MAX);
        self.line = other.line.min(letters);
        self.gap = other.gap;
        self.spaces = other.spaces.map(|start| start.max(begin));
        self.zero = other.zero.filter(|zero| zero.start >= begin);
        self.tail = other.tail.filter(|tail| tail.start >= begin);
        other.marks.len() + other.pending.len()
    }

    pub(super) fn reset(&mut self) {
        if self.count != 0 {
            // Not on every byte, and not when there is nothing to clear.
            self.marks.clear();
            self.pending.clear();
            self.starts.clear();
            (self.window, self.fingerprint) = (Window::default(), 0);
            (self.count, self.gaps, self.line) = (0, 0, 0);
        }
        (self.gap, self.spaces, self.zero, self.tail) = (0, None, None, None);
    }

    fn space(&mut self, alphabet: Alphabet, table: &Table, symbol: Symbol, found: &mut Ranges) {
        if alphabet == Alphabet::Base64 {
            let is_break = matches!(symbol.byte, b'\r' | b'\n');
            if self.gap == LONGEST_GAP || self.gap == 0 && !is_break && self.line < SHORTEST_LINE {
                return self.reset();
            }
            self.gap += 1;
            return;
        }
        let tail = self.tail.take().and_then(|tail| match tail.edge {
            Edge::Spaces(count @ 1..) => {
                found.add(Range::new(tail.start, symbol.end, tail.found));
                let edge = Edge::Spaces(count - 1);
                Some(Tail { edge, ..tail })
            }
            _ => None,
        });
        let spaces = table.has_leading_spaces().then_some(symbol.start);
        let spaces = self.spaces.or(spaces);
        if table.has_spaces() && self.gap < LONGEST_GAP {
            self.gap += 1;
        } else {
            let gap = self.gap;
            self.reset();
            // What is skipped before a first letter is bounded, too.
            self.gap = if gap < LONGEST_GAP { gap + 1 } else { 0 };
        }
        self.spaces = spaces.filter(|_| self.gap > 0);
        self.tail = tail;
    }

    fn step(&mut self, alphabet: Alphabet, table: &Table, letter: Symbol, found: &mut Ranges) {
        if let Some(tail) = self.tail.take().filter(|tail| tail.edge == Edge::Letter) {
            found.add(Range::new(tail.start, letter.end, tail.found));
        }
        if std::mem::take(&mut self.gap) > 0 {
            self.gaps += 1;
            self.line = 0;
        }
        self.line = SHORTEST_LINE.min(self.line + 1);
        self.marks.push_back(Mark {
            start: letter.start,
            spaces: self.spaces.take().unwrap_or(letter.start),
            fingerprint: self.fingerprint,
            gaps: self.gaps,
        });
        self.window.push(letter.byte);
        self.fingerprint = table.key.append(self.fingerprint, letter.byte);
        self.count += 1;
        let mut used = table.windows.widths(alphabet);
        while used != 0 {
            let width = WIDTHS.get(used.trailing_zeros() as usize);
            used &= used - 1;
            if let Some(width) = width.filter(|width| self.marks.len() >= **width) {
                let hash = table.window_hash(alphabet, *width, self.window);
                for pattern in table.windows.of(hash) {
                    found.count_window();
                    self.begin(pattern, letter.start);
                }
            }
        }
        self.complete(letter, found);
        let kept = table.windows.reach(alphabet).max(SHORTEST_LINE.into());
        while self.marks.len() > kept {
            self.marks.pop_front();
        }
    }

    /// Notes a pattern whose window ends with the last letter.
    fn begin(&mut self, pattern: &Pattern, now: usize) {
        let first = self.marks.len().checked_sub(pattern.before as usize);
        let Some(begin) = first.and_then(|first| self.marks.get(first)) else {
            return;
        };
        let before = || self.marks.get(first?.checked_sub(1)?);
        let start = match pattern.lead {
            Edge::Letter => before().unwrap_or(begin).start,
            Edge::Spaces(_) => begin.spaces,
            Edge::Nothing => begin.start,
        };
        let rest = pattern.letters - pattern.before;
        self.wait(Pending {
            due: self.count + rest as usize,
            begin: *begin,
            start: start.min(now),
            pattern: *pattern,
        });
    }

    fn wait(&mut self, pending: Pending) {
        *self.starts.entry(pending.start).or_default() += 1;
        self.pending.push(pending);
    }

    /// Decides the patterns that would end with `last`.
    fn complete(&mut self, last: Symbol, found: &mut Ranges) {
        while let Some(pending) = self.pending.peek().copied()
            && pending.due <= self.count
        {
            self.pending.pop();
            if let Some(count) = self.starts.get_mut(&pending.start) {
                *count -= 1;
                if *count == 0 {
                    self.starts.remove(&pending.start);
                }
            }
            let Pending { begin, pattern, .. } = pending;
            let read = key::without(self.fingerprint, begin.fingerprint, pattern.power);
            if read == pattern.fingerprint && (pattern.is_spaced || begin.gaps == self.gaps) {
                found.add(Range::new(pending.start, last.end, pattern.found));
                let tail = Tail {
                    start: last.end - 1,
                    found: pattern.found,
                    edge: pattern.tail,
                };
                let has_tail = tail.edge != Edge::Nothing;
                self.tail = has_tail.then_some(tail).or(self.tail);
            }
        }
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the heap returns its greatest item, which must be the next one due.
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Pending {}
