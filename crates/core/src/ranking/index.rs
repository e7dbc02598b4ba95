//! Finds the patterns that match a tool without testing every pattern.

use std::collections::{BTreeMap, HashMap};

use crate::pattern::{ToolName, ToolPattern};

/// Values stored by pattern, and looked up by tool name.
///
/// A lookup takes one step for the exact name, one for each *length* of literal prefix in use, and one for each
/// pattern whose literal prefix begins the name. Other patterns cost nothing.
#[derive(Clone, Debug)]
pub struct PatternIndex<T> {
    exact: HashMap<String, Vec<Entry<T>>>,
    by_prefix: HashMap<String, Vec<Entry<T>>>,
    /// How many distinct prefixes there are of each length in bytes; never zero.
    prefix_lengths: BTreeMap<usize, usize>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    pattern: ToolPattern,
    value: T,
}

// A derived impl would require `T: Default`.
impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            by_prefix: HashMap::new(),
            prefix_lengths: BTreeMap::new(),
        }
    }
}

impl<T> PatternIndex<T> {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `value` under `pattern`, beside any values that are already there.
    pub fn insert(&mut self, pattern: ToolPattern, value: T) {
        let prefix = pattern.literal_prefix().to_owned();
        let entry = Entry { pattern, value };
        if entry.pattern.is_exact() {
            self.exact.entry(prefix).or_default().push(entry);
            return;
        }
        let length = prefix.len();
        let entries = self.by_prefix.entry(prefix).or_default();
        if entries.is_empty() {
            *self.prefix_lengths.entry(length).or_default() += 1;
        }
        entries.push(entry);
    }

    /// Removes one value under `pattern` that `is_wanted` accepts.
    pub fn remove(
        &mut self,
        pattern: &ToolPattern,
        mut is_wanted: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let prefix = pattern.literal_prefix();
        let is_exact = pattern.is_exact();
        let drawers = if is_exact {
            &mut self.exact
        } else {
            &mut self.by_prefix
        };
        let entries = drawers.get_mut(prefix)?;
        let position = entries
            .iter()
            .position(|entry| entry.pattern == *pattern && is_wanted(&entry.value))?;
        let removed = entries.swap_remove(position);
        if entries.is_empty() {
            drawers.remove(prefix);
            if !is_exact {
                self.forget_prefix_of_length(prefix.len());
            }
        }
        Some(removed.value)
    }

    /// The values whose patterns match `tool`, with the patterns, in no particular order.
    pub fn candidates<'index>(
        &'index self,
        tool: &'index ToolName,
    ) -> impl Iterator<Item = (&'index ToolPattern, &'index T)> {
        let name = tool.as_str();
        let exact = self.exact.get(name).into_iter().flatten();
        let by_prefix = self
            .prefix_lengths
            .range(..=name.len())
            // A length that falls inside a character is not the length of any prefix of this name.
            .filter_map(|(&length, _)| name.get(..length))
            .filter_map(|prefix| self.by_prefix.get(prefix))
            .flatten()
            .filter(|entry| entry.pattern.matches(tool));
        exact
            .chain(by_prefix)
            .map(|entry| (&entry.pattern, &entry.value))
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

    fn found(index: &PatternIndex<usize>, name: &str) -> Vec<usize> {
        let tool = tool(name);
        let mut values: Vec<usize> = index.candidates(&tool).map(|(_, value)| *value).collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn patterns_with_other_prefixes_are_not_looked_at() {
        let mut index = PatternIndex::new();
        for number in 0..10_000 {
            index.insert(pattern(&format!("server{number:05}__*")), number);
            index.insert(pattern(&format!("server{number:05}__tool")), number);
        }
        // One prefix length with one pattern: a lookup tries nothing else.
        assert_eq!(index.prefix_lengths.len(), 1);
        assert_eq!(index.by_prefix["server00042__"].len(), 1);
        assert_eq!(found(&index, "server00042__tool"), [42, 42]);
        assert_eq!(found(&index, "server00042__other"), [42]);
    }

    #[test]
    fn an_emptied_index_keeps_nothing() {
        let mut index = PatternIndex::new();
        for text in ["a", "a*", "a*b", "*"] {
            index.insert(pattern(text), 1);
            index.insert(pattern(text), 2);
        }
        for text in ["a", "a*", "a*b", "*"] {
            assert_eq!(index.remove(&pattern(text), |value| *value == 3), None);
            assert_eq!(index.remove(&pattern(text), |value| *value == 2), Some(2));
            assert_eq!(index.remove(&pattern(text), |_| true), Some(1));
            assert_eq!(index.remove(&pattern(text), |_| true), None);
        }
        assert!(index.exact.is_empty() && index.by_prefix.is_empty());
        assert!(index.prefix_lengths.is_empty());
    }

    proptest! {
        #[test]
        fn it_finds_what_a_scan_of_all_patterns_finds(
            texts in prop::collection::vec("[aé]{0,3}[aé*]{1,4}", 0..24),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            names in prop::collection::vec("[aéb]{1,6}", 1..12),
        ) {
            let mut index = PatternIndex::new();
            let mut stored: Vec<(String, usize)> = texts.into_iter().zip(0..).collect();
            for (text, value) in &stored {
                index.insert(pattern(text), *value);
            }
            for position in removed.iter().take(stored.len()) {
                let (text, value) = stored.remove(position.index(stored.len()));
                let taken = index.remove(&pattern(&text), |candidate| *candidate == value);
                prop_assert_eq!(taken, Some(value));
            }
            for name in &names {
                let scanned: Vec<usize> = stored
                    .iter()
                    .filter(|(text, _)| naive_match(text, name))
                    .map(|(_, value)| *value)
                    .collect();
                prop_assert_eq!(found(&index, name), scanned);
            }
        }
    }
}
