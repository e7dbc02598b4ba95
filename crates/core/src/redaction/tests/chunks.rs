//! Which parts of a stream's chunk are read letter by letter: its ends, and what the sieve notices.

use super::{looks_for, streamed};
use crate::redaction::chunk::parts;
use crate::redaction::sieve::Letters;

const VALUE: &str = "k3y-with-letters";

/// The parts of a chunk, when one value is searched for.
fn read(chunk: &str) -> Vec<std::ops::Range<usize>> {
    let redactor = looks_for([("key", VALUE)]);
    let table = redactor.table();
    parts(&table, chunk.as_bytes(), &mut Letters::default())
}

/// Calm text of 8 KiB that begins with `begin` repeated in its first KiB, or ends so.
fn chunk(pattern: &str, is_end: bool) -> String {
    let edge: String = pattern.chars().cycle().take(1024).collect();
    let calm = "and so on, ".repeat(652)[..7168].to_owned();
    if is_end { calm + &edge } else { edge + &calm }
}

#[test]
fn of_a_long_calm_chunk_only_the_ends_are_read() {
    for length in [4096, 4097, 9000] {
        let text = "a calm text ".repeat(800)[..length].to_owned();
        assert_eq!(read(&text), [0..1024, length - 1024..length]);
    }
    let text = "a calm text ".repeat(800);
    for length in [0, 1023, 1024, 2000, 4095] {
        assert_eq!(read(&text[..length]), std::slice::from_ref(&(0..length)));
    }
}

#[test]
fn what_is_noticed_inside_a_chunk_is_read_too() {
    let calm = "a calm text ".repeat(2000);
    let text = format!("{calm}{VALUE}{calm}");
    let parts = read(&text);
    assert!(parts.is_sorted_by_key(|part| part.start));
    assert_eq!(parts.len(), 3);
    let value = calm.len()..calm.len() + VALUE.len();
    assert!(parts[1].start <= value.start && value.end <= parts[1].end);
    assert!(parts[1].len() < text.len() / 2);
}

#[test]
fn an_end_without_enough_letters_makes_the_whole_chunk_be_read() {
    // 288 letters are enough, and the first 400 bytes do not count.
    let enough =
        |letters: usize| "-".repeat(400) + &"a".repeat(letters) + &"-".repeat(624 - letters);
    for is_end in [false, true] {
        let ends = |edge: &str| read(&chunk(edge, is_end)).len() == 2;
        assert!(ends("a"));
        assert!(!ends("-"));
        assert!(!ends(" \n"));
        assert!(ends(&enough(288)));
        assert!(!ends(&enough(287)));
        assert!(!ends(&("a".repeat(400) + &"-".repeat(624))));
    }
}

#[test]
fn escapes_at_an_end_are_harmless_only_if_no_letter_and_no_escape_can_come_of_them() {
    for is_end in [false, true] {
        let ends = |edge: &str| read(&chunk(edge, is_end)).len() == 2;
        for harmless in [
            "one%20two",
            "one\\ntwo",
            "one\\u0020two",
            "a=b",
            "a+b",
            "one\\\"two",
            "one&lt;two",
            "a\\u000ab",
            "tom & jerry",
            "one%2Ftwo",
            "é one two",
        ] {
            let words = "letters are here ".to_owned() + harmless;
            assert!(ends(&words), "{harmless}");
        }
        for other in [
            "one%41two",
            "one\\x41two",
            "one&#65;two",
            "one&amp;two",
            "one%25two",
            "one\\\\two",
            "one%2541",
            "one%2Btwo",
            "one\\u0041",
        ] {
            let words = "letters are here ".to_owned() + other;
            assert!(!ends(&words), "{other}");
        }
    }
    // The letters of escapes are none of the text.
    let escapes = "\\u0020".repeat(171);
    assert_eq!(read(&chunk(&escapes, false)).len(), 1);
}

#[test]
fn a_value_may_lie_on_the_border_of_two_long_chunks() {
    let redactor = looks_for([("key", VALUE)]);
    let calm = "a calm text ".repeat(500);
    let text = format!("{calm}<{VALUE}>{calm}");
    for split in calm.len() - 2..calm.len() + VALUE.len() + 4 {
        let (out, markers) = streamed(&redactor, text.as_bytes(), &[split]);
        assert_eq!(markers, 1, "{split}");
        assert!(out == format!("{calm}<[secret:key]>{calm}").into_bytes());
    }
}
