//! The same search done the slow way: decode everything, look everywhere.

use crate::redaction::alphabet::{self, LONGEST_GAP, Letter};
use crate::redaction::automaton::Pattern;
use crate::redaction::decoder::{LONGEST_SPELLING, Symbol};
use crate::redaction::escape::{Escape, Reading};
use crate::redaction::values;

/// The parts of `text` that spell a value, those that overlap as one, and the number of the longest value in each.
pub(super) fn find(given: &[(&str, &str)], text: &[u8]) -> Vec<(usize, usize, usize)> {
    let known = values::known(given.iter().copied());
    let escapes = Escape::worth_undoing(given.iter().any(|(_, value)| value.contains(' ')));
    let symbols: Vec<Symbol> = text
        .iter()
        .enumerate()
        .map(|(start, byte)| Symbol {
            byte: *byte,
            start,
            end: start + 1,
        })
        .collect();
    let (plain, hexadecimal, base64) = (
        values::plain(&known),
        values::hexadecimal(&known),
        values::base64(&known),
    );
    let mut found = Vec::new();
    for symbols in all_views(symbols, escapes) {
        search(&symbols, &plain, |_, byte| Letter::Is(byte), &mut found);
        search(&symbols, &hexadecimal, digit, &mut found);
        search(
            &symbols,
            &base64,
            |_, byte| alphabet::base64(byte),
            &mut found,
        );
    }
    merge(found)
}

/// Up to two escapes within each other, and up to four if all are backslashes.
fn all_views(symbols: Vec<Symbol>, escapes: &'static [Escape]) -> Vec<Vec<Symbol>> {
    let backslashes = |symbols: &Vec<Symbol>| Some(undo(Escape::Backslash, symbols));
    let nested = std::iter::successors(Some(symbols.clone()), backslashes);
    nested.take(5).chain(views(symbols, escapes, 2)).collect()
}

fn views(symbols: Vec<Symbol>, escapes: &'static [Escape], depth: usize) -> Vec<Vec<Symbol>> {
    let mut all = Vec::new();
    if depth > 0 {
        for escape in escapes {
            let inner: &[Escape] = if *escape == Escape::Form {
                &[]
            } else {
                escapes
            };
            all.extend(views(undo(*escape, &symbols), inner, depth - 1));
        }
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

/// A digit, unless it is the zero of `0x`.
fn digit(following: Option<u8>, byte: u8) -> Letter {
    match (byte, following) {
        (b'0', Some(b'x' | b'X')) => Letter::Between,
        _ => alphabet::hexadecimal(byte),
    }
}

fn search(
    symbols: &[Symbol],
    patterns: &[Pattern],
    letter: fn(Option<u8>, u8) -> Letter,
    found: &mut Vec<(usize, usize, usize)>,
) {
    let (mut runs, mut gap) = (vec![Vec::new()], 0);
    for (index, symbol) in symbols.iter().enumerate() {
        let following = symbols.get(index + 1).map(|symbol| symbol.byte);
        match letter(following, symbol.byte) {
            Letter::Is(byte) => {
                gap = 0;
                runs.last_mut().unwrap().push(Symbol { byte, ..*symbol });
            }
            // The zero of `0x` is no gap of its own, as it might have been a digit.
            Letter::Between if symbol.byte == b'0' => gap = 0,
            Letter::Between if gap < LONGEST_GAP => gap += 1,
            _ => {
                gap = 0;
                runs.push(Vec::new());
            }
        }
    }
    for run in runs {
        let letters: Vec<u8> = run.iter().map(|symbol| symbol.byte).collect();
        for pattern in patterns {
            let length = pattern.letters.len();
            for (at, window) in letters.windows(length).enumerate() {
                if window == &**pattern.letters {
                    let first = at - usize::from(pattern.is_led && at > 0);
                    let after = at + length;
                    let last = after - usize::from(!pattern.is_trailed || after == run.len());
                    found.push((run[first].start, run[last].end, pattern.value));
                }
            }
        }
    }
}

fn merge(mut found: Vec<(usize, usize, usize)>) -> Vec<(usize, usize, usize)> {
    found.sort_unstable();
    let mut merged: Vec<(usize, usize, usize)> = Vec::new();
    for (start, end, value) in found {
        match merged.last_mut() {
            Some(last) if start < last.1 => {
                last.1 = last.1.max(end);
                last.2 = last.2.min(value);
            }
            _ => merged.push((start, end, value)),
        }
    }
    merged
}
