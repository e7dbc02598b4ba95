//! The work is linear, whatever a hostile server sends. The tests count work and do not measure time.

use super::{Numbers, looks_for};
use crate::redaction::Redactor;
use crate::redaction::search::Search;

/// A value with many suffixes that are also prefixes, one full of escapes, and one of common text.
fn redactor() -> Redactor {
    let periodic = "%41".repeat(3000);
    let slashes = "\\\\u0041".repeat(1000);
    looks_for([
        ("periodic", &*periodic),
        ("slashes", &*slashes),
        ("letters", &"a".repeat(5000)),
        ("key", "sk-live-0123456789 and more"),
    ])
}

/// How many bytes all views read in total per byte of input.
fn work(redactor: &Redactor, text: &[u8]) -> usize {
    let mut search = Search::default();
    search.is_thorough = true;
    search.whole(&redactor.table(), text);
    search.found.work / text.len()
}

#[test]
fn no_input_takes_more_than_a_constant_per_byte() {
    let redactor = redactor();
    let mut numbers = Numbers(7);
    let base64 = numbers.text(
        1 << 14,
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    );
    let pieces = [
        "%",
        "\\",
        "&",
        "&#",
        "&#0",
        "%41",
        "%25",
        "\\u0041",
        "\\\\\\u0041",
        "&#65;",
        "&amp;amp;",
        "+",
        "a",
        "0x",
        "A A ",
        "%5C%5Cu0041",
        "aaaaaaa%61",
        "sk-live-01",
        "%41%41%41%41%2541",
        "\\u0025\\u0034",
        "\\\\\\\\\\\\\\\\u0041",
        "\\\\\\\\\\\\\\\\\\",
        "\\\\\\\\\\\\\\\" ",
        "\\u005cu005cu005cu005c",
        "\\u005c\\u005c\\u005c\\u0075005c",
        "\\\\u005c\\\\\\\\\\\\u005cu0041%5C%5C%5C%5C",
        "\\\\\\\\sk-live-01",
        &base64,
    ];
    for piece in pieces {
        let text = piece.repeat((1 << 17) / piece.len());
        let (short, long) = (
            work(&redactor, &text.as_bytes()[..1 << 13]),
            work(&redactor, text.as_bytes()),
        );
        assert!(long <= 64, "{piece:?}: {long}");
        assert!(long <= short * 2 + 2, "{piece:?}: {short}, then {long}");
    }
}
