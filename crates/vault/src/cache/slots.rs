//! A map with a limit in bytes, in which a slow fill cannot overwrite a later change.
//!
//! To fill a slot, take its generation first, then read the database, then finish the fill. A change committed in
//! between has increased the generation, and the result is not kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

use super::loads::Loads;

/// Estimates how many bytes of memory a value takes.
pub(crate) trait Weigh {
    fn weight(&self) -> usize;
}

pub(crate) struct Slots<K, V> {
    budget: usize,
    state: Mutex<State<K, V>>,
    pub(crate) loads: Loads<K, V>,
}

struct State<K, V> {
    slots: HashMap<K, Slot<V>>,
    weight: usize,
    clock: u64,
}

struct Slot<V> {
    entry: Option<Arc<V>>,
    weight: usize,
    last_used: u64,
    generation: u64,
    fills: usize,
}

/// Permission to fill a slot with what the database held after this was created.
pub(crate) struct Fill<'a, K: Hash + Eq + Clone, V> {
    slots: &'a Slots<K, V>,
    key: K,
    generation: u64,
}

impl<K: Hash + Eq + Clone, V: Weigh> Slots<K, V> {
    pub(crate) fn new(budget: usize) -> Self {
        let state = State {
            slots: HashMap::new(),
            weight: 0,
            clock: 0,
        };
        Self {
            budget,
            state: Mutex::new(state),
            loads: Loads::new(),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut state = self.state.lock();
        state.clock += 1;
        let clock = state.clock;
        let slot = state.slots.get_mut(key)?;
        slot.last_used = clock;
        slot.entry.clone()
    }

    pub(crate) fn begin_fill(&self, key: K) -> Fill<'_, K, V> {
        let mut state = self.state.lock();
        let slot = state.slots.entry(key.clone()).or_insert_with(Slot::empty);
        slot.fills += 1;
        let generation = slot.generation;
        drop(state);
        Fill {
            slots: self,
            key,
            generation,
        }
    }

    /// Changes the entry, if present, and invalidates all fills in progress. The entry is removed if `change` returns
    /// false.
    pub(crate) fn change(&self, key: &K, change: impl FnOnce(&V) -> bool) {
        let mut state = self.state.lock();
        let Some(slot) = state.slots.get_mut(key) else {
            return;
        };
        slot.generation += 1;
        let Some(entry) = slot.entry.clone() else {
            return;
        };
        let weight = if change(&entry) {
            entry.weight()
        } else {
            slot.entry = None;
            0
        };
        let before = std::mem::replace(&mut slot.weight, weight);
        state.weight = state.weight - before + weight;
        state.shrink(self.budget);
    }

    pub(crate) fn evict(&self, key: &K) {
        let mut state = self.state.lock();
        let Some(slot) = state.slots.get_mut(key) else {
            return;
        };
        slot.generation += 1;
        slot.entry = None;
        let before = std::mem::take(&mut slot.weight);
        let is_idle = slot.fills == 0;
        state.weight -= before;
        if is_idle {
            state.slots.remove(key);
        }
    }

    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        state.weight = 0;
        state.slots.retain(|_, slot| {
            slot.generation += 1;
            slot.entry = None;
            slot.weight = 0;
            slot.fills > 0
        });
    }
}

impl<K: Hash + Eq + Clone, V: Weigh> Fill<'_, K, V> {
    /// Keeps `entry` unless a change came in between.
    pub(crate) fn finish(self, entry: &Arc<V>) {
        let weight = entry.weight();
        if weight > self.slots.budget {
            return;
        }
        let mut state = self.slots.state.lock();
        state.clock += 1;
        let clock = state.clock;
        let Some(slot) = state.slots.get_mut(&self.key) else {
            return;
        };
        if slot.generation != self.generation {
            return;
        }
        slot.entry = Some(Arc::clone(entry));
        slot.last_used = clock;
        let before = std::mem::replace(&mut slot.weight, weight);
        state.weight = state.weight - before + weight;
        state.shrink(self.slots.budget);
    }
}

impl<K: Hash + Eq + Clone, V> Drop for Fill<'_, K, V> {
    fn drop(&mut self) {
        let mut state = self.slots.state.lock();
        let Some(slot) = state.slots.get_mut(&self.key) else {
            return;
        };
        slot.fills -= 1;
        if slot.fills == 0 && slot.entry.is_none() {
            state.slots.remove(&self.key);
        }
    }
}

impl<K: Hash + Eq + Clone, V> State<K, V> {
    /// If the entries do not fit, evicts the least recently used ones until an eighth of the budget is free. Each
    /// entry that comes next would otherwise look at all the others for the one that makes room for it.
    fn shrink(&mut self, budget: usize) {
        if self.weight <= budget {
            return;
        }
        let filled = self.slots.iter().filter(|(_, slot)| slot.entry.is_some());
        let mut oldest_first: Vec<(u64, K)> = filled
            .map(|(key, slot)| (slot.last_used, key.clone()))
            .collect();
        oldest_first.sort_unstable_by_key(|(last_used, _)| *last_used);
        let enough = budget - budget / 8;
        let newest = oldest_first.pop();
        for (_, key) in oldest_first {
            if self.weight <= enough {
                return;
            }
            self.evict(&key);
        }
        if self.weight > budget
            && let Some((_, key)) = newest
        {
            self.evict(&key);
        }
    }

    fn evict(&mut self, key: &K) {
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        slot.entry = None;
        self.weight -= std::mem::take(&mut slot.weight);
        if slot.fills == 0 {
            self.slots.remove(key);
        }
    }
}

impl<V> Slot<V> {
    fn empty() -> Self {
        Self {
            entry: None,
            weight: 0,
            last_used: 0,
            generation: 0,
            fills: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for String {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn fill(slots: &Slots<u8, String>, key: u8, text: &str) {
        slots.begin_fill(key).finish(&Arc::new(text.to_owned()));
    }

    #[test]
    fn a_fill_that_is_slower_than_a_change_is_not_kept() {
        let slots = Slots::new(100);
        let slow = slots.begin_fill(1);
        slots.evict(&1);
        slow.finish(&Arc::new("stale".to_owned()));
        assert!(slots.get(&1).is_none());
        fill(&slots, 1, "fresh");
        assert_eq!(slots.get(&1).unwrap().as_str(), "fresh");
    }

    #[test]
    fn a_fill_across_a_clear_is_not_kept() {
        let slots = Slots::new(100);
        let slow = slots.begin_fill(1);
        slots.clear();
        slow.finish(&Arc::new("stale".to_owned()));
        assert!(slots.get(&1).is_none());
        assert!(slots.state.lock().slots.is_empty());
    }

    #[test]
    fn the_least_recently_used_entry_makes_room() {
        let slots = Slots::new(10);
        fill(&slots, 1, "aaaa");
        fill(&slots, 2, "bbbb");
        assert!(slots.get(&1).is_some());
        fill(&slots, 3, "cccc");
        assert!(slots.get(&2).is_none());
        assert!(slots.get(&1).is_some() && slots.get(&3).is_some());
    }

    #[test]
    fn an_eighth_of_the_budget_is_free_after_it_was_full() {
        let slots = Slots::new(16);
        for key in 0..16 {
            fill(&slots, key, "a");
        }
        assert!((0..16).all(|key| slots.get(&key).is_some()));
        fill(&slots, 16, "a");
        assert!((0..3).all(|key| slots.get(&key).is_none()));
        assert!((3..=16).all(|key| slots.get(&key).is_some()));
    }

    #[test]
    fn an_entry_may_take_the_whole_budget() {
        let slots = Slots::new(8);
        fill(&slots, 1, "a");
        fill(&slots, 2, "aaaaaaaa");
        assert!(slots.get(&1).is_none());
        assert!(slots.get(&2).is_some());
    }

    #[test]
    fn what_is_larger_than_the_budget_is_not_kept() {
        let slots = Slots::new(3);
        fill(&slots, 1, "aaaa");
        assert!(slots.get(&1).is_none());
        assert!(slots.state.lock().slots.is_empty());
    }
}
