//! A search through input in chunks. The result does not depend on where the chunks end.

use std::collections::HashMap;
use std::ops::Range;

use super::alphabet::LONGEST_GAP;
use super::decoder::Symbol;
use super::escape::{LONGEST, Left};
use super::ranges::{Found, Ranges};
use super::sieve::Letters;
use super::table::Table;
use super::view::View;
use super::window::FURTHEST;
use crate::terminal::is_unsafe;

/// How far before and after a noticed part the views read: the most letters that may precede a window, times the most
/// bytes that spell one letter and separate it from the next.
const AROUND: usize = FURTHEST * (LONGEST + LONGEST_GAP as usize);
const AROUND_DEEP: usize = FURTHEST * 128;

/// A search and its matches.
#[derive(Default)]
pub(super) struct Search {
    pub(super) found: Ranges,
    pub(super) letters: Letters,
    view: Option<View>,
    markers: HashMap<u64, String>,
    /// Disables the sieve, for tests.
    #[cfg(test)]
    pub(super) is_thorough: bool,
}

impl Search {
    /// Continues with those parts of `bytes`, which begin at position `base` of the input, and after each while a match
    /// is pending.
    pub(super) fn read(
        &mut self,
        table: &Table,
        bytes: &[u8],
        base: usize,
        parts: &[Range<usize>],
    ) {
        let view = self.view.get_or_insert_with(|| View::new(Left::TEXT));
        let mut at = 0;
        for part in parts {
            if at < part.start {
                view.finish(table, &mut self.found);
                view.restart();
                at = part.start;
            }
            for byte in bytes.get(at..).unwrap_or_default() {
                if at >= part.end && view.is_idle() {
                    break;
                }
                let (byte, start, end) = (*byte, base + at, base + at + 1);
                view.push(table, Symbol { byte, start, end }, &mut self.found);
                at += 1;
            }
        }
    }

    /// Reads what was held back.
    pub(super) fn finish(&mut self, table: &Table) {
        if let Some(view) = &mut self.view {
            view.finish(table, &mut self.found);
        }
    }

    /// Searches the whole of `bytes`, and forgets earlier matches.
    pub(super) fn whole(&mut self, table: &Table, bytes: &[u8]) {
        self.found.clear();
        let parts = noticed(table, bytes, Left::TEXT, &mut self.letters);
        #[cfg(test)]
        let parts = if self.is_thorough {
            std::iter::once(0..bytes.len()).collect()
        } else {
            parts
        };
        if parts.is_empty() {
            return;
        }
        if let Some(view) = &mut self.view {
            view.restart();
        }
        self.read(table, bytes, 0, &parts);
        self.finish(table);
    }

    /// `text` with markers in place of the matches; `None` if there are none.
    pub(super) fn redacted(&mut self, table: &Table, text: &str) -> Option<String> {
        self.whole(table, text.as_bytes());
        if self.found.is_empty() {
            return None;
        }
        let (mut redacted, mut written) = (String::with_capacity(text.len()), 0);
        for range in self.found.iter() {
            // A UTF-16 match in a text that is not UTF-16 can begin or end inside a character.
            let start = text.floor_char_boundary(range.start);
            redacted.push_str(text.get(written..start).unwrap_or_default());
            redacted.push_str(marker(&mut self.markers, table, range.found));
            written = text.ceil_char_boundary(range.end);
        }
        redacted.push_str(text.get(written..).unwrap_or_default());
        Some(redacted)
    }

    /// The values for which markers were written, in order.
    pub(super) fn replaced(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.markers.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The earliest possible start of a match that is not found yet, when everything before `end` was read.
    pub(super) fn open_from(&self, end: usize) -> usize {
        self.view.as_ref().map_or(end, |view| view.open_from(end))
    }

    /// The marker that replaces a value.
    pub(super) fn marker(&mut self, table: &Table, found: Found) -> &str {
        marker(&mut self.markers, table, found)
    }
}

/// The parts of `bytes` that the views must read, in order.
pub(super) fn noticed(
    table: &Table,
    bytes: &[u8],
    left: Left,
    letters: &mut Letters,
) -> Vec<Range<usize>> {
    let noticed = table.sieve.find(&table.key, bytes, left, letters);
    let around = if noticed.is_deep { AROUND_DEEP } else { AROUND };
    let mut parts: Vec<Range<usize>> = Vec::new();
    for part in noticed.parts {
        let start = part.start.saturating_sub(around);
        let end = bytes.len().min(part.end + around);
        match parts.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => parts.push(start..end),
        }
    }
    parts
}

/// `[secret:<name>]`, unless that text contains a value itself.
fn marker<'a>(markers: &'a mut HashMap<u64, String>, table: &Table, found: Found) -> &'a str {
    markers.entry(found.id).or_insert_with(|| {
        let named = table
            .name(found.id)
            .map(|name| format!("[secret:{}]", harmless(name)));
        let nameless = "[secret]".to_owned();
        let is_harmless = |marker: &String| {
            let mut search = Search::default();
            search.whole(table, marker.as_bytes());
            search.found.is_empty()
        };
        let mut markers = named.into_iter().chain([nameless]);
        // Shorter than any value, so it cannot contain one.
        markers
            .find(is_harmless)
            .unwrap_or_else(|| "***".to_owned())
    })
}

/// A name without characters that could end a string, a tag or a line at the marker.
fn harmless(name: &str) -> String {
    let is_harmful = |character: char| {
        is_unsafe(character) || matches!(character, '"' | '\'' | '`' | '\\' | '<' | '>' | '&')
    };
    name.replace(is_harmful, "_")
}
