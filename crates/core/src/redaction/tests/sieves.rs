//! The sieve notices a value wherever it lies, and little else.

use super::spellings::{base64, hexadecimal, json_all, nested_json, numbers, percent};
use super::{Numbers, looks_for};
use crate::redaction::Redactor;
use crate::redaction::escape::Left;
use crate::redaction::search::Search;
use crate::redaction::sieve::Letters;

const VALUE: &str = "k7Kq2mZv9RtB4nWc8LsD1fGh6JpY3aQe5TuV";

fn noticed(redactor: &Redactor, text: &str) -> Vec<std::ops::Range<usize>> {
    let table = redactor.table();
    table
        .sieve
        .find(
            &table.key,
            text.as_bytes(),
            Left::TEXT,
            &mut Letters::default(),
        )
        .parts
}

/// How many bytes all views read.
fn work(redactor: &Redactor, text: &str) -> usize {
    let mut search = Search::default();
    search.whole(&redactor.table(), text.as_bytes());
    search.found.work
}

/// Text in which nothing is to be noticed, of that length.
fn calm(length: usize) -> String {
    "The answer came in time. ".repeat(length / 25 + 1)[..length].to_owned()
}

fn spellings() -> Vec<String> {
    let entities = |text: &str| numbers(text.as_bytes(), |code| format!("&#x{code:016x};"));
    vec![
        VALUE.to_owned(),
        hexadecimal(VALUE.as_bytes()),
        base64(VALUE.as_bytes(), false, 1000),
        percent(VALUE.as_bytes(), |_| true, true),
        json_all(VALUE.as_bytes()),
        nested_json(json_all(VALUE.as_bytes()).as_bytes(), 3),
        entities(VALUE),
        percent(entities(VALUE).as_bytes(), |_| true, false),
        entities(&percent(VALUE.as_bytes(), |_| true, true)),
        hexadecimal(VALUE.as_bytes()).replace('6', "6  "),
    ]
}

#[test]
fn a_value_is_noticed_across_the_borders_of_pieces() {
    let redactor = looks_for([("key", VALUE)]);
    for spelled in spellings() {
        for border in [1 << 10, 32 << 10] {
            for before in [spelled.len() / 2, 20] {
                let start = calm(border_start(border, before));
                let text = format!("{start}<{spelled}>{}", calm(1500));
                let redacted = redactor.text(&text).unwrap_or_default();
                let rest = redacted.strip_prefix(&*start).unwrap();
                assert!(
                    rest.starts_with("<[secret:key]"),
                    "{border} {before} {spelled}"
                );
            }
        }
    }
}

/// Where a text must begin for the border to come after that many bytes of it.
fn border_start(border: usize, before: usize) -> usize {
    border.saturating_sub(before + 1)
}

#[test]
fn in_text_without_values_nothing_is_noticed() {
    let redactor = looks_for([
        ("key", VALUE),
        ("words", "correct horse battery staple"),
        ("short", "exactly8"),
    ]);
    let mut random = Numbers(41);
    let random = random.text(50_000, "abcdefghijklmnopqrstuvwxyz0123456789 \n%&\\=+/");
    for text in [
        calm(100_000),
        random,
        calm(30_000).replace(' ', "\\n"),
        calm(30_000).replace(' ', "%20"),
    ] {
        assert!(noticed(&redactor, &text).is_empty());
        assert_eq!(work(&redactor, &text), 0);
    }
}

#[test]
fn only_the_text_around_a_value_is_read_letter_by_letter() {
    let redactor = looks_for([("key", VALUE)]);
    let text = |before: usize, after: usize| calm(before) + VALUE + &calm(after);
    let short = work(&redactor, &text(20_000, 20_000));
    assert!(short > 0);
    assert_eq!(work(&redactor, &text(20_000, 60_000)), short);
    assert!(work(&redactor, &text(60_000, 20_000)) < short * 3 / 2);
    // Nor does the text between two values matter.
    let two = VALUE.to_owned() + &calm(60_000) + VALUE;
    assert!(work(&redactor, &two) < short * 3);
    // What is read after a match does not depend on the length of the rest either.
    let base64 = |after: usize| base64(VALUE.as_bytes(), false, 1000) + "\n" + &calm(after);
    assert_eq!(
        work(&redactor, &base64(20_000)),
        work(&redactor, &base64(60_000))
    );
}

#[test]
fn a_value_that_is_longer_than_what_is_noticed_is_found_whole() {
    let mut random = Numbers(43);
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for end in ["", "\n", "  "] {
        let value = random.text(12_000, letters) + end;
        let redactor = looks_for([("key", &*value)]);
        let text = format!("<{value}>");
        assert_eq!(redactor.text(&text).as_deref(), Some("<[secret:key]>"));
    }
}

#[test]
fn short_values_are_noticed_at_every_place() {
    for value in ["exactly8", "nine-char", "a-b-c-d-e", "12345678901234567"] {
        let redactor = looks_for([("key", value)]);
        for before in 0..20 {
            let text = format!("{}<{value}>", calm(before));
            assert!(
                redactor.text(&text).unwrap().ends_with("<[secret:key]>"),
                "{value} {before}"
            );
        }
    }
}

#[test]
fn a_sieve_forgets_what_was_removed_but_not_what_another_value_has_too() {
    let redactor = looks_for([]);
    let [one, two] = ["one", "two"].map(|name| redactor.add(name, VALUE).unwrap());
    redactor.remove(one);
    assert!(!noticed(&redactor, VALUE).is_empty());
    assert_eq!(redactor.text(VALUE).as_deref(), Some("[secret:two]"));
    redactor.remove(two);
    assert!(noticed(&redactor, VALUE).is_empty());
}

#[test]
fn utf_16_is_noticed_across_the_borders_of_what_is_read_at_once() {
    let redactor = looks_for([("key", "k7Kq2mZv9RtB4nWc8LsD")]);
    let wide: Vec<u8> = "k7Kq2mZv9RtB4nWc8LsD"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for spelled in [hexadecimal(&wide), base64(&wide, false, 1000)] {
        for before in 0..=spelled.len() {
            let text = format!("{}{spelled}", "-".repeat((2 << 10) - before));
            assert!(!noticed(&redactor, &text).is_empty(), "{before}");
        }
    }
}

#[test]
fn lines_are_noticed_wherever_their_breaks_lie() {
    let redactor = looks_for([("key", "k7Kq2mZv\n9RtB4nWc")]);
    for before in 0..130 {
        let text = "-".repeat(before) + r"k7Kq2mZv\n9RtB4nWc";
        assert!(!noticed(&redactor, &text).is_empty(), "{before}");
    }
}

#[test]
fn a_value_is_found_whole_where_each_letter_is_spelled_with_four_hundred_bytes() {
    let value = "k7Kq2mZv9RtB4nWc8LsD1fGh6JpY";
    let redactor = looks_for([("key", value)]);
    let once = numbers(value.as_bytes(), |code| format!("&#x{code:016x};"));
    let twice = numbers(once.as_bytes(), |code| format!("&#x{code:016x};"));
    let before = calm(20_000);
    let text = format!("{before}<{twice}>");
    let redacted = redactor.text(&text).unwrap();
    assert!(redacted.strip_prefix(&*before) == Some("<[secret:key]>"));
}

#[test]
fn an_escaped_value_is_found_after_escapes_that_do_not_matter() {
    let redactor = looks_for([("key", VALUE)]);
    for before in [r"\\ ", r#"\\\" "#, r"\n\n\n", r"\ ", "%20", "&lt;", "=\n"] {
        for length in [0, 3, 1000] {
            let start = calm(length) + before;
            for spelled in [
                json_all(VALUE.as_bytes()),
                percent(VALUE.as_bytes(), |_| true, true),
            ] {
                let redacted = redactor.text(&format!("{start}{spelled}>"));
                assert_eq!(redacted, Some(format!("{start}[secret:key]>")), "{before}");
            }
        }
    }
}

#[test]
fn one_escaped_letter_in_a_value_is_enough_whatever_follows() {
    let redactor = looks_for([("key", VALUE)]);
    for at in 0..VALUE.len() {
        let (before, rest) = VALUE.split_at(at);
        let (letter, after) = rest.split_at(1);
        let letter = percent(letter.as_bytes(), |_| true, true);
        let text = format!("{}<{before}{letter}{after}>{}", calm(300), calm(300));
        let expected = format!("{}<[secret:key]>{}", calm(300), calm(300));
        assert_eq!(redactor.text(&text), Some(expected), "{at}");
    }
}
