//! Decodes one kind of escape in a stream of bytes, and tracks the source range of each decoded byte.

use crate::confidential::Wiped;

use super::escape::{Escape, LONGEST, Reading};

/// The most input bytes of one escape, with two nested. This bounds how much input is held back.
pub(super) const LONGEST_SPELLING: usize = LONGEST * LONGEST;

/// One decoded byte and its range in the input.
#[derive(Clone, Copy)]
pub(super) struct Symbol {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Holds back bytes that may begin an escape.
pub(super) struct Decoder {
    escape: Escape,
    bytes: Wiped<Vec<u8>>,
    ranges: Vec<(usize, usize)>,
}

impl Decoder {
    pub(super) fn new(escape: Escape) -> Self {
        Self {
            escape,
            bytes: Wiped::new(Vec::with_capacity(LONGEST)),
            ranges: Vec::with_capacity(LONGEST),
        }
    }

    /// The kind of escape that it decodes.
    pub(super) fn escape(&self) -> Escape {
        self.escape
    }

    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.escape.begins_with(byte)
    }

    /// Where the bytes held back begin.
    pub(super) fn held_from(&self) -> Option<usize> {
        self.ranges.first().map(|(start, _)| *start)
    }

    /// Takes one byte. Calls `each` with every byte that is now decided and whether it was an escape.
    pub(super) fn push(&mut self, symbol: Symbol, mut each: impl FnMut(Symbol, bool)) {
        if self.bytes.is_empty() && !self.begins_with(symbol.byte) {
            return each(symbol, false);
        }
        self.bytes.push(symbol.byte);
        self.ranges.push((symbol.start, symbol.end));
        self.decide(false, &mut each);
    }

    /// Passes on what is held back.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Symbol, bool)) {
        self.decide(true, &mut each);
    }

    /// Becomes a copy of `other`; returns how many bytes were copied, to count the work.
    pub(super) fn become_copy_of(&mut self, other: &Self) -> usize {
        (*self.bytes).clone_from(&other.bytes);
        self.ranges.clone_from(&other.ranges);
        self.bytes.len()
    }

    fn decide(&mut self, is_end: bool, each: &mut impl FnMut(Symbol, bool)) {
        while let (Some(first), Some((start, end))) = (self.bytes.first(), self.ranges.first()) {
            let (byte, start, end) = (*first, *start, *end);
            let read = match self.read(start) {
                Reading::Incomplete if !is_end => return,
                Reading::Incomplete | Reading::Plain => {
                    each(Symbol { byte, start, end }, false);
                    1
                }
                Reading::Byte(length, byte) => {
                    let end = self.end_of(length);
                    each(Symbol { byte, start, end }, true);
                    length
                }
                Reading::Character(length, character) => {
                    let end = self.end_of(length);
                    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                        each(Symbol { byte, start, end }, true);
                    }
                    length
                }
            };
            let read = read.min(self.bytes.len());
            self.bytes.drain(..read);
            self.ranges.drain(..read);
        }
    }

    /// Reads at position `start` of the bytes held back.
    fn read(&self, start: usize) -> Reading {
        match self.escape.read(&self.bytes) {
            Reading::Byte(length, _) | Reading::Character(length, _)
                if self.end_of(length) - start > LONGEST_SPELLING =>
            {
                Reading::Plain
            }
            reading => reading,
        }
    }

    fn end_of(&self, length: usize) -> usize {
        let last = self.ranges.get(length.saturating_sub(1));
        last.map_or(0, |(_, end)| *end)
    }
}
