//! Undoes one kind of escape in a stream of bytes, and keeps track of where each byte was spelled.

use zeroize::Zeroize;

use super::escape::{Escape, LONGEST, Reading};

/// The most bytes of input that spell an escape, as two within each other can: what is held back is bounded by it.
pub(super) const LONGEST_SPELLING: usize = LONGEST * LONGEST;

/// One decoded byte and the range of the input that spells it.
#[derive(Clone, Copy)]
pub(super) struct Symbol {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What may be the begin of an escape.
pub(super) struct Decoder {
    escape: Escape,
    bytes: Vec<u8>,
    ranges: Vec<(usize, usize)>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Decoder {
    pub(super) fn new(escape: Escape) -> Self {
        Self {
            escape,
            bytes: Vec::with_capacity(LONGEST),
            ranges: Vec::with_capacity(LONGEST),
        }
    }

    /// The kind it undoes.
    pub(super) fn escape(&self) -> Escape {
        self.escape
    }

    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.escape.begins_with(byte)
    }

    /// Where what is held back begins.
    pub(super) fn held_from(&self) -> Option<usize> {
        self.ranges.first().map(|(start, _)| *start)
    }

    /// Takes one byte; `each` gets what is decided by it, and whether that was an escape.
    pub(super) fn push(&mut self, symbol: Symbol, mut each: impl FnMut(Symbol, bool)) {
        if self.bytes.is_empty() && !self.begins_with(symbol.byte) {
            return each(symbol, false);
        }
        self.bytes.push(symbol.byte);
        self.ranges.push((symbol.start, symbol.end));
        self.decide(false, &mut each);
    }

    /// Gives out what is held back.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Symbol, bool)) {
        self.decide(true, &mut each);
    }

    /// Becomes a copy of `other`, and tells how much that was.
    pub(super) fn become_copy_of(&mut self, other: &Self) -> usize {
        self.bytes.clone_from(&other.bytes);
        self.ranges.clone_from(&other.ranges);
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ranges.clear();
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
            self.bytes.drain(..read.min(self.bytes.len()));
            self.ranges.drain(..read.min(self.ranges.len()));
        }
    }

    /// What stands first, at `start` of the input.
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
