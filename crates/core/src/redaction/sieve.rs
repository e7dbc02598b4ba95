//! Quickly finds the parts of a text that may contain a value, so that the rest is read only once.
//!
//! The sieve looks only at letters and digits, case-folded: separators in encoded text, white space and quotes do not
//! matter. It hashes a window at every eighth letter (`search`). For each pattern it knows all windows in a stretch of it, so one
//! of them falls on an eighth letter wherever the pattern begins. Where escapes change letters, it does the same with
//! the escapes decoded (`undone`). It may notice more than is found, but never less.

mod block;
mod candidates;
mod letters;
mod pattern;
mod search;
mod undone;

use std::collections::HashMap;
use std::ops::Range;

use super::escape::Left;
use super::filter::{Filter, Spread};
use super::form::Form;
use super::key::Key;
use super::window::{WIDTHS, choose};
pub(super) use letters::Letters;
use pattern::{Pattern, is_letter};
use search::{LARGE, Search};

/// The largest distance between the windows that are looked at.
const STRIDE: usize = 8;

/// The longest stretch of letters that must be seen at once.
const STRETCH: usize = 32 + STRIDE - 1;

/// The parts where something was noticed.
#[derive(Default)]
pub(super) struct Noticed {
    /// In order.
    pub(super) parts: Vec<Range<usize>>,
    /// Whether there are nested escapes.
    pub(super) is_deep: bool,
}

/// What is needed to remove a pattern again.
pub(super) struct Planted {
    /// The width of its windows.
    width: u8,
    is_fragile: bool,
    hashes: Box<[u64]>,
}

impl Planted {
    pub(super) fn bytes(&self) -> usize {
        // The hash here, and its entry in the table of windows, a third of which is empty.
        self.hashes.len() * (8 + 26) + 16
    }
}

/// The windows of all patterns.
#[derive(Default)]
pub(super) struct Sieve {
    filter: Filter,
    /// How many patterns have each window.
    windows: HashMap<u64, u16, Spread>,
    /// For each width, how many patterns have how many windows.
    counts: [[usize; STRIDE + 1]; WIDTHS.len()],
    /// How many patterns have windows with letters that could be read as an escape.
    fragile: usize,
}

impl Sieve {
    /// Adds a pattern.
    pub(super) fn plant(&mut self, key: &Key, form: &Form) -> Planted {
        let letters = Pattern::of(&form.letters);
        let public = form.letters.iter().take(form.public);
        let public = public.filter(|byte| is_letter(**byte)).count();
        let whole = public.min(letters.all.len())..letters.all.len();
        let certain = letters.certain(public);
        let is_fragile = form.width(certain.len(), 0) > certain.len();
        let part = if is_fragile { whole } else { certain };
        let width = form.width(part.len(), STRIDE - 1);
        let index = WIDTHS.iter().position(|other| *other == width);
        let index = index.unwrap_or_default();
        let count = (part.len() + 1).saturating_sub(width).min(STRIDE);
        let open = letters.all.get(part).unwrap_or_default();
        let stretches = choose(open, 0, (width + count).saturating_sub(1));
        let stretch = stretches.first().copied().unwrap_or_default();
        let windows = open.windows(width).skip(stretch).take(count);
        let hash = |window: &[u8]| key.sample(window);
        let hashes: Box<[u64]> = windows.map(hash).collect();
        self.fragile += usize::from(is_fragile);
        for hash in &hashes {
            let count = self.windows.entry(*hash).or_default();
            *count = count.saturating_add(1);
            self.filter.add(*hash);
        }
        if self.filter.is_full() {
            self.filter = Filter::of(self.windows.keys().copied());
        }
        self.change(index, hashes.len(), |count| count + 1);
        Planted {
            width: u8::try_from(index).unwrap_or_default(),
            is_fragile,
            hashes,
        }
    }

    /// Removes a pattern.
    pub(super) fn uproot(&mut self, planted: &Planted) {
        for hash in &planted.hashes {
            if let Some(count) = self.windows.get_mut(hash)
                && *count < u16::MAX
            {
                *count -= 1;
                if *count == 0 {
                    self.windows.remove(hash);
                }
            }
        }
        self.fragile -= usize::from(planted.is_fragile);
        let windows = planted.hashes.len();
        self.change(usize::from(planted.width), windows, |count| {
            count.saturating_sub(1)
        });
    }

    fn change(&mut self, width: usize, windows: usize, change: fn(usize) -> usize) {
        let counts = self.counts.get_mut(width);
        if let Some(count) = counts.and_then(|counts| counts.get_mut(windows)) {
            *count = change(*count);
        }
    }

    /// The parts of `bytes` with a window, or shortly before one.
    pub(super) fn find(
        &self,
        key: &Key,
        bytes: &[u8],
        left: Left,
        letters: &mut Letters,
    ) -> Noticed {
        let mut noticed = Noticed::default();
        let strides = self.strides();
        if strides.contains(&Some(0)) {
            noticed.parts.push(0..bytes.len());
        } else if strides.iter().any(Option::is_some) {
            let search = Search {
                sieve: self,
                key,
                strides,
            };
            search.find(bytes, 0..bytes.len(), LARGE, left, letters, &mut noticed);
        }
        noticed
    }

    /// The distance between windows of each width; 0 if a pattern is too short for one.
    fn strides(&self) -> [Option<usize>; WIDTHS.len()] {
        self.counts.map(|counts| {
            let fewest = counts.iter().position(|count| *count > 0)?;
            Some(if fewest == 0 { 0 } else { 1 << fewest.ilog2() })
        })
    }
}

#[cfg(test)]
mod tests;
