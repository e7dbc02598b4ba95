//! The duration of a search does not depend on how much of a value matches, below a whole window.

use std::hint::black_box;
use std::time::Instant;

use super::spellings::{base64, hexadecimal};
use super::{Numbers, looks_for};
use crate::redaction::Redactor;
use crate::redaction::escape::Left;
use crate::redaction::search::Search;
use crate::redaction::sieve::Letters;

const VALUE: &str = "ghp_k7Kq2mZv9RtB4nWc8LsD1fGh6JpY3aQe5TuV";
/// A different letter everywhere, but of the same class: digits and hexadecimal digits are read differently.
const OTHER: &str = "ijr_m5Ms4oTw3PyC6lUe2NzF7bHg8IqV1dOa9KnW";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A text of 100 letters that contains the first, or the last, `count` characters of the value.
fn text(numbers: &mut Numbers, value: &str, count: usize, is_end: bool) -> String {
    let mut text = numbers.text(100, LETTERS);
    let part = if is_end {
        &value[value.len() - count..]
    } else {
        &value[..count]
    };
    text.replace_range(30..30 + count, part);
    text
}

#[test]
fn below_a_whole_window_nothing_is_compared() {
    let redactor = looks_for([("key", VALUE)]);
    let table = redactor.table();
    let mut numbers = Numbers(23);
    for is_end in [false, true] {
        for count in [0, 3, 7, 8, 12] {
            let text = text(&mut numbers, VALUE, count, is_end);
            for times in 0..3 {
                let text = super::spellings::nested_json(text.as_bytes(), times);
                let noticed = table.sieve.find(
                    &table.key,
                    text.as_bytes(),
                    Left::TEXT,
                    &mut Letters::default(),
                );
                assert!(noticed.parts.is_empty(), "{count}");
                let mut search = Search::default();
                search.is_thorough = true;
                search.whole(&table, text.as_bytes());
                assert_eq!(search.found.compared, 0, "{count}");
            }
        }
        // A whole window makes a difference.
        let text = text(&mut numbers, VALUE, VALUE.len() - 1, is_end);
        let noticed = table.sieve.find(
            &table.key,
            text.as_bytes(),
            Left::TEXT,
            &mut Letters::default(),
        );
        assert!(!noticed.parts.is_empty());
        let mut search = Search::default();
        search.whole(&table, VALUE.as_bytes());
        assert!(search.found.compared > 0);
    }
}

#[test]
fn below_eight_characters_nothing_is_compared_in_any_encoding() {
    let redactor = looks_for([("key", VALUE), ("short", "exactly8")]);
    let table = redactor.table();
    let mut numbers = Numbers(29);
    for (value, count, is_end) in [
        (VALUE, 3, false),
        (VALUE, 7, false),
        (VALUE, 7, true),
        ("exactly8", 7, false),
        ("exactly8", 7, true),
    ] {
        let text = text(&mut numbers, value, count, is_end);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &wide] {
            for spelled in [hexadecimal(bytes), base64(bytes, false, 1000)] {
                let mut search = Search::default();
                search.is_thorough = true;
                search.whole(&table, spelled.as_bytes());
                assert_eq!(search.found.compared, 0, "{value} {count}");
            }
        }
    }
}

/// In how many of a thousand pairs the search of the second text takes longer: 500 if both take equally long. The
/// first text is similar but matches nothing.
fn longer(redactor: &Redactor, count: usize, pairs: usize) -> usize {
    let mut numbers = Numbers(count as u64);
    // In the same memory, because its location affects the time.
    let mut place = String::with_capacity(100);
    let mut time = |text: &str| {
        place.replace_range(.., text);
        let start = Instant::now();
        black_box(redactor.text(black_box(&place)));
        start.elapsed()
    };
    let mut longer = 0;
    for pair in 0..pairs {
        let texts = [OTHER, VALUE].map(|value| text(&mut numbers, value, count, pair % 4 < 2));
        // The first one runs with colder caches, so the order alternates.
        let (first, second) = if pair % 2 == 0 {
            let first = time(&texts[0]);
            (first, time(&texts[1]))
        } else {
            let second = time(&texts[1]);
            (time(&texts[0]), second)
        };
        longer += 2 * usize::from(second > first) + usize::from(second == first);
    }
    longer * 500 / pairs
}

#[test]
fn ten_thousand_repetitions_tell_no_difference() {
    let redactor = looks_for([("key", VALUE)]);
    for count in [0, 3, 7, 8, 12] {
        let longer = longer(&redactor, count, 10_000);
        // Its standard deviation is 5.
        assert!((460..=540).contains(&longer), "{count}: {longer}");
    }
    let whole = longer(&redactor, VALUE.len() - 1, 1000);
    assert!(whole > 900, "a whole window does take longer: {whole}");
}
