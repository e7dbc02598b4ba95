//! Looks for values in one decoded stream: as text, as hexadecimal digits or as base64.

use std::collections::VecDeque;

use super::alphabet::{self, LONGEST_GAP, Letter};
use super::automaton::{Automaton, ROOT};
use super::decoder::Symbol;
use super::ranges::{Range, Ranges};

/// How bytes are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Plain,
    Hexadecimal,
    Base64,
}

impl Alphabet {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Hexadecimal, Self::Base64];

    fn letter(self, byte: u8) -> Letter {
        match self {
            Self::Plain => Letter::Is(byte),
            Self::Hexadecimal => alphabet::hexadecimal(byte),
            Self::Base64 => alphabet::base64(byte),
        }
    }

    /// How many letters before a match belong to it, at most.
    fn lead(self) -> usize {
        usize::from(self == Self::Base64)
    }
}

/// Where a stream is within the patterns.
#[derive(Default)]
pub(super) struct Scanner {
    state: u32,
    /// Where the letters of the prefix that was read are spelled, and the one before it in base64.
    starts: VecDeque<usize>,
    /// How many bytes stand between the last letter and now.
    gap: u8,
    /// A `0` that may belong to `0x`.
    zero: Option<Symbol>,
    /// The last byte of a match and its value, if the next letter belongs to it.
    trailed: Option<(usize, usize)>,
}

impl Scanner {
    /// Reads one byte, and adds to `found` what ends with it.
    pub(super) fn push(
        &mut self,
        alphabet: Alphabet,
        automaton: &Automaton,
        symbol: Symbol,
        found: &mut Ranges,
    ) {
        found.count(1);
        if alphabet == Alphabet::Hexadecimal
            && let Some(zero) = self.zero.take()
            && !matches!(symbol.byte, b'x' | b'X')
        {
            self.step(alphabet, automaton, zero, found);
        }
        match alphabet.letter(symbol.byte) {
            Letter::Is(b'0') if alphabet == Alphabet::Hexadecimal => {
                self.gap = 0;
                self.zero = Some(symbol);
            }
            Letter::Is(byte) => {
                self.gap = 0;
                self.step(alphabet, automaton, Symbol { byte, ..symbol }, found);
            }
            Letter::Between if self.gap < LONGEST_GAP => self.gap += 1,
            Letter::Between | Letter::Other => self.reset(),
        }
    }

    /// Reads what was held back.
    pub(super) fn finish(&mut self, alphabet: Alphabet, automaton: &Automaton, found: &mut Ranges) {
        if let Some(zero) = self.zero.take() {
            self.step(alphabet, automaton, zero, found);
        }
    }

    /// Where the earliest match can begin of which a part was read before `now`.
    pub(super) fn open_from(&self, now: usize) -> usize {
        let zero = self.zero.map(|zero| zero.start);
        let trailed = self.trailed.map(|(last, _)| last);
        let starts = [self.starts.front().copied(), zero, trailed];
        starts.into_iter().flatten().fold(now, usize::min)
    }

    /// Becomes a copy of `other` without what it has read before `begin`, and tells how much that was.
    pub(super) fn become_copy_of(
        &mut self,
        other: &Self,
        automaton: &Automaton,
        begin: usize,
    ) -> usize {
        self.state = other.state;
        self.starts.clone_from(&other.starts);
        let dropped = self.starts.partition_point(|start| *start < begin);
        self.starts.drain(..dropped);
        while automaton.depth(self.state) > self.starts.len() {
            self.state = automaton.suffix(self.state);
        }
        self.gap = other.gap;
        self.zero = other.zero.filter(|zero| zero.start >= begin);
        self.trailed = other.trailed.filter(|(last, _)| *last >= begin);
        other.starts.len()
    }

    pub(super) fn reset(&mut self) {
        self.state = ROOT;
        self.starts.clear();
        self.gap = 0;
        self.zero = None;
        self.trailed = None;
    }

    fn step(
        &mut self,
        alphabet: Alphabet,
        automaton: &Automaton,
        letter: Symbol,
        found: &mut Ranges,
    ) {
        if let Some((start, value)) = self.trailed.take() {
            let end = letter.end;
            found.add(Range { start, end, value });
        }
        self.state = automaton.next(self.state, letter.byte);
        if self.state == ROOT {
            // Nearly always, so without asking for more.
            self.starts.clear();
            self.starts
                .extend((alphabet.lead() > 0).then_some(letter.start));
            return;
        }
        self.starts.push_back(letter.start);
        if let Some(hit) = automaton.hit(self.state) {
            let (end, value) = (letter.end, hit.value);
            let first = self.starts.len().saturating_sub(hit.length);
            let first = first.saturating_sub(usize::from(hit.is_led));
            let start = self.starts.get(first).copied().unwrap_or(letter.start);
            found.add(Range { start, end, value });
            self.trailed = hit.is_trailed.then(|| (end - 1, value));
        }
        let kept = automaton.depth(self.state) + alphabet.lead();
        while self.starts.len() > kept {
            self.starts.pop_front();
        }
    }
}
