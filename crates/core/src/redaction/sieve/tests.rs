use proptest::prelude::*;

use super::candidates::candidates;
use super::*;
use crate::redaction::alphabet::Alphabet;
use crate::redaction::values;

fn key() -> Key {
    Key::new(&std::array::from_fn(|index| {
        index.to_le_bytes()[0].wrapping_mul(37)
    }))
}

/// The value as text.
fn plain(value: &str) -> Form {
    let part = values::known(value)
        .into_iter()
        .find(|part| *part.text == value);
    let forms = values::forms(&part.unwrap());
    let is_plain = |form: &Form| form.alphabet == Alphabet::Plain;
    forms.into_iter().find(is_plain).unwrap()
}

fn notices(sieve: &Sieve, text: &str) -> bool {
    !sieve
        .find(&key(), text.as_bytes(), Left::TEXT, &mut Letters::default())
        .parts
        .is_empty()
}

#[test]
fn a_pattern_has_eight_windows_if_it_has_letters_for_them() {
    let letters = "k7Kq2mZv9QsA4gWc8LsD1hGh6JpY3aQe5";
    for (length, width, windows) in [
        (8, 8, 1),
        (9, 8, 2),
        (15, 8, 8),
        (22, 8, 8),
        // From here on there are eight windows of the safe width.
        (23, 16, 8),
        (33, 16, 8),
    ] {
        let planted = Sieve::default().plant(&key(), &plain(&letters[..length]));
        let found = (WIDTHS[usize::from(planted.width)], planted.hashes.len());
        assert_eq!(found, (width, windows), "{length}");
        assert!(!planted.is_fragile);
    }
}

#[test]
fn a_value_whose_letters_could_be_escapes_is_noticed_and_nothing_else() {
    // Each third letter follows a backslash.
    let value = "\\nab\\ncd\\nef\\ngh";
    let mut sieve = Sieve::default();
    let other = sieve.plant(&key(), &plain("k7Kq2mZv9QsA4gWc"));
    let planted = sieve.plant(&key(), &plain(value));
    assert!(planted.is_fragile && sieve.fragile == 1);
    for text in [
        value,
        &value.replace('\\', "\\\\"),
        &format!("some words, then {value}"),
    ] {
        assert!(notices(&sieve, text), "{text}");
    }
    assert!(!notices(&sieve, &"\\nwords\\nin lines\\n".repeat(100)));
    sieve.uproot(&planted);
    assert!(sieve.fragile == 0 && !notices(&sieve, value));
    assert!(notices(&sieve, "k7Kq2mZv9QsA4gWc"));
    sieve.uproot(&other);
    assert!(sieve.windows.is_empty());
}

#[test]
fn windows_are_where_letters_vary() {
    let value = "a".repeat(40) + "X7yK2qmZv9QsB4gWc8LsD1h";
    for value in [value.clone(), value.chars().rev().collect()] {
        let mut sieve = Sieve::default();
        sieve.plant(&key(), &plain(&value));
        assert!(notices(&sieve, &value));
        assert!(!notices(&sieve, &"a".repeat(5000)));
    }
}

#[test]
fn a_value_is_noticed_wherever_it_is_in_a_long_run_of_letters() {
    let mut sieve = Sieve::default();
    sieve.plant(&key(), &plain("exactly8"));
    let run = "a".repeat(2 * letters::CHUNK);
    assert!(!notices(&sieve, &run));
    for at in (0..=run.len()).step_by(8) {
        let (before, after) = run.split_at(at);
        assert!(notices(&sieve, &format!("{before}exactly8{after}")), "{at}");
    }
}

#[test]
fn a_value_is_noticed_until_the_last_one_with_its_windows_is_removed() {
    let (value, other) = ("k7Kq2mZv9QsA4gWc", "uLs8XwNd3cYh5gEa");
    let mut sieve = Sieve::default();
    let planted = [value, value, value, other].map(|value| sieve.plant(&key(), &plain(value)));
    for planted in &planted[..3] {
        assert!(notices(&sieve, value));
        sieve.uproot(planted);
    }
    assert!(!notices(&sieve, value));
    assert!(notices(&sieve, other));
}

#[test]
fn more_equal_values_than_can_be_counted_stay_noticed() {
    let (mut sieve, form) = (Sieve::default(), plain("exactly8"));
    let mut planted = sieve.plant(&key(), &form);
    for _ in 0..=u16::MAX {
        planted = sieve.plant(&key(), &form);
    }
    for _ in 0..=u16::MAX {
        sieve.uproot(&planted);
    }
    assert!(notices(&sieve, "exactly8"));
}

proptest! {
    #[test]
    fn each_candidate_is_found_once(
        text in prop::collection::vec("[%&]{1,3}[a-c]{0,100}", 0..10),
        is_one_byte in any::<bool>(),
    ) {
        let text = text.concat();
        let first_bytes = if is_one_byte { [b'%'; 2] } else { [b'%', b'&'] };
        let is = |byte: u8, second: u8, third: u8| {
            first_bytes.contains(&byte) && second != b'a' && third != b'b'
        };
        let found: Vec<usize> = candidates(text.as_bytes(), first_bytes, is).collect();
        let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or_default();
        let expected: Vec<usize> = (0..text.len())
            .filter(|at| is(byte(*at), byte(at + 1), byte(at + 2)))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
