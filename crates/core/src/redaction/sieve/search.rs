//! Runs the sieve over a text.

use std::ops::Range;

use super::letters::{CHUNK, Letters};
use super::{Noticed, Sieve, undone};
use crate::redaction::escape::{Escape, Left};
use crate::redaction::key::Key;
use crate::redaction::window::{WIDTHS, Window};

/// The piece size of the first pass.
pub(super) const LARGE: usize = 32 << 10;
const SMALL: usize = 1 << 10;

/// The most bytes that spell a stretch with one kind of escape decoded, and with several.
const SPELLED: usize = 2 << 10;
const SPELLED_DEEP: usize = 12 << 10;

pub(super) struct Search<'a> {
    pub(super) sieve: &'a Sieve,
    pub(super) key: &'a Key,
    /// The distance between windows of each width.
    pub(super) strides: [Option<usize>; WIDTHS.len()],
}

impl Search<'_> {
    /// Searches `part` of `bytes` in pieces of `size`, and again those pieces in which something is noticed.
    pub(super) fn find(
        &self,
        bytes: &[u8],
        part: Range<usize>,
        size: usize,
        left: Left,
        noticed: &mut Noticed,
    ) {
        let (mut at, mut overlap) = (part.start, SPELLED_DEEP);
        while at < part.end {
            let end = part.end.min(at + size);
            let piece = bytes
                .get(at.saturating_sub(overlap)..end)
                .unwrap_or_default();
            let mut is_deep = false;
            let is_noticed = self.notices(piece, left, 0, &mut is_deep);
            if is_noticed && size > SMALL {
                self.find(bytes, at..end, SMALL, left, noticed);
            } else if is_noticed {
                noticed.parts.push(at..end);
            }
            noticed.is_deep |= is_deep;
            overlap = if is_deep { SPELLED_DEEP } else { SPELLED };
            at = end;
        }
    }

    /// Whether there is a window in `reading`, or in its decoded forms; `depth` kinds of escape are decoded already.
    fn notices(&self, reading: &[u8], left: Left, depth: usize, is_deep: &mut bool) -> bool {
        *is_deep |= depth > 1;
        let is_fragile = self.sieve.fragile > 0;
        let mut has_escapes = is_fragile;
        if is_fragile && self.scan(reading, false, &mut has_escapes)
            || self.scan(reading, true, &mut has_escapes)
        {
            return true;
        }
        if let Some(undone) = undone::prefixes(reading)
            && self.scan(&undone, true, &mut false)
        {
            return true;
        }
        left.of().iter().any(|escape| {
            if *escape == Escape::Backslash && !has_escapes {
                return false;
            }
            let undone = undone::escapes(reading, *escape, is_fragile);
            undone.is_some_and(|undone| {
                self.notices(&undone, left.within(*escape), depth + 1, is_deep)
            })
        })
    }

    /// Whether there is a window in `reading`.
    fn scan(&self, reading: &[u8], passes_escapes: bool, has_escapes: &mut bool) -> bool {
        let mut letters = Letters::new(passes_escapes);
        let is_noticed = reading.chunks(CHUNK).any(|chunk| {
            letters.read(chunk);
            self.samples(letters.buffer(), letters.length)
        });
        *has_escapes |= letters.has_escapes;
        is_noticed
    }

    fn samples(&self, letters: &[u8], length: usize) -> bool {
        let widths = WIDTHS.into_iter().zip(self.strides).enumerate();
        let mut is_noticed = false;
        for (index, (width, stride)) in widths {
            let (Some(stride), Some(count)) = (stride, (length + 1).checked_sub(width)) else {
                continue;
            };
            if width <= 16 {
                let rest = 128 - width * 8;
                let letters = letters.get(..count + 15).unwrap_or_default();
                for window in letters.windows(16).step_by(stride.max(1)) {
                    let last = number(window) >> rest;
                    is_noticed |= self.has(Window { first: 0, last }, index);
                }
            } else {
                let letters = letters.get(..count + 31).unwrap_or_default();
                for window in letters.windows(32).step_by(stride.max(1)) {
                    let (first, last) = window.split_at(16);
                    let (first, last) = (number(first), number(last));
                    is_noticed |= self.has(Window { first, last }.begin(width), index);
                }
            }
        }
        is_noticed
    }

    #[inline]
    fn has(&self, window: Window, index: usize) -> bool {
        let hash = self.key.hash(window, index as u64);
        self.sieve.filter.may_have(hash) && self.sieve.windows.contains_key(&hash)
    }
}

/// 16 letters as a number.
#[inline]
fn number(letters: &[u8]) -> u128 {
    let letters = letters.first_chunk().copied();
    u128::from_be_bytes(letters.unwrap_or_default())
}
