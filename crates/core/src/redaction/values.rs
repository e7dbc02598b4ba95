//! The forms in which a value is searched for: itself and its parts, each as text, in hexadecimal and in base64.

use crate::confidential::Wiped;

use super::alphabet::{Alphabet, Letter, SPACES, base64_letter, hexadecimal_digit};
use super::form::{Edge, Form};
use super::parts::{self, Part};
use crate::json::write_string;

/// Shorter values are not searched for: they would match everywhere.
pub(super) const FEWEST_CHARACTERS: usize = 8;

type Bytes = Wiped<Vec<u8>>;

/// The value and its parts that are long enough, each once.
pub(super) fn known(value: &str) -> Vec<Part> {
    let mut known = parts::of(value);
    known.retain(|part| part.text.chars().nth(FEWEST_CHARACTERS - 1).is_some());
    // Of equal ones the first stays: a whole value is searched for in more forms than a line.
    known.sort_by(|one, other| (&*one.text, one.is_line).cmp(&(&*other.text, other.is_line)));
    known.dedup_by(|later, first| later.text == first.text);
    known
}

/// The forms of one part. A line of a multi-line value is searched for as text only.
pub(super) fn forms(part: &Part) -> Vec<Form> {
    let text = &*part.text;
    let public = public(text.trim_matches(SPACES));
    let mut forms = vec![plain(text, text.as_bytes(), public)];
    if !text.is_ascii() {
        forms.extend(wide(text).iter().map(|bytes| plain(text, bytes, public)));
    }
    if forms.iter().all(|form| !form.has_window()) {
        forms.push(encoded_form(Alphabet::Exact, utf_8(text), 0));
    }
    if !part.is_line {
        for (bytes, is_wide) in encoded(text) {
            let public = public << u8::from(is_wide);
            let encoded = [0, 1, 2].map(|before| base64(&bytes, before, public));
            let encoded = encoded.into_iter().chain([hexadecimal(&bytes, public)]);
            forms.extend(encoded.map(|form| Form { is_wide, ..form }));
        }
    }
    forms.retain(Form::has_window);
    forms
}

/// How many of the first bytes only identify the kind of key: `ghp_`, `sk-live-`, `AKIA`, the header of a JWT.
fn public(text: &str) -> usize {
    const FURTHEST: usize = 12;
    let rest = |end: &usize| text.len() - end >= FEWEST_CHARACTERS;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let word = text.bytes().take(FURTHEST).take_while(|byte| is_word(byte));
    let separators = word
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii_alphanumeric());
    let separator = separators.map(|(index, _)| index + 1).filter(rest).last();
    let header = text.starts_with("eyJ").then(|| text.find('.')).flatten();
    let known = ["AKIA", "ASIA", "AIza"]
        .iter()
        .find(|known| text.starts_with(**known));
    let known = known.map(|known| known.len());
    header.or(known).or(separator).filter(rest).unwrap_or(0)
}

fn plain(text: &str, bytes: &[u8], public: usize) -> Form {
    let mut letters = Wiped::new(Vec::with_capacity(bytes.len()));
    let (mut is_spaced, mut gap) = (false, false);
    for byte in bytes {
        match Alphabet::Plain.letter(*byte) {
            Letter::Is(letter) => {
                is_spaced |= gap && !letters.is_empty();
                gap = false;
                letters.push(letter);
            }
            Letter::Space => gap = true,
            _ => {}
        }
    }
    Form {
        alphabet: Alphabet::Plain,
        letters,
        public,
        is_wide: false,
        is_spaced,
        lead: Edge::spaces(text, text.trim_start_matches(SPACES)),
        tail: Edge::spaces(text, text.trim_end_matches(SPACES)),
    }
}

fn hexadecimal(bytes: &[u8], public: usize) -> Form {
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, *byte]);
    let letters = collect(bytes.len() * 2, pairs.map(hexadecimal_digit));
    encoded_form(Alphabet::Hexadecimal, letters, public * 2)
}

/// The base64 letters that consist of bits of the value only, after `before` other bytes.
fn base64(bytes: &[u8], before: usize, public: usize) -> Form {
    let (first_bit, end_bit) = (before * 8, (before + bytes.len()) * 8);
    let inner = first_bit.div_ceil(6)..end_bit / 6;
    let bits_at = |letter: usize| {
        let (byte, shift) = ((letter * 6 - first_bit) / 8, (letter * 6) % 8);
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let two = u16::from_be_bytes([at(byte), at(byte + 1)]);
        let [_, low] = (two >> (10 - shift)).to_be_bytes();
        low
    };
    let letters = inner.clone().map(|letter| base64_letter(bits_at(letter)));
    let letters = collect(inner.len(), letters);
    Form {
        lead: Edge::letter(before != 0),
        tail: Edge::letter(end_bit % 6 != 0),
        ..encoded_form(Alphabet::Base64, letters, (public * 8).div_ceil(6))
    }
}

fn encoded_form(alphabet: Alphabet, letters: Bytes, public: usize) -> Form {
    Form {
        alphabet,
        letters,
        public,
        is_wide: false,
        is_spaced: true,
        lead: Edge::Nothing,
        tail: Edge::Nothing,
    }
}

/// What a tool may have encoded, and whether it is UTF-16: the value as it is, trimmed, with either line end, and as a
/// JSON string spells it.
fn encoded(text: &str) -> Vec<(Bytes, bool)> {
    let trimmed = text.trim_matches(SPACES);
    let mut all: Vec<(Bytes, bool)> = Vec::new();
    let mut add = |bytes: Bytes, is_wide: bool| {
        if !all.iter().any(|(other, _)| *other == bytes) {
            all.push((bytes, is_wide));
        }
    };
    let line_feeds = Wiped::new(trimmed.replace("\r\n", "\n"));
    let line_ends = Wiped::new(line_feeds.replace('\n', "\r\n"));
    for text in [text, trimmed, &line_feeds, &line_ends] {
        add(utf_8(text), false);
        for bytes in wide(text) {
            add(bytes, true);
        }
        let mut json = Wiped::new(Vec::with_capacity(text.len() * 6 + 2));
        write_string(text, &mut json);
        let inner = json.get(1..json.len().saturating_sub(1));
        add(Wiped::new(inner.unwrap_or_default().to_vec()), false);
    }
    all
}

fn utf_8(text: &str) -> Bytes {
    Wiped::new(text.as_bytes().to_vec())
}

/// UTF-16 in both byte orders. For ASCII both have the same bytes except the zero at one end, which is omitted.
fn wide(text: &str) -> Vec<Bytes> {
    let length = text.len() * 2;
    let little = collect(length, text.encode_utf16().flat_map(u16::to_le_bytes));
    if text.is_ascii() {
        let inner = little.iter().copied().take(length.saturating_sub(1));
        return vec![collect(length, inner)];
    }
    let big = collect(length, text.encode_utf16().flat_map(u16::to_be_bytes));
    vec![little, big]
}

/// Collects without growth, so that no copy is left behind.
fn collect(capacity: usize, bytes: impl Iterator<Item = u8>) -> Bytes {
    let mut collected = Wiped::new(Vec::with_capacity(capacity));
    collected.extend(bytes);
    collected
}

#[cfg(test)]
mod tests;
