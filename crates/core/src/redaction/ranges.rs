//! The parts of a text that spell values.

/// A part of a text and the number of the longest value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: usize,
}

/// Parts in order; those that overlap are one.
#[derive(Default)]
pub(super) struct Ranges {
    parts: Vec<Range>,
    /// What was done to find them, for tests: bytes read by scanners and positions copied.
    #[cfg(test)]
    pub(super) work: usize,
}

impl Ranges {
    pub(super) fn add(&mut self, mut range: Range) {
        let from = self.parts.partition_point(|other| other.end <= range.start);
        let to = self.parts.partition_point(|other| other.start < range.end);
        for other in self.parts.drain(from..to.max(from)) {
            range.start = range.start.min(other.start);
            range.end = range.end.max(other.end);
            range.value = range.value.min(other.value);
        }
        self.parts.insert(from, range);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range> {
        self.parts.iter().copied()
    }

    /// Takes out those that end at `position` or before.
    pub(super) fn drain_until(&mut self, position: usize) -> impl Iterator<Item = Range> {
        let ended = self.parts.partition_point(|range| range.end <= position);
        self.parts.drain(..ended)
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<Range> {
        self.parts.first().copied()
    }

    /// Where the last one ends.
    pub(super) fn end(&self) -> Option<usize> {
        self.parts.last().map(|range| range.end)
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

    pub(super) fn clear(&mut self) {
        self.parts.clear();
    }
}
