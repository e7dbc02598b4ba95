//! Finds the patterns that match a tool, or that have a tool in common with a pattern, without testing every pattern.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use crate::pattern::{ToolName, ToolPattern};

/// What has a pattern.
pub trait Patterned {
    /// The pattern by which it is found. It never changes.
    fn pattern(&self) -> Option<&ToolPattern>;
}

impl<T: Patterned> Patterned for Arc<T> {
    fn pattern(&self) -> Option<&ToolPattern> {
        T::pattern(self)
    }
}

/// Values found by tool name or by pattern.
///
/// A lookup searches for the exact name, for each *length* of literal prefix in use, and tests each pattern whose literal
/// prefix begins the name. Other patterns cost nothing. Each value takes its own size twice, and 8 bytes.
#[derive(Clone, Debug)]
pub struct PatternIndex<T> {
    hasher: RandomState,
    /// In the order of the hashes of whether the pattern is exact, and of its literal prefix.
    entries: Vec<(u64, T)>,
    /// The same values in the order of the texts of their patterns.
    by_text: Vec<T>,
    /// How many values there are with a prefix of each length in bytes; never zero.
    prefix_lengths: BTreeMap<usize, usize>,
}

// A derived impl would require `T: Default`.
impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: Vec::new(),
            by_text: Vec::new(),
            prefix_lengths: BTreeMap::new(),
        }
    }
}

/// The text of a value's pattern.
fn text<T: Patterned>(value: &T) -> &str {
    value.pattern().map_or("", ToolPattern::as_str)
}

impl<T: Patterned + Clone> Extend<T> for PatternIndex<T> {
    /// Adds many values at once. Values without a pattern are left out.
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            if let Some(hash) = self.count(&value) {
                self.by_text.push(value.clone());
                self.entries.push((hash, value));
            }
        }
        self.entries.shrink_to_fit();
        self.entries.sort_by_key(|(hash, _)| *hash);
        self.by_text.shrink_to_fit();
        self.by_text
            .sort_by(|one, other| text(one).cmp(text(other)));
    }
}

impl<T: Patterned + Clone> PatternIndex<T> {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `value` beside any values with the same pattern. Without a pattern, it is left out.
    pub fn insert(&mut self, value: T) {
        if let Some(hash) = self.count(&value) {
            let place = self
                .by_text
                .partition_point(|other| text(other) <= text(&value));
            self.by_text.insert(place, value.clone());
            let place = self.entries.partition_point(|(other, _)| *other <= hash);
            self.entries.insert(place, (hash, value));
        }
    }

    /// Removes the value under `pattern` that `is_wanted` accepts.
    pub fn remove(
        &mut self,
        pattern: &ToolPattern,
        mut is_wanted: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let prefix = pattern.literal_prefix();
        let (begin, found) = self.run(self.hash(pattern.is_exact(), prefix));
        let place = found
            .iter()
            .position(|(_, value)| value.pattern() == Some(pattern) && is_wanted(value))?;
        let (_, removed) = self.entries.remove(begin + place);
        let begin = self.begin(pattern.as_str());
        let same = self.by_text.get(begin..).unwrap_or_default();
        if let Some(place) = same.iter().position(is_wanted) {
            self.by_text.remove(begin + place);
        }
        if !pattern.is_exact() {
            self.forget_prefix_of_length(prefix.len());
        }
        Some(removed)
    }

    /// The values whose patterns match `tool`, in no particular order.
    pub fn candidates<'index>(
        &'index self,
        tool: &'index ToolName,
    ) -> impl Iterator<Item = &'index T> {
        let name = tool.as_str();
        let by_prefix = self
            .prefix_lengths
            .range(..=name.len())
            // A length that falls inside a character is not the length of any prefix of this name.
            .filter_map(|(&length, _)| name.get(..length))
            .map(|prefix| self.hash(false, prefix));
        std::iter::once(self.hash(true, name))
            .chain(by_prefix)
            .flat_map(|hash| self.run(hash).1)
            .map(|(_, value)| value)
            // Also because different prefixes may have the same hash.
            .filter(|value| value.pattern().is_some_and(|pattern| pattern.matches(tool)))
    }

    /// The values whose patterns match a tool that `pattern` matches, too, in no particular order.
    pub fn overlapping<'index>(
        &'index self,
        pattern: &'index ToolPattern,
    ) -> impl Iterator<Item = &'index T> {
        let prefix = pattern.literal_prefix();
        let longer = self.by_text.get(self.begin(prefix)..).unwrap_or_default();
        let longer = longer
            .iter()
            .take_while(move |value| text(*value).starts_with(prefix));
        let shorter = self
            .prefix_lengths
            .range(..prefix.len())
            .filter_map(move |(&length, _)| prefix.get(..length))
            .flat_map(|shorter| self.run(self.hash(false, shorter)).1)
            .map(|(_, value)| value)
            // Different prefixes may have the same hash.
            .filter(move |value| !text(*value).starts_with(prefix));
        let overlaps = |value: &&T| value.pattern().is_some_and(|other| other.overlaps(pattern));
        longer.chain(shorter).filter(overlaps)
    }

    /// The place of the first pattern whose text is `from` or follows it.
    fn begin(&self, from: &str) -> usize {
        self.by_text.partition_point(|value| text(value) < from)
    }

    fn hash(&self, is_exact: bool, prefix: &str) -> u64 {
        self.hasher.hash_one((is_exact, prefix))
    }

    /// The entries with this hash, and the place of the first.
    fn run(&self, hash: u64) -> (usize, &[(u64, T)]) {
        let begin = self.entries.partition_point(|(other, _)| *other < hash);
        let rest = self.entries.get(begin..).unwrap_or_default();
        let count = rest.iter().take_while(|(other, _)| *other == hash).count();
        (begin, rest.get(..count).unwrap_or_default())
    }

    /// The hash of a value's pattern, whose prefix is counted from now on.
    fn count(&mut self, value: &T) -> Option<u64> {
        let pattern = value.pattern()?;
        let prefix = pattern.literal_prefix();
        if !pattern.is_exact() {
            *self.prefix_lengths.entry(prefix.len()).or_default() += 1;
        }
        Some(self.hash(pattern.is_exact(), prefix))
    }

    fn forget_prefix_of_length(&mut self, length: usize) {
        if let Some(count) = self.prefix_lengths.get_mut(&length) {
            *count -= 1;
            if *count == 0 {
                self.prefix_lengths.remove(&length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::tests::{naive_match, pattern, tool};
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Item(ToolPattern, usize);

    impl Patterned for Item {
        fn pattern(&self) -> Option<&ToolPattern> {
            Some(&self.0)
        }
    }

    fn item(text: &str, number: usize) -> Item {
        Item(pattern(text), number)
    }

    fn found(index: &PatternIndex<Item>, name: &str) -> Vec<usize> {
        let tool = tool(name);
        let mut values: Vec<usize> = index.candidates(&tool).map(|item| item.1).collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn patterns_with_other_prefixes_are_not_looked_at() {
        let mut index = PatternIndex::new();
        index.extend((0..10_000).flat_map(|number| {
            let texts = ["*", "tool"].map(|end| format!("server{number:05}__{end}"));
            texts.map(|text| item(&text, number))
        }));
        // One prefix length with one pattern: a lookup tries nothing else.
        assert_eq!(index.prefix_lengths.len(), 1);
        assert_eq!(index.run(index.hash(false, "server00042__")).1.len(), 1);
        assert_eq!(found(&index, "server00042__tool"), [42, 42]);
        assert_eq!(found(&index, "server00042__other"), [42]);
    }

    #[test]
    fn a_shared_value_is_found_by_its_pattern() {
        let mut index = PatternIndex::new();
        index.insert(Arc::new(item("a*", 1)));
        assert_eq!(index.candidates(&tool("ab")).count(), 1);
        assert_eq!(index.candidates(&tool("b")).count(), 0);
    }

    #[test]
    fn an_emptied_index_keeps_nothing() {
        let mut index = PatternIndex::new();
        for text in ["a", "a*", "a*b", "*"] {
            index.insert(item(text, 1));
            index.insert(item(text, 2));
        }
        for text in ["a", "a*", "a*b", "*"] {
            assert_eq!(index.remove(&pattern(text), |item| item.1 == 3), None);
            assert_eq!(
                index.remove(&pattern(text), |item| item.1 == 2),
                Some(item(text, 2))
            );
            assert_eq!(index.remove(&pattern(text), |_| true), Some(item(text, 1)));
            assert_eq!(index.remove(&pattern(text), |_| true), None);
        }
        assert!(index.entries.is_empty());
        assert!(index.by_text.is_empty());
        assert!(index.prefix_lengths.is_empty());
    }

    proptest! {
        #[test]
        fn it_finds_what_a_scan_of_all_patterns_finds(
            texts in prop::collection::vec("[aé]{0,3}[aé*]{1,4}", 0..24),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            names in prop::collection::vec("[aéb]{1,6}", 1..12),
            others in prop::collection::vec("[aé*]{1,6}", 1..12),
        ) {
            let mut index = PatternIndex::new();
            let mut stored: Vec<(String, usize)> = texts.into_iter().zip(0..).collect();
            let (together, single) = stored.split_at(stored.len() / 2);
            index.extend(together.iter().map(|(text, value)| item(text, *value)));
            for (text, value) in single {
                index.insert(item(text, *value));
            }
            for position in removed.iter().take(stored.len()) {
                let (text, value) = stored.remove(position.index(stored.len()));
                let taken = index.remove(&pattern(&text), |item| item.1 == value);
                prop_assert_eq!(taken, Some(item(&text, value)));
            }
            prop_assert_eq!(index.entries.len(), stored.len());
            for name in &names {
                let scanned: Vec<usize> = stored
                    .iter()
                    .filter(|(text, _)| naive_match(text, name))
                    .map(|(_, value)| *value)
                    .collect();
                prop_assert_eq!(found(&index, name), scanned);
            }
            for other in &others {
                let other = pattern(other);
                let scanned: Vec<usize> = stored
                    .iter()
                    .filter(|(text, _)| pattern(text).overlaps(&other))
                    .map(|(_, value)| *value)
                    .collect();
                let mut overlapping: Vec<usize> =
                    index.overlapping(&other).map(|item| item.1).collect();
                overlapping.sort_unstable();
                prop_assert_eq!(overlapping, scanned);
            }
        }
    }
}
