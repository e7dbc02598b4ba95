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
pub(super) struct Ranges(Vec<Range>);

impl Ranges {
    pub(super) fn add(&mut self, mut range: Range) {
        let from = self.0.partition_point(|other| other.end <= range.start);
        let to = self.0.partition_point(|other| other.start < range.end);
        for other in self.0.drain(from..to.max(from)) {
            range.start = range.start.min(other.start);
            range.end = range.end.max(other.end);
            range.value = range.value.min(other.value);
        }
        self.0.insert(from, range);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range> {
        self.0.iter().copied()
    }

    /// Takes out those that end at `position` or before.
    pub(super) fn drain_until(&mut self, position: usize) -> impl Iterator<Item = Range> {
        let ended = self.0.partition_point(|range| range.end <= position);
        self.0.drain(..ended)
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<Range> {
        self.0.first().copied()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
