//! The requirements of the scanner: the messages of `CPython`, the verdict of `serde_json`, and the source
//! text unchanged.

mod cpython;
pub(crate) mod properties;

use super::*;

fn text_of(document: &str) -> Result<String, LoneSurrogate> {
    let text = parse_text(document).unwrap().as_text().unwrap();
    text.map(|text| text.as_str().to_owned())
}

#[test]
fn strings_are_decoded() {
    assert_eq!(
        text_of(r#""a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00😀""#).unwrap(),
        "a\"\\/\u{8}\u{c}\n\r\téé😀😀"
    );
    assert_eq!(text_of(r#""\u0000""#).unwrap(), "\0");
}

#[test]
fn every_character_is_written_as_serde_json_writes_it() {
    for character in '\0'..'\u{300}' {
        let (text, mut written) = (format!("a{character}"), Vec::new());
        write_string(&text, &mut written);
        assert_eq!(written, serde_json::to_vec(&text).unwrap());
        assert_eq!(written.len(), escaped_length(&text));
    }
}

#[test]
fn the_first_byte_tells_the_kind() {
    for (text, kind) in [
        ("{}", Kind::Object),
        ("[]", Kind::Array),
        ("\"\"", Kind::String),
        ("true", Kind::Bool),
        ("false", Kind::Bool),
        ("null", Kind::Null),
        ("-1", Kind::Number),
        ("0", Kind::Number),
    ] {
        let value = parse_text(text).unwrap();
        assert_eq!(value.kind(), kind, "{text}");
        assert_eq!(value.is_null(), text == "null");
    }
}

#[test]
fn a_lone_surrogate_is_no_text() {
    for document in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800x""#,
        r#""\ud800\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud800\n""#,
    ] {
        assert_eq!(text_of(document), Err(LoneSurrogate), "{document}");
    }
}

#[test]
fn of_members_with_one_name_the_last_counts_at_the_place_of_the_first() {
    let document = br#" { "a" : 1 , "b":[ {"a":0} ], "\u0061" : 1.0 , "\\" : 2} "#;
    let object = parse(document).unwrap().as_object().unwrap();
    assert_eq!(object.get("a").unwrap().raw(), "1.0");
    assert!(object.get("c").is_none() && object.get("\\\\").is_none());
    assert_eq!(object.get("\\").unwrap().raw(), "2");
    let members = object.members().unwrap();
    let members: Vec<_> = members
        .iter()
        .map(|member| (&*member.name, member.value.raw()))
        .collect();
    assert_eq!(
        members,
        [("a", "1.0"), ("b", r#"[ {"a":0} ]"#), ("\\", "2")]
    );
}

#[test]
fn repetitions_are_counted_however_they_are_spelled() {
    let object = |text| parse_text(text).unwrap().as_object().unwrap();
    let once = object(r#"{"a":1,"b":{"a":1,"a":2}}"#);
    assert_eq!(
        (once.written_members(), once.members().unwrap().len()),
        (2, 2)
    );
    let twice = object(r#"{"a":1,"\u0061":2}"#);
    assert_eq!(
        (twice.written_members(), twice.members().unwrap().len()),
        (2, 1)
    );
}

#[test]
fn elements_keep_their_spelling() {
    let document = b"[ 1.0, 1e400 ,[ ], {} , \"x,]\",null]";
    let elements: Vec<_> = parse(document)
        .unwrap()
        .as_array()
        .unwrap()
        .elements()
        .map(Value::raw)
        .collect();
    assert_eq!(elements, ["1.0", "1e400", "[ ]", "{}", "\"x,]\"", "null"]);
}

#[test]
fn a_byte_order_mark_is_skipped_once_and_not_counted() {
    assert!(parse(b"\xef\xbb\xbf{}").is_ok());
    let refused = |document: &[u8]| parse(document).err().unwrap();
    assert_eq!(refused(b"\xef\xbb\xbf{,"), refused(b"{,"));
    assert_eq!(
        refused(b"\xef\xbb\xbf\xef\xbb\xbf1"),
        Error::Syntax {
            message: "Expecting value",
            position: 0
        }
    );
}

#[test]
fn what_is_not_utf_8_is_unreadable() {
    let wide: [&[u8]; 10] = [
        b"\xff\xfe1\0",
        b"\xfe\xff\x001",
        b"\xff\xfe\0\x001\0\0\0",
        b"\0\0\xfe\xff\0\0\x001",
        b"{\0}\0",
        b"\0{\0}",
        b"1\0\0\0",
        b"\x001",
        b"1\0",
        b"\0\0\x001",
    ];
    for document in wide
        .into_iter()
        .chain([&b"\"\xff\""[..], b"\"\xed\xa0\x80\"", b"[\xc3"])
    {
        assert_eq!(parse(document).err(), Some(Error::NotUtf8), "{document:?}");
    }
    assert_eq!(
        parse(b"\0  ").err(),
        Some(Error::Syntax {
            message: "Expecting value",
            position: 0
        })
    );
}

#[test]
fn nesting_is_bounded_and_costs_nothing() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(parse(&nested(MAXIMUM_DEPTH)).is_ok());
    assert_eq!(
        parse(&nested(MAXIMUM_DEPTH + 1)).err(),
        Some(Error::TooDeep)
    );
    assert_eq!(parse(&b"[".repeat(4 << 20)).err(), Some(Error::TooDeep));
    assert_eq!(
        parse(&b"{\"\":[".repeat(1 << 20)).err(),
        Some(Error::TooDeep)
    );
    assert!(parse(&[b"[".to_vec(), b"[],".repeat(1 << 16), b"0]".to_vec()].concat()).is_ok());
}

#[test]
fn integers_are_bounded_and_decimals_are_not() {
    let digits = "1".repeat(MAXIMUM_INTEGER_DIGITS);
    for accepted in [
        digits.clone(),
        format!("-{digits}"),
        format!("1{digits}.0"),
        format!("1{digits}e1"),
        format!("0.{digits}1"),
    ] {
        assert!(parse_text(&accepted).is_ok());
    }
    for refused in [
        format!("1{digits}"),
        format!("-1{digits}"),
        format!("[1{digits}."),
        format!("1{digits}e+"),
    ] {
        assert_eq!(parse_text(&refused).err(), Some(Error::NumberTooLong));
    }
}

#[test]
fn words_that_python_takes_for_numbers_are_refused() {
    for (document, position) in [("NaN", 0), ("[Infinity]", 1), ("{\"é\":-Infinity}", 5)] {
        let expected = Error::Syntax {
            message: "Expecting value",
            position,
        };
        assert_eq!(parse_text(document).err(), Some(expected));
    }
}
