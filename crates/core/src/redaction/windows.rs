//! Patterns by the keyed hash of their window.

use std::collections::HashMap;

use super::alphabet::Alphabet;
use super::filter::{Filter, Spread};
use super::form::Edge;
use super::ranges::Found;
use super::window::WIDTHS;

/// How many patterns may share a window, so that no window makes a search slow.
const MOST_ALIKE: u64 = 8;

/// The index of an alphabet in the counts of [`Windows`].
pub(super) fn number(alphabet: Alphabet) -> usize {
    match alphabet {
        Alphabet::Plain => 0,
        Alphabet::Hexadecimal => 1,
        Alphabet::Base64 => 2,
        Alphabet::Exact => 3,
    }
}

/// What one window stands for.
#[derive(Clone, Copy)]
pub(super) struct Pattern {
    pub(super) fingerprint: u64,
    /// See [`Key::power`](super::key::Key::power), of all letters.
    pub(super) power: u64,
    pub(super) found: Found,
    pub(super) letters: u32,
    /// How many letters precede the end of the window.
    pub(super) before: u32,
    /// Whether white space may occur between the letters.
    pub(super) is_spaced: bool,
    pub(super) lead: Edge,
    pub(super) tail: Edge,
}

/// The patterns by the hash of their window.
#[derive(Default)]
pub(super) struct Windows {
    filter: Filter,
    patterns: HashMap<u64, Pattern, Spread>,
    /// For each alphabet, how many patterns have a window of each width.
    widths: [[usize; WIDTHS.len()]; 4],
    /// The widths in use, as bits.
    used: [u8; 4],
    reaches: [usize; 4],
}

impl Windows {
    /// The widths of the windows, one bit for each of [`WIDTHS`].
    #[inline]
    pub(super) fn widths(&self, alphabet: Alphabet) -> u8 {
        let used = self.used.get(number(alphabet));
        used.copied().unwrap_or_default()
    }

    /// How many letters before the end of a window can belong to a match.
    pub(super) fn reach(&self, alphabet: Alphabet) -> usize {
        self.reaches
            .get(number(alphabet))
            .copied()
            .unwrap_or_default()
    }

    /// The patterns with that window.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = &Pattern> {
        let may_be = self.filter.may_have(hash);
        let slots = slots(hash).take_while(move |_| may_be);
        slots.map_while(|slot| self.patterns.get(&slot))
    }

    /// Adds a pattern by the hash of its window. If too many patterns share the window, `alone` is stored instead: the
    /// window as a pattern of its own, so that the window itself counts as a match.
    pub(super) fn add(&mut self, hash: u64, pattern: Pattern, alone: Pattern) {
        let Some(slot) = slots(hash).find(|slot| !self.patterns.contains_key(slot)) else {
            return;
        };
        let is_last = slot % MOST_ALIKE == MOST_ALIKE - 1;
        let pattern = if is_last { alone } else { pattern };
        self.patterns.insert(slot, pattern);
        self.filter.add(hash);
        if self.filter.is_full() {
            self.filter = Filter::of(self.patterns.keys().copied());
        }
    }

    pub(super) fn count(&mut self, alphabet: Alphabet, width: u8, change: fn(usize) -> usize) {
        let index = WIDTHS.iter().position(|other| *other == usize::from(width));
        let counts = self.widths.get_mut(number(alphabet));
        let used = self.used.get_mut(number(alphabet));
        if let (Some(counts), Some(used)) = (counts, used)
            && let Some(count) = index.and_then(|index| counts.get_mut(index))
        {
            *count = change(*count);
            let bits = counts.iter().rev();
            *used = bits.fold(0, |used, count| used << 1 | u8::from(*count > 0));
        }
    }

    pub(super) fn extend(&mut self, alphabet: Alphabet, reach: usize) {
        if let Some(old) = self.reaches.get_mut(number(alphabet)) {
            *old = reach.max(*old);
        }
    }

    pub(super) fn is_crowded(&self, hash: u64) -> bool {
        self.patterns.contains_key(&(hash | (MOST_ALIKE - 2)))
    }

    pub(super) fn remove(&mut self, hash: u64, id: u64) {
        let used: Vec<u64> = slots(hash)
            .take_while(|slot| self.patterns.contains_key(slot))
            .collect();
        let is_mine = |slot: &&u64| {
            let pattern = self.patterns.get(slot);
            pattern.is_some_and(|pattern| pattern.found.id == id)
        };
        if let (Some(mine), Some(last)) = (used.iter().find(is_mine), used.last())
            && let Some(pattern) = self.patterns.remove(last)
            && mine != last
        {
            // No slot may be empty before a used one.
            self.patterns.insert(*mine, pattern);
        }
    }
}

/// The slots of the patterns whose window has that hash.
fn slots(hash: u64) -> impl Iterator<Item = u64> {
    (0..MOST_ALIKE).map(move |more| hash & !(MOST_ALIKE - 1) | more)
}
