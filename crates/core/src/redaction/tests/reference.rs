//! A slow reference search: decode everything, look everywhere.

use std::cmp::Reverse;

use crate::redaction::alphabet::{Alphabet, LONGEST_GAP, Letter};
use crate::redaction::decoder::{LONGEST_SPELLING, Symbol};
use crate::redaction::escape::{Escape, Left, Reading};
use crate::redaction::form::{Edge, Form};
use crate::redaction::ranges::{Found, Range};
use crate::redaction::values;

/// The parts of `text` that spell a value, overlapping ones merged, and the longest value in each.
pub(super) fn find(given: &[(&str, &str)], text: &[u8]) -> Vec<Range> {
    let mut forms = Vec::new();
    for (id, (_, value)) in (0..).zip(given) {
        for part in values::known(value) {
            let length = Reverse(u32::try_from(part.text.len()).unwrap());
            let found = Found { length, id };
            forms.extend(values::forms(&part).into_iter().map(|form| (form, found)));
        }
    }
    let symbols: Vec<Symbol> = text
        .iter()
        .enumerate()
        .map(|(start, byte)| Symbol {
            byte: *byte,
            start,
            end: start + 1,
        })
        .collect();
    let mut found = Vec::new();
    for symbols in views(symbols, Left::TEXT) {
        for alphabet in Alphabet::ALL {
            search(&symbols, &forms, alphabet, &mut found);
        }
    }
    merge(found)
}

fn views(symbols: Vec<Symbol>, left: Left) -> Vec<Vec<Symbol>> {
    let mut all = Vec::new();
    for escape in left.of() {
        all.extend(views(undo(*escape, &symbols), left.within(*escape)));
    }
    all.push(symbols);
    all
}

fn undo(escape: Escape, symbols: &[Symbol]) -> Vec<Symbol> {
    let bytes: Vec<u8> = symbols.iter().map(|symbol| symbol.byte).collect();
    let (mut undone, mut at) = (Vec::new(), 0);
    while at < symbols.len() {
        let mut four = [0; 4];
        let is_long =
            |length: usize| symbols[at + length - 1].end - symbols[at].start > LONGEST_SPELLING;
        let (length, decoded) = match escape.read(&bytes[at..]) {
            Reading::Plain | Reading::Incomplete => (1, &bytes[at..=at]),
            Reading::Byte(length, _) | Reading::Character(length, _) if is_long(length) => {
                (1, &bytes[at..=at])
            }
            Reading::Byte(length, byte) => {
                four[0] = byte;
                (length, &four[..1])
            }
            Reading::Character(length, character) => {
                (length, character.encode_utf8(&mut four).as_bytes())
            }
        };
        let (start, end) = (symbols[at].start, symbols[at + length - 1].end);
        undone.extend(decoded.iter().map(|byte| Symbol {
            byte: *byte,
            start,
            end,
        }));
        at += length;
    }
    undone
}

/// A letter of a run, and whether white space precedes it.
struct Place {
    letter: u8,
    start: usize,
    end: usize,
    /// Where the white space before it begins.
    spaces: usize,
    is_parted: bool,
    /// Where each of the white space after it ends.
    following: Vec<usize>,
}

/// The letters of each run.
fn runs(symbols: &[Symbol], alphabet: Alphabet, is_spaced: bool) -> Vec<Vec<Place>> {
    let (mut runs, mut gap, mut line) = (vec![Vec::<Place>::new()], 0, 0);
    let (mut spaces, mut following) = (None, None::<(usize, usize)>);
    let shown: Vec<&Symbol> = symbols
        .iter()
        .filter(|symbol| alphabet.letter(symbol.byte) != Letter::Nothing)
        .collect();
    for (index, symbol) in shown.iter().enumerate() {
        let next = shown.get(index + 1).map(|symbol| symbol.byte);
        let is_prefix = alphabet == Alphabet::Hexadecimal
            && symbol.byte == b'0'
            && matches!(next, Some(b'x' | b'X'));
        match alphabet.letter(symbol.byte) {
            // The zero of `0x` does not count as a gap, because it might have been a digit.
            Letter::Is(_) if is_prefix => gap = 0,
            Letter::Is(letter) => {
                let last = runs.len() - 1;
                runs[last].push(Place {
                    letter,
                    start: symbol.start,
                    end: symbol.end,
                    spaces: spaces.take().unwrap_or(symbol.start),
                    is_parted: gap > 0,
                    following: Vec::new(),
                });
                line = if gap > 0 { 1 } else { line + 1 };
                gap = 0;
                following = Some((last, runs[last].len() - 1));
                continue;
            }
            Letter::Space if alphabet == Alphabet::Plain => {
                if let Some((run, place)) = following {
                    runs[run][place].following.push(symbol.end);
                }
                spaces = spaces.or(Some(symbol.start));
                gap += 1;
                if gap > LONGEST_GAP {
                    (gap, spaces) = (0, None);
                    runs.push(Vec::new());
                } else if !is_spaced && gap == 1 {
                    runs.push(Vec::new());
                }
                continue;
            }
            Letter::Space => {
                let is_break = matches!(symbol.byte, b'\r' | b'\n');
                if gap == LONGEST_GAP || gap == 0 && !is_break && line < 16 {
                    (gap, line) = (0, 0);
                    runs.push(Vec::new());
                } else {
                    gap += 1;
                }
            }
            Letter::Between if gap < LONGEST_GAP => gap += 1,
            _ => {
                (gap, line, spaces) = (0, 0, None);
                runs.push(Vec::new());
            }
        }
        following = None;
    }
    runs
}

fn search(symbols: &[Symbol], forms: &[(Form, Found)], alphabet: Alphabet, found: &mut Vec<Range>) {
    let mine = || forms.iter().filter(|(form, _)| form.alphabet == alphabet);
    let is_spaced = mine().any(|(form, _)| form.is_spaced);
    for run in runs(symbols, alphabet, is_spaced) {
        let letters: Vec<u8> = run.iter().map(|place| place.letter).collect();
        for (form, value) in mine() {
            let length = form.letters.len();
            for (at, window) in letters.windows(length).enumerate() {
                let mut inner = run[at + 1..at + length].iter();
                if window != &**form.letters
                    || !form.is_spaced && inner.any(|place| place.is_parted)
                {
                    continue;
                }
                let first = at - usize::from(form.lead == Edge::Letter && at > 0);
                let after = at + length;
                let last = after - usize::from(form.tail != Edge::Letter || after == run.len());
                let start = if matches!(form.lead, Edge::Spaces(_)) {
                    run[first].spaces
                } else {
                    run[first].start
                };
                let spaces = run[last].following.iter();
                let count = match form.tail {
                    Edge::Spaces(count) => usize::from(count),
                    _ => 0,
                };
                let trailing = spaces.take(count).next_back();
                let end = trailing.copied().unwrap_or(run[last].end);
                found.push(Range::new(start, end, *value));
            }
        }
    }
}

fn merge(mut found: Vec<Range>) -> Vec<Range> {
    found.sort_unstable_by_key(|range| (range.start, range.end, range.found));
    let mut merged: Vec<Range> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => {
                last.end = last.end.max(range.end);
                last.found = last.found.min(range.found);
            }
            _ => merged.push(range),
        }
    }
    merged
}
