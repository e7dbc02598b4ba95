use super::*;
use crate::redaction::form::Form;

fn all(value: &str) -> Vec<Form> {
    known(value).iter().flat_map(forms).collect()
}

/// How many of the first letters are equal in both.
fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

#[test]
fn the_public_letters_of_a_form_are_those_that_keys_of_one_kind_have_in_common() {
    for (prefix, one, other) in [
        ("ghp_", "7Kq2mZv9RtB4", "uLs8XwNf3cYh"),
        ("sk-live-", "7Kq2mZv9RtB4", "uLs8XwNf3cYh"),
        ("AKIA", "7KQ2MZV9RTB4", "ULS8XWNF3CYH"),
        ("AIza", "7Kq2mZv9RtB4", "uLs8XwNf3cYh"),
        ("eyJhbGciOiJIUzI1NiJ9", ".7Kq2mZv9RtB4", ".uLs8XwNf3cYh"),
        ("", "7Kq2mZv9RtB4", "uLs8XwNf3cYh"),
    ] {
        let one = all(&format!("{prefix}{one}"));
        let other = all(&format!("{prefix}{other}"));
        assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            let common = common(&one.letters, &other.letters);
            // They may share letters with what follows, or a dot of four digits.
            let fewest = common.saturating_sub(4);
            assert!(
                (fewest..=common + 4).contains(&one.public),
                "{prefix} {common} {}",
                one.public
            );
        }
    }
}

#[test]
fn a_prefix_is_public_only_if_eight_characters_follow() {
    assert_eq!(public("ghp_12345678"), 4);
    assert_eq!(public("ghp_1234567"), 0);
    assert_eq!(public("sk-live-12345678"), 8);
    // The last part is short, so only the first is public.
    assert_eq!(public("sk-live-1234567"), 3);
    assert_eq!(public("AKIA12345678"), 4);
    assert_eq!(public("AKIA1234567"), 0);
    // A separator that comes late is none of a prefix, and neither is one after another character.
    assert_eq!(public("abcdefghijk_12345678"), 12);
    assert_eq!(public("abcdefghijkl_12345678"), 0);
    assert_eq!(public("a.b_12345678"), 0);
    assert_eq!(public("eyJ.12345678"), 3);
    assert_eq!(public("no prefix at all"), 0);
}

#[test]
fn letters_are_collected_without_growth_so_that_no_copy_is_left_behind() {
    for text in [
        "k3y-with-letters!",
        "schlüssel-wörter",
        " a b\nc\r\nd \"quoted\" words ",
    ] {
        let encoded = all(text);
        let encoded = encoded
            .iter()
            .filter(|form| form.alphabet != Alphabet::Plain);
        for form in encoded {
            assert_eq!(form.letters.capacity(), form.letters.len());
        }
        for bytes in wide(text) {
            assert_eq!(bytes.capacity(), text.len() * 2);
        }
    }
}

#[test]
fn every_window_has_at_least_eight_characters() {
    for text in [
        "12345678",
        "k3y-with-letters!",
        "k3y-with-more-letters-than-any-window",
    ] {
        for form in all(text) {
            let letters = form.letters.len();
            let width = form.width(letters, 0);
            assert!(width <= letters);
            // Letters per character, and what is shared with the characters around it.
            let fewest = match (form.alphabet, form.is_wide) {
                (Alphabet::Plain | Alphabet::Exact, _) => 8,
                (Alphabet::Hexadecimal, false) => 16,
                (Alphabet::Hexadecimal, true) => 30,
                (Alphabet::Base64, false) => 10,
                (Alphabet::Base64, true) => 20,
            };
            assert!(width >= fewest, "{width}");
        }
    }
    let wide = |form: &Form| form.is_wide && form.alphabet == Alphabet::Hexadecimal;
    assert!(all("k3y-with-letters!").iter().any(wide));
}
