//! The ranges of a text that spell values.

use std::cmp::Reverse;

/// A value or a part of one that was found. Longer ones order first, then those that were added first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) length: Reverse<u32>,
    pub(super) id: u64,
}

/// A range of a text and the longest value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) found: Found,
}

impl Range {
    pub(super) fn new(start: usize, end: usize, found: Found) -> Self {
        Self { start, end, found }
    }
}

/// Ranges in order. Overlapping ones are merged.
#[derive(Default)]
pub(super) struct Ranges {
    parts: Vec<Range>,
    /// The work done, for tests: bytes that scanners read and positions that were copied.
    #[cfg(test)]
    pub(super) work: usize,
    /// How many windows matched a pattern, for tests.
    #[cfg(test)]
    pub(super) compared: usize,
}

impl Ranges {
    pub(super) fn add(&mut self, mut range: Range) {
        let from = self.parts.partition_point(|other| other.end <= range.start);
        let to = self.parts.partition_point(|other| other.start < range.end);
        for other in self.parts.drain(from..to.max(from)) {
            range.start = range.start.min(other.start);
            range.end = range.end.max(other.end);
            range.found = range.found.min(other.found);
        }
        self.parts.insert(from, range);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range> {
        self.parts.iter().copied()
    }

    /// Removes the ranges that end at or before `position`.
    pub(super) fn drain_until(&mut self, position: usize) -> impl Iterator<Item = Range> {
        let ended = self.parts.partition_point(|range| range.end <= position);
        self.parts.drain(..ended)
    }

    /// The first range.
    pub(super) fn first(&self) -> Option<Range> {
        self.parts.first().copied()
    }

    /// Counts work, for tests.
    pub(super) fn count(&mut self, work: usize) {
        #[cfg(test)]
        {
            self.work += work;
        }
        #[cfg(not(test))]
        let _ = (self, work);
    }

    /// Counts a window, for tests.
    pub(super) fn count_window(&mut self) {
        #[cfg(test)]
        {
            self.compared += 1;
        }
        #[cfg(not(test))]
        let _ = self;
    }

    pub(super) fn clear(&mut self) {
        self.parts.clear();
    }
}

#[cfg(test)]
mod tests;
