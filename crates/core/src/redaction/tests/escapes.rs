//! How each kind of escape is read.

use crate::redaction::alphabet::INVISIBLE;
use crate::redaction::escape::Reading::{Byte, Character, Incomplete, Plain};
use crate::redaction::escape::{Escape, LONGEST, Left, Reading};

/// Reads each text, and each text with more after it.
fn are(escape: Escape, readings: &[(&[u8], Reading)]) {
    for (text, expected) in readings {
        assert!(escape.read(text) == *expected, "{}", text.escape_ascii());
        if *expected != Incomplete {
            let more = [text, &b"0;"[..]].concat();
            let is_same = escape.read(&more) == *expected;
            assert!(is_same, "{} and more", text.escape_ascii());
        }
    }
}

#[test]
fn percent_and_form_encoding_have_two_digits() {
    let both: &[(&[u8], Reading)] = &[
        (b"%41", Byte(3, b'A')),
        (b"%fF", Byte(3, 0xff)),
        (b"%4g", Plain),
        (b"%g1", Plain),
        (b"%", Incomplete),
        (b"%4", Incomplete),
        (b"a41", Plain),
    ];
    are(Escape::Percent, both);
    are(Escape::Form, both);
    are(Escape::Percent, &[(b"+", Plain)]);
    are(Escape::Form, &[(b"+", Byte(1, b' '))]);
}

#[test]
fn a_backslash_begins_the_escapes_of_json_and_of_programming_languages() {
    are(
        Escape::Backslash,
        &[
            (b"\\b", Byte(2, 8)),
            (b"\\f", Byte(2, 12)),
            (b"\\n", Byte(2, b'\n')),
            (b"\\r", Byte(2, b'\r')),
            (b"\\t", Byte(2, b'\t')),
            (b"\\\\", Byte(2, b'\\')),
            (b"\\/", Byte(2, b'/')),
            (b"\\\"", Byte(2, b'"')),
            (b"\\ ", Byte(2, b' ')),
            (b"\\q", Plain),
            (b"\\8", Plain),
            (b"\\", Incomplete),
            (b"\\x4A", Byte(4, b'J')),
            (b"\\x4", Incomplete),
            (b"\\xg", Plain),
            (b"\\u0041", Character(6, 'A')),
            (b"\\u004", Incomplete),
            (b"\\u00g", Plain),
            (b"\\U0001F600", Character(10, '😀')),
            (b"\\U0001F60", Incomplete),
            (b"\\UFFFFFFFF", Plain),
            (b"a", Plain),
        ],
    );
}

#[test]
fn octal_escapes_have_one_to_three_digits_of_a_byte() {
    are(
        Escape::Backslash,
        &[
            (b"\\101", Byte(4, b'A')),
            (b"\\377", Byte(4, 0xff)),
            (b"\\400", Plain),
            (b"\\1018", Byte(4, b'A')),
            (b"\\78", Byte(2, 7)),
            (b"\\128", Byte(3, 0o12)),
            (b"\\1", Incomplete),
            (b"\\12", Incomplete),
        ],
    );
}

#[test]
fn characters_beyond_the_first_plane_are_two_units() {
    are(
        Escape::Backslash,
        &[
            (b"\\ud83d\\ude00", Character(12, '😀')),
            (b"\\ud800\\udc00", Character(12, '\u{10000}')),
            (b"\\udbff\\udfff", Character(12, '\u{10ffff}')),
            (b"\\ud7ff", Character(6, '\u{d7ff}')),
            (b"\\ue000", Character(6, '\u{e000}')),
            // A half without the other.
            (b"\\ud83dx", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\ud83d\\n", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\ud83d\\u0041", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\ud83d\\ud83d", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\ud83d\\ue000", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\udc00", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\udfff", Character(6, char::REPLACEMENT_CHARACTER)),
            (b"\\ud83d", Incomplete),
            (b"\\ud83d\\", Incomplete),
            (b"\\ud83d\\u", Incomplete),
            (b"\\ud83d\\ude0", Incomplete),
        ],
    );
}

#[test]
fn braces_have_one_to_eight_digits() {
    are(
        Escape::Backslash,
        &[
            (b"\\u{41}", Character(6, 'A')),
            (b"\\u{0001F600}", Character(12, '😀')),
            (b"\\u{110000}", Plain),
            (b"\\u{d800}", Plain),
            (b"\\u{000000041}", Plain),
            (b"\\u{}", Plain),
            (b"\\u{4g}", Plain),
            (b"\\u{", Incomplete),
            (b"\\u{00000041", Incomplete),
        ],
    );
}

#[test]
fn entities_are_numbers_or_the_names_of_xml() {
    are(
        Escape::Entity,
        &[
            (b"&amp;", Byte(5, b'&')),
            (b"&LT;", Byte(4, b'<')),
            (b"&Gt;", Byte(4, b'>')),
            (b"&quot;", Byte(6, b'"')),
            (b"&apos;", Byte(6, b'\'')),
            (b"&nbsp;", Plain),
            (b"&amp ", Plain),
            (b"&amp", Incomplete),
            (b"&a", Incomplete),
            (b"&", Incomplete),
            (b"&#65;", Character(5, 'A')),
            (b"&#x41;", Character(6, 'A')),
            (b"&#X1f600;", Character(9, '😀')),
            (b"&#0000000000000065;", Character(19, 'A')),
            (b"&#x0000000000000041;", Character(20, 'A')),
            (b"&#00000000000000065;", Plain),
            (b"&#99999999999;", Plain),
            (b"&#xfffffffffffff;", Plain),
            (b"&#4f;", Plain),
            (b"&#;", Plain),
            (b"&#x;", Plain),
            (b"&#", Incomplete),
            (b"&#x", Incomplete),
            (b"&#65", Incomplete),
            (b"a", Plain),
        ],
    );
    assert_eq!("&#x0000000000000041;".len(), LONGEST);
}

#[test]
fn quoted_printable_has_two_digits_or_a_line_break() {
    are(
        Escape::Quoted,
        &[
            (b"=41", Byte(3, b'A')),
            (b"=\n", Byte(2, INVISIBLE)),
            (b"=\r\n", Byte(3, INVISIBLE)),
            (b"=\ra", Plain),
            (b"=g", Plain),
            (b"=", Incomplete),
            (b"=\r", Incomplete),
            (b"=4", Incomplete),
            (b"a", Plain),
        ],
    );
}

#[test]
fn invisible_characters_are_those_without_width() {
    let is_invisible = |character: char| {
        let reading = Escape::Invisible.read(character.to_string().as_bytes());
        reading == Byte(character.len_utf8(), INVISIBLE)
    };
    let invisible: Vec<u32> = ('\0'..=char::MAX)
        .filter(|character| is_invisible(*character))
        .map(u32::from)
        .collect();
    let expected: Vec<u32> = [
        0xad..=0xad,
        0x200b..=0x200f,
        0x2060..=0x2064,
        0xfeff..=0xfeff,
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(invisible, expected);
    for text in [
        &[0xc2][..],
        &[0xe2],
        &[0xe2, 0x80],
        &[0xe2, 0x81],
        &[0xef],
        &[0xef, 0xbb],
    ] {
        assert!(Escape::Invisible.read(text) == Incomplete);
    }
    for text in [&[0xc2, 0xae][..], &[0xe2, 0x82], &[0xef, 0xbc], b"a"] {
        assert!(Escape::Invisible.read(text) == Plain);
    }
}

#[test]
fn an_escape_is_read_only_where_one_of_its_kind_may_begin() {
    for byte in 0..=u8::MAX {
        let kinds = Escape::ALL.iter();
        let beginning = kinds.filter(|kind| kind.begins_with(byte)).count();
        assert_eq!(Escape::may_begin_with(byte), beginning > 0, "{byte}");
        for kind in Escape::ALL {
            let is_plain = kind.read(&[byte]) == Plain;
            assert_eq!(is_plain, !kind.begins_with(byte), "{byte}");
        }
    }
}

#[test]
fn escapes_are_nested_in_those_kinds_that_tools_nest() {
    let depth = |kinds: &[Escape]| {
        let left = kinds
            .iter()
            .fold(Left::TEXT, |left, kind| left.within(*kind));
        left.of().len()
    };
    let all = Escape::ALL.len();
    assert_eq!(depth(&[]), all);
    // Forms are encoded last, and invisible characters are within every other kind.
    assert_eq!(
        [depth(&[Escape::Form]), depth(&[Escape::Invisible])],
        [0, 0]
    );
    for kind in [Escape::Percent, Escape::Entity, Escape::Quoted] {
        assert_eq!([depth(&[kind]), depth(&[kind, kind])], [all, 0]);
        // JSON in JSON is decoded deeper only if nothing else is.
        assert_eq!(depth(&[Escape::Backslash, kind]), 0);
        assert_eq!(depth(&[kind, Escape::Backslash]), 0);
    }
    let backslashes = [Escape::Backslash; 4];
    let depths: Vec<usize> = (0..=4).map(|times| depth(&backslashes[..times])).collect();
    assert_eq!(depths, [all, all, 1, 1, 0]);
}
