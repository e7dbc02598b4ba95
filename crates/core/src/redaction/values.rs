//! The values that are looked for, and what they become in hexadecimal and base64.

use zeroize::Zeroizing;

use super::alphabet::{base64_letter, hexadecimal_digit};
use super::automaton::Pattern;
use crate::json::write_string;

/// A shorter value is not looked for: it would be found everywhere.
pub(super) const FEWEST_CHARACTERS: usize = 8;

/// Of longer values the UTF-16 form is not looked for; it would triple the memory.
const LONGEST_WIDE: usize = 1024;

/// A value and its number; the longest has 0.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// Those that are looked for, each once, the longest first; of equal ones the first name counts.
pub(super) fn known<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Known<'a>> {
    let mut known: Vec<_> = values
        .filter(|(_, value)| value.chars().take(FEWEST_CHARACTERS).count() == FEWEST_CHARACTERS)
        .map(|(name, value)| Known { name, value })
        .collect();
    known.sort_by(|a, b| (b.value.len(), a.value).cmp(&(a.value.len(), b.value)));
    known.dedup_by(|later, first| later.value == first.value);
    known
}

/// The patterns for text as it is: UTF-8 and UTF-16.
pub(super) fn plain(known: &[Known<'_>]) -> Vec<Pattern> {
    let letters = |value: &str| iter_all([utf_8(value)], wide(value));
    patterns(known, |value| {
        letters(value)
            .into_iter()
            .map(|letters| (letters, false, false))
            .collect()
    })
}

/// The patterns for hexadecimal digits.
pub(super) fn hexadecimal(known: &[Known<'_>]) -> Vec<Pattern> {
    let digits = |bytes: &[u8]| {
        let pairs = bytes.iter().flat_map(|byte| [byte >> 4, *byte]);
        collect(bytes.len() * 2, pairs.map(hexadecimal_digit))
    };
    patterns(known, |value| {
        let forms = encoded_forms(value);
        forms
            .iter()
            .map(|bytes| (digits(bytes), false, false))
            .collect()
    })
}

/// The patterns for base64: the letters that hold nothing but bits of the value, after 0, 1 and 2 other bytes.
pub(super) fn base64(known: &[Known<'_>]) -> Vec<Pattern> {
    patterns(known, |value| {
        let forms = encoded_forms(value);
        let aligned = forms
            .iter()
            .flat_map(|bytes| (0..3).map(move |before| (bytes, before)));
        aligned
            .map(|(bytes, before)| base64_inner(bytes, before))
            .collect()
    })
}

/// The letters, and whether the ones before and after them hold bits of the value too.
fn base64_inner(bytes: &[u8], before: usize) -> (Zeroizing<Vec<u8>>, bool, bool) {
    let (first_bit, end_bit) = (before * 8, (before + bytes.len()) * 8);
    let inner = first_bit.div_ceil(6)..end_bit / 6;
    let bits_at = |letter: usize| {
        let (byte, shift) = ((letter * 6 - first_bit) / 8, (letter * 6) % 8);
        let at = |index: usize| u16::from(bytes.get(index).copied().unwrap_or(0));
        let [_, low] = ((at(byte) << 8 | at(byte + 1)) >> (10 - shift)).to_be_bytes();
        low
    };
    let letters = collect(
        inner.len(),
        inner.map(|letter| base64_letter(bits_at(letter))),
    );
    (letters, first_bit % 6 != 0, end_bit % 6 != 0)
}

type Form = Zeroizing<Vec<u8>>;

/// What a tool may have encoded: the value, its UTF-16, and its spelling in a JSON document.
fn encoded_forms(value: &str) -> Vec<Form> {
    let mut json = Zeroizing::new(Vec::new());
    write_string(value, &mut json);
    let inner = json
        .get(1..json.len().saturating_sub(1))
        .unwrap_or_default();
    let escaped = (inner != value.as_bytes()).then(|| Zeroizing::new(inner.to_vec()));
    iter_all([utf_8(value)], wide(value).into_iter().chain(escaped))
}

fn utf_8(value: &str) -> Form {
    Zeroizing::new(value.as_bytes().to_vec())
}

/// UTF-16 in both byte orders. Of ASCII both hold the same bytes, but for the zero at one end, which is left out.
fn wide(value: &str) -> Vec<Form> {
    if value.len() > LONGEST_WIDE {
        return Vec::new();
    }
    let length = value.len() * 2;
    let little = collect(length, value.encode_utf16().flat_map(u16::to_le_bytes));
    if value.is_ascii() {
        return vec![collect(length, little.iter().copied().take(length - 1))];
    }
    let big = collect(length, value.encode_utf16().flat_map(u16::to_be_bytes));
    vec![little, big]
}

fn iter_all<const N: usize>(first: [Form; N], rest: impl IntoIterator<Item = Form>) -> Vec<Form> {
    first.into_iter().chain(rest).collect()
}

/// Collects without growing, so that no copy is left behind.
fn collect(capacity: usize, bytes: impl Iterator<Item = u8>) -> Form {
    let mut form = Zeroizing::new(Vec::with_capacity(capacity));
    form.extend(bytes);
    form
}

fn patterns(known: &[Known<'_>], forms: impl Fn(&str) -> Vec<(Form, bool, bool)>) -> Vec<Pattern> {
    let numbered = known.iter().enumerate();
    let forms = numbered.flat_map(|(number, known)| {
        let forms = forms(known.value).into_iter();
        forms.map(move |form| (number, form))
    });
    forms
        .map(|(value, (letters, is_led, is_trailed))| Pattern {
            letters,
            value,
            is_led,
            is_trailed,
        })
        .collect()
}
