//! Runs the sieve over a text.

use std::ops::Range;

use super::letters::{CHUNK, Letters};
use super::{Noticed, STRIDE, Sieve, undone};
use crate::redaction::escape::{Escape, Left};
use crate::redaction::key::{Key, joined};
use crate::redaction::window::WIDTHS;

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
        letters: &mut Letters,
        noticed: &mut Noticed,
    ) {
        let (mut at, mut overlap) = (part.start, SPELLED_DEEP);
        while at < part.end {
            let end = part.end.min(at + size);
            let piece = bytes
                .get(at.saturating_sub(overlap)..end)
                .unwrap_or_default();
            let mut is_deep = false;
            let is_noticed = self.notices(piece, left, 0, letters, &mut is_deep);
            if is_noticed && size > SMALL {
                self.find(bytes, at..end, SMALL, left, letters, noticed);
            } else if is_noticed {
                noticed.parts.push(at..end);
            }
            noticed.is_deep |= is_deep;
            overlap = if is_deep { SPELLED_DEEP } else { SPELLED };
            at = end;
        }
    }

    /// Whether there is a window in `reading`, or in its decoded forms; `depth` kinds of escape are decoded already.
    fn notices(
        &self,
        reading: &[u8],
        left: Left,
        depth: usize,
        letters: &mut Letters,
        is_deep: &mut bool,
    ) -> bool {
        *is_deep |= depth > 1;
        let is_fragile = self.sieve.fragile > 0;
        let mut has_escapes = is_fragile;
        if is_fragile && self.scan(reading, false, letters, &mut has_escapes)
            || self.scan(reading, true, letters, &mut has_escapes)
        {
            return true;
        }
        if let Some(undone) = undone::prefixes(reading)
            && self.scan(&undone, true, letters, &mut false)
        {
            return true;
        }
        left.of().iter().any(|escape| {
            if *escape == Escape::Backslash && !has_escapes {
                return false;
            }
            let undone = undone::escapes(reading, *escape, is_fragile);
            undone.is_some_and(|undone| {
                let left = left.within(*escape);
                self.notices(&undone, left, depth + 1, letters, is_deep)
            })
        })
    }

    /// Whether there is a window in `reading`.
    fn scan(
        &self,
        reading: &[u8],
        passes_escapes: bool,
        letters: &mut Letters,
        has_escapes: &mut bool,
    ) -> bool {
        letters.begin(passes_escapes);
        let is_noticed = (0..reading.len())
            .step_by(CHUNK)
            .any(|at| self.samples(letters.read(reading, at)));
        *has_escapes |= letters.has_escapes;
        is_noticed
    }

    fn samples(&self, letters: &[u8]) -> bool {
        let windows = WIDTHS.into_iter().zip(self.strides);
        let is_usual = |width: usize, stride| matches!(width, 16 | 32) && stride == STRIDE;
        let mut unusual = windows.filter_map(|(width, stride)| {
            let stride = stride.filter(|stride| !is_usual(width, *stride))?;
            Some((width, stride.max(1)))
        });
        self.usual_samples(letters)
            || unusual.any(|(width, stride)| {
                let mut windows = letters.windows(width).step_by(stride);
                windows.any(|window| {
                    let hash = self.key.sample(window);
                    self.sieve.filter.may_have(hash) && self.has(hash)
                })
            })
    }

    /// Those of 16 and 32 letters at every eighth letter, where two windows of 16 make one of 32.
    fn usual_samples(&self, letters: &[u8]) -> bool {
        let (words, _) = letters.as_chunks();
        let (mut before, mut last) = (0, 0);
        let next = words.get(1..).unwrap_or_default();
        words.iter().zip(next).any(|(first, second)| {
            let hash = self.key.part(*first, *second);
            let wide = joined(before, hash);
            (before, last) = (last, hash);
            let filter = &self.sieve.filter;
            // One branch for both.
            filter.may_have(hash) | filter.may_have(wide) && (self.has(hash) || self.has(wide))
        })
    }

    fn has(&self, hash: u64) -> bool {
        self.sieve.windows.contains_key(&hash)
    }
}
