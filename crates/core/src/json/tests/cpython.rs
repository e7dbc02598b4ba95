//! The results of `CPython` 3.11.7: `json.loads(document)` and the `msg` and `pos` of its error.

use crate::json::{Error, parse};

#[rustfmt::skip]
const REFUSED: &[(&str, &str, usize)] = &[
    ("", "Expecting value", 0),
    ("  ", "Expecting value", 2),
    ("[", "Expecting value", 1),
    ("[ ", "Expecting value", 2),
    ("{", "Expecting property name enclosed in double quotes", 1),
    ("{ ", "Expecting property name enclosed in double quotes", 2),
    ("{,", "Expecting property name enclosed in double quotes", 1),
    ("{\"a\"", "Expecting ':' delimiter", 4),
    ("{\"a\" ", "Expecting ':' delimiter", 5),
    ("{\"a\":", "Expecting value", 5),
    ("{\"a\": ", "Expecting value", 6),
    ("{\"a\":1", "Expecting ',' delimiter", 6),
    ("{\"a\":1,", "Expecting property name enclosed in double quotes", 7),
    ("{\"a\":1,}", "Expecting property name enclosed in double quotes", 7),
    ("{\"a\":1 \"b\"", "Expecting ',' delimiter", 7),
    ("{\"a\" 1}", "Expecting ':' delimiter", 5),
    ("{1:2}", "Expecting property name enclosed in double quotes", 1),
    ("{'a':1}", "Expecting property name enclosed in double quotes", 1),
    ("[1", "Expecting ',' delimiter", 2),
    ("[1,", "Expecting value", 3),
    ("[1,]", "Expecting value", 3),
    ("[,]", "Expecting value", 1),
    ("[1 2]", "Expecting ',' delimiter", 3),
    ("[1}", "Expecting ',' delimiter", 2),
    ("{\"a\":1]", "Expecting ',' delimiter", 6),
    ("nul", "Expecting value", 0),
    ("nulll", "Extra data", 4),
    ("truefalse", "Extra data", 4),
    ("tru", "Expecting value", 0),
    ("fals", "Expecting value", 0),
    ("-", "Expecting value", 0),
    ("-a", "Expecting value", 0),
    ("-01", "Extra data", 2),
    ("01", "Extra data", 1),
    ("1.", "Extra data", 1),
    ("1.e", "Extra data", 1),
    ("1e", "Extra data", 1),
    ("1e+", "Extra data", 1),
    ("1e5x", "Extra data", 3),
    (".5", "Expecting value", 0),
    ("+1", "Expecting value", 0),
    ("1 2", "Extra data", 2),
    ("\"", "Unterminated string starting at", 0),
    ("\"a", "Unterminated string starting at", 0),
    ("\"\\", "Unterminated string starting at", 0),
    ("\"\\\"", "Unterminated string starting at", 0),
    ("\"\\x\"", "Invalid \\escape", 1),
    ("\"a\\q\"", "Invalid \\escape", 2),
    ("\"\\u", "Invalid \\uXXXX escape", 2),
    ("\"\\u12", "Invalid \\uXXXX escape", 2),
    ("\"\\u123", "Invalid \\uXXXX escape", 2),
    ("\"\\u1234", "Invalid \\uXXXX escape", 2),
    ("\"\\u12g4\"", "Invalid \\uXXXX escape", 2),
    ("\"\\ud800", "Invalid \\uXXXX escape", 2),
    ("\"\\ud800\\u", "Invalid \\uXXXX escape", 8),
    ("\"\\ud800\\u12", "Invalid \\uXXXX escape", 8),
    ("\"\\ud800\\u12g4\"", "Invalid \\uXXXX escape", 8),
    ("\"\\ud800\\udc00", "Invalid \\uXXXX escape", 8),
    ("\"\\ud800\\n\"x", "Extra data", 10),
    ("\"\u{a}\"", "Invalid control character at", 1),
    ("\"a\u{9}b\"", "Invalid control character at", 2),
    ("\"\u{0}\"", "Invalid control character at", 1),
    ("é", "Expecting value", 0),
    ("\"é\" x", "Extra data", 4),
    ("[\"é😀\",]", "Expecting value", 6),
    ("[]]", "Extra data", 2),
    ("{}{}", "Extra data", 2),
    ("{\"a\":{\"b\":[1,{\"c\":}]}}", "Expecting value", 18),
    ("[[[]", "Expecting ',' delimiter", 4),
    ("\"\\U0041\"", "Invalid \\escape", 1),
    ("tRue", "Expecting value", 0),
    ("[nope]", "Expecting value", 1),
    ("{\"a\":nul}", "Expecting value", 5),
    ("\u{a0}1", "Expecting value", 0),
    ("\u{b}1", "Expecting value", 0),
    ("{\"a\":1;}", "Expecting ',' delimiter", 6),
    ("{\"\\x\":1}", "Invalid \\escape", 2),
    ("{\"a\u{a}\":1}", "Invalid control character at", 3),
    ("// c", "Expecting value", 0),
    ("{\"a\":\"\\ud83d\\ude0\"}", "Invalid \\uXXXX escape", 13),
    ("\"\\u+123\"", "Invalid \\uXXXX escape", 2),
    ("\"\\u 123\"", "Invalid \\uXXXX escape", 2),
    ("\"\\ud83d\\u\"", "Invalid \\uXXXX escape", 8),
    ("\"\\ud83d\\ude0g\"", "Invalid \\uXXXX escape", 8),
    ("[1,\u{a}\u{a} 2,\u{d}\u{a}\u{9}]", "Expecting value", 11),
];

#[test]
fn errors_are_those_of_cpython() {
    for (document, message, position) in REFUSED {
        match parse(document.as_bytes()) {
            Err(Error::Syntax {
                message: found,
                position: place,
            }) => {
                assert_eq!((found, place), (*message, *position), "{document:?}");
            }
            _ => panic!("{document:?} is not a syntax error here"),
        }
    }
}

#[test]
fn what_cpython_accepts_is_accepted() {
    for document in [
        "-0",
        "\"\u{7f}\"",
        "\u{feff}{}",
        " [1, 2.5e-3 ,null\t,{\"a\":{}}]\r\n",
        "1E400",
        "\"\u{2028}\"",
    ] {
        assert!(parse(document.as_bytes()).is_ok(), "{document:?}");
    }
}
