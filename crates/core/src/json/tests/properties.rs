//! Properties over generated documents and over arbitrary bytes.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use crate::json::{Array, Error, Kind, Object, Value, parse, parse_text, write_string};

/// Text that is mostly JSON, with the mistakes that people and attackers make.
fn nearly_json() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\\",
        "\\u12",
        "1",
        "-",
        "0",
        ".5",
        "e3",
        "1e5",
        "true",
        "null",
        "false",
        " ",
        "\n",
        "é",
        "😀",
        "\"k\":1",
        "{\"a\":[]}",
        "\u{0}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

pub(crate) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let members = prop::collection::btree_map(any::<String>(), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Into::into),
            members.prop_map(|members| members
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

/// Rebuilds a tree through the views.
fn rebuild(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Number => serde_json::from_str(value.as_number().unwrap()).unwrap(),
        Kind::String => value.as_text().unwrap().unwrap().as_str().into(),
        Kind::Array => value.as_array().unwrap().elements().map(rebuild).collect(),
        Kind::Object => {
            let members = value.as_object().unwrap().members().unwrap();
            let members = members
                .into_iter()
                .map(|member| (member.name.into_owned(), rebuild(member.value)));
            members.collect::<serde_json::Map<_, _>>().into()
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn validity_is_that_of_serde_json(text in nearly_json()) {
        // Parsing into `Value` would refuse numbers beyond f64.
        let accepted = parse_text(&text).is_ok();
        prop_assert_eq!(accepted, serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn positions_lie_inside_the_text(text in nearly_json()) {
        // Too many rejected texts fail the test.
        let Err(Error::Syntax { position, .. }) = parse_text(&text) else {
            return Err(TestCaseError::reject("it is JSON"));
        };
        prop_assert!(position <= text.chars().count());
    }

    #[test]
    fn views_show_the_whole_tree(tree in json(), is_pretty: bool) {
        let text = if is_pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) }.unwrap();
        let value = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(value.raw(), &text);
        for raw in [value.as_object().map(Object::raw), value.as_array().map(Array::raw)].into_iter().flatten() {
            prop_assert_eq!(raw, &text);
        }
        prop_assert_eq!(rebuild(value), serde_json::from_str::<serde_json::Value>(&text).unwrap());
    }

    #[test]
    fn written_strings_are_read_back(text: String) {
        let mut written = Vec::new();
        write_string(&text, &mut written);
        prop_assert_eq!(written.len(), crate::json::escaped_length(&text));
        prop_assert_eq!(&written, &serde_json::to_vec(&text).unwrap());
        let read = parse(&written).unwrap().as_text().unwrap().unwrap();
        prop_assert_eq!(read.as_str(), text);
    }
}
