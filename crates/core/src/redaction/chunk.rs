//! The parts of a stream's chunk that the views must read.

use std::ops::Range;

use super::decoder::LONGEST_SPELLING;
use super::escape::{Escape, LONGEST, Left, Reading};
use super::search::noticed;
use super::sieve::Letters;
use super::table::Table;
use super::window::FURTHEST;

/// The views read this much at either end of a chunk: a value may begin before it or end after it.
const EDGE: usize = 1 << 10;

/// An edge with this many letters has all that may precede a window, even if they are digits of a dump with prefixes.
const ENOUGH: usize = 3 * FURTHEST;

/// The parts of `chunk` that the views must read, by their starts.
pub(super) fn parts(table: &Table, chunk: &[u8], letters: &mut Letters) -> Vec<Range<usize>> {
    let whole = 0..chunk.len();
    let (Some(first), Some(last)) = (chunk.first_chunk::<EDGE>(), chunk.last_chunk::<EDGE>())
    else {
        return vec![whole];
    };
    if chunk.len() < 4 * EDGE || !has_enough(first) || !has_enough(last) {
        return vec![whole];
    }
    let mut parts = noticed(table, chunk, Left::TEXT, letters);
    parts.extend([0..EDGE, whole.end - EDGE..whole.end]);
    parts.sort_unstable_by_key(|part| part.start);
    parts
}

/// Whether there are enough letters in every view.
fn has_enough(edge: &[u8]) -> bool {
    // An escape may have begun before.
    let (mut at, mut letters) = (LONGEST_SPELLING, 0);
    while let Some(byte) = edge.get(at) {
        let rest = edge.get(at..).unwrap_or_default();
        match length_of_escapes(rest) {
            Some(0) => {
                letters += usize::from(byte.is_ascii_alphanumeric());
                at += 1;
            }
            Some(length) => at += length,
            None => return false,
        }
    }
    letters >= ENOUGH
}

/// The length of the longest escape at the beginning; `None` if it may be part of another escape.
fn length_of_escapes(bytes: &[u8]) -> Option<usize> {
    let Some(byte) = bytes.first().filter(|byte| Escape::may_begin_with(**byte)) else {
        return Some(0);
    };
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    let kinds = Escape::ALL.iter().filter(|kind| kind.begins_with(*byte));
    kinds
        .map(|kind| kind.read(bytes))
        .try_fold(0, |longest, reading| {
            let (length, character) = match reading {
                Reading::Plain => (0, ' '),
                Reading::Incomplete => (bytes.len(), ' '),
                Reading::Byte(length, byte) => (length, char::from(byte)),
                Reading::Character(length, character) => (length, character),
            };
            let is_harmless = character.is_ascii_control() || " \"'/<>,.:()[]".contains(character);
            is_harmless.then_some(longest.max(length))
        })
}
