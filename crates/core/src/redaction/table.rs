//! The values to search for, as keyed hashes of windows and fingerprints. The values themselves are not stored, so
//! adding one costs one hashing pass, and a long value takes no more memory than a short one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::alphabet::Alphabet;
use super::form::{Edge, Form};
use super::key::Key;
use super::ranges::Found;
use super::sieve::{Planted, Sieve};
use super::values;
use super::window::{FURTHEST, Window, choose};
use super::windows::{Pattern, Windows, number};

/// The size of a pattern here and in [`Windows`], a third of which is empty.
const PATTERN_BYTES: usize = size_of::<Placed>() + size_of::<(u64, Pattern)>() * 3 / 2;

/// The values to search for. Each has a number, in the order in which they were added.
pub(super) struct Table {
    pub(super) key: Key,
    pub(super) sieve: Sieve,
    pub(super) windows: Windows,
    values: BTreeMap<u64, Value>,
    /// The memory that they take.
    bytes: usize,
    next: u64,
    /// How many patterns allow white space between their letters, and before them.
    spaced: usize,
    led_by_spaces: usize,
}

/// A value that was added, and what is needed to remove it.
struct Value {
    name: String,
    patterns: Vec<Placed>,
    bytes: usize,
}

struct Placed {
    planted: Planted,
    window: u64,
    alphabet: Alphabet,
    width: u8,
    is_spaced: bool,
    has_leading_spaces: bool,
}

impl Table {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            sieve: Sieve::default(),
            windows: Windows::default(),
            values: BTreeMap::new(),
            bytes: 0,
            next: 0,
            spaced: 0,
            led_by_spaces: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn name(&self, id: u64) -> Option<&str> {
        self.values.get(&id).map(|value| &*value.name)
    }

    pub(super) fn bytes_of(&self, id: u64) -> Option<usize> {
        self.values.get(&id).map(|value| value.bytes)
    }

    pub(super) fn has_spaces(&self) -> bool {
        self.spaced > 0
    }

    pub(super) fn has_leading_spaces(&self) -> bool {
        self.led_by_spaces > 0
    }

    /// Adds a value; returns its number and how much memory it takes, or `None` if it is too short.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Option<(u64, usize)> {
        let id = self.next;
        let mut patterns = Vec::new();
        for part in values::known(value) {
            let length = Reverse(u32::try_from(part.text.len()).unwrap_or(u32::MAX));
            for form in values::forms(&part) {
                patterns.extend(self.place(&form, Found { length, id }));
            }
        }
        if patterns.is_empty() {
            return None;
        }
        patterns.shrink_to_fit();
        let hashes = patterns.iter().map(|placed| placed.planted.bytes());
        let bytes = hashes.sum::<usize>() + patterns.len() * PATTERN_BYTES + name.len() + 96;
        let name = name.to_owned();
        let value = Value {
            name,
            patterns,
            bytes,
        };
        self.bytes += bytes;
        self.values.insert(id, value);
        self.next += 1;
        Some((id, bytes))
    }

    pub(super) fn remove(&mut self, id: u64) {
        let Some(value) = self.values.remove(&id) else {
            return;
        };
        self.bytes -= value.bytes;
        for placed in value.patterns {
            self.sieve.uproot(&placed.planted);
            self.windows.remove(placed.window, id);
            self.windows.count(placed.alphabet, placed.width, |count| {
                count.saturating_sub(1)
            });
            self.spaced -= usize::from(placed.is_spaced);
            self.led_by_spaces -= usize::from(placed.has_leading_spaces);
        }
    }

    /// Approximate memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn window_hash(&self, alphabet: Alphabet, width: usize, window: Window) -> u64 {
        self.key
            .hash(window.end(width), (number(alphabet) * 64 + width) as u64)
    }

    fn place(&mut self, form: &Form, found: Found) -> Option<Placed> {
        let letters = &form.letters;
        let width = form.width(letters.len().saturating_sub(form.public), 0);
        let first = letters.get(..FURTHEST).unwrap_or(letters);
        let starts = choose(first, form.public, width);
        let hash = |start: &usize| {
            let window = letters.get(*start..start + width);
            let window = Window::of(window.unwrap_or_default());
            self.window_hash(form.alphabet, width, window)
        };
        let free = starts
            .iter()
            .find(|start| !self.windows.is_crowded(hash(start)));
        let start = *free.or(starts.first())?;
        let window = hash(&start);
        let count = |letters: usize| u32::try_from(letters).unwrap_or(u32::MAX);
        let pattern = Pattern {
            fingerprint: self.key.fingerprint(letters),
            power: self.key.power(letters.len()),
            found,
            letters: count(letters.len()),
            before: count(start + width),
            is_spaced: form.is_spaced,
            lead: form.lead,
            tail: form.tail,
        };
        let alone = letters.get(start..start + width).unwrap_or_default();
        let alone = Pattern {
            fingerprint: self.key.fingerprint(alone),
            power: self.key.power(width),
            letters: count(width),
            before: count(width),
            ..pattern
        };
        self.windows.add(window, pattern, alone);
        self.windows.extend(
            form.alphabet,
            start + width + usize::from(form.lead == Edge::Letter),
        );
        let width = u8::try_from(width).unwrap_or_default();
        self.windows.count(form.alphabet, width, |count| count + 1);
        let is_spaced = form.is_spaced && form.alphabet == Alphabet::Plain;
        self.spaced += usize::from(is_spaced);
        let has_leading_spaces = matches!(form.lead, Edge::Spaces(_));
        self.led_by_spaces += usize::from(has_leading_spaces);
        Some(Placed {
            planted: self.sieve.plant(&self.key, form),
            window,
            alphabet: form.alphabet,
            width,
            is_spaced,
            has_leading_spaces,
        })
    }
}
