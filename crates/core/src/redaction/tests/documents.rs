//! Redaction of JSON documents.

use proptest::prelude::*;
use serde_json::Value;

use super::looks_for;
use crate::json::{parse, parse_text};
use crate::redaction::Redactor;

fn redact(values: &[(&str, &str)], document: &str) -> (String, bool) {
    let redactor = looks_for(values.iter().copied());
    let mut out = b"before".to_vec();
    let is_changed = redactor.json(parse_text(document).unwrap(), &mut out);
    let out = String::from_utf8(out).unwrap();
    (out.strip_prefix("before").unwrap().to_owned(), is_changed)
}

fn assert_redacted(document: &str, expected: &str) {
    let values = [("key", "s3cr3t \"val\""), ("pin", "1234567890")];
    assert_eq!(
        redact(&values, document),
        (expected.to_owned(), document != expected)
    );
}

#[test]
fn strings_names_and_numbers_are_redacted_and_the_rest_keeps_its_spelling() {
    assert_redacted(
        r#"{"a" : [ 1.0, 1e400,"\u0041" ],"s3cr3t \"val\"":{"x":"<s3cr3t \u0022val\">"}, "b":"\ud800"}"#,
        r#"{"a" : [ 1.0, 1e400,"\u0041" ],"[secret:key]":{"x":"<[secret:key]>"}, "b":"\ud800"}"#,
    );
    assert_redacted(
        r"[1234567890,-1234567890.5, 123456789]",
        r#"["[secret:pin]","-[secret:pin].5", 123456789]"#,
    );
    assert_redacted("1234567890", r#""[secret:pin]""#);
    assert_redacted(r#""1234567890""#, r#""[secret:pin]""#);
    assert_redacted("null", "null");
}

#[test]
fn a_document_within_a_string_stays_one() {
    let values = [("key", "s3cr3t \"val\"")];
    let inner = serde_json::json!({"deep": "s3cr3t \"val\"", "text": "x\ny"}).to_string();
    let middle = serde_json::json!({"inner": inner}).to_string();
    let (redacted, is_changed) =
        redact(&values, &serde_json::json!({"content": middle}).to_string());
    assert!(is_changed);
    let parsed = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let outer: Value = serde_json::from_str(&redacted).unwrap();
    let inner = parsed(&parsed(&outer["content"])["inner"]);
    assert_eq!(
        inner,
        serde_json::json!({"deep": "[secret:key]", "text": "x\ny"})
    );
}

#[test]
fn documents_within_documents_are_redacted_four_deep() {
    for value in [
        "\"quoted\"",
        "back\\slash\\",
        "sla/sh/es",
        "schlüssel-🔑",
        "two\nlines\r\n",
        "all\"of\\it/é\n😀\\\"\\\\",
    ] {
        for (before, after) in [("", ""), ("Bearer ", " and more")] {
            let (mut text, mut expected) = (
                format!("{before}{value}{after}"),
                format!("{before}[secret:key]{after}"),
            );
            for depth in 0..=4 {
                let document = Value::from(&*text).to_string();
                let (redacted, is_changed) = redact(&[("key", value)], &document);
                assert!(is_changed, "{value:?} at {depth}");
                let redacted: Value = serde_json::from_str(&redacted).unwrap();
                assert_eq!(redacted, Value::from(&*expected), "{value:?} at {depth}");
                text = serde_json::json!({"a": text}).to_string();
                expected = serde_json::json!({"a": expected}).to_string();
            }
        }
    }
}

#[test]
fn lone_surrogates_hide_nothing() {
    assert_redacted(
        r#"["\udc00s3cr3t \"val\"\ud800\ud800\u0041"]"#,
        "[\"\u{fffd}[secret:key]\u{fffd}\u{fffd}A\"]",
    );
    assert_redacted(r#"["\udc00s3cr3t \"va\""]"#, r#"["\udc00s3cr3t \"va\""]"#);
}

#[test]
fn names_that_become_equal_are_kept() {
    let values = [("a", "first-value"), ("a", "other-value")];
    assert_eq!(
        redact(&values, r#"{"first-value":1,"other-value":2}"#).0,
        r#"{"[secret:a]":1,"[secret:a]":2}"#
    );
}

#[test]
fn depth_costs_nothing() {
    let document = format!("{}\"first-value\"{}", "[".repeat(900), "]".repeat(900));
    let (redacted, _) = redact(&[("a", "first-value")], &document);
    assert_eq!(redacted, document.replace("first-value", "[secret:a]"));
}

#[test]
fn without_values_a_document_is_copied() {
    let document = r#"{"a":["%41%42","&amp;",1234567890]}"#;
    assert_eq!(redact(&[], document), (document.to_owned(), false));
}

/// The expected document: each string on its own, numbers that are values as strings.
fn expected(redactor: &Redactor, value: &Value) -> Value {
    let text = |text: &str| redactor.text(text).unwrap_or_else(|| text.to_owned());
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Number(number) => redactor
            .text(&number.to_string())
            .map_or_else(|| value.clone(), Value::String),
        Value::Array(elements) => elements
            .iter()
            .map(|element| expected(redactor, element))
            .collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (text(name), expected(redactor, value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// `value` with `planted` in its strings and names, and in place of some numbers.
fn plant(value: Value, planted: &str) -> Value {
    match value {
        Value::String(text) => {
            Value::String(text.replace(['a', '"', '\\', '\u{0}'], planted) + planted)
        }
        Value::Number(number) if number.is_f64() => Value::from(1_234_567_890),
        Value::Array(elements) => elements
            .into_iter()
            .map(|element| plant(element, planted))
            .collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name + planted, plant(value, planted)))
                .collect(),
        ),
        other => other,
    }
}

proptest! {
    #[test]
    fn the_only_differences_are_in_redacted_strings(
        value in crate::json::tests::properties::json(),
        planted in prop::sample::select(vec!["", "p\"q\\r&s<t>u", "cCFxXHImczx0PnU", "%70\"q\\\\r&amp;s<t>u", "1234567890"]),
    ) {
        let redactor = looks_for([("key", "p\"q\\r&s<t>u"), ("pin", "1234567890")]);
        let value = plant(value, planted);
        let document = value.to_string();
        let mut out = Vec::new();
        let is_changed = redactor.json(parse_text(&document).unwrap(), &mut out);
        prop_assert!(parse(&out).is_ok());
        let redacted: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&redacted, &expected(&redactor, &value));
        prop_assert_eq!(is_changed, out != document.as_bytes());
    }
}

#[test]
fn the_values_in_a_document_are_told_once_each_in_the_order_in_which_they_were_added() {
    let redactor = Redactor::new(&super::key());
    let [one, other, third] = [
        "the first value",
        "the other value",
        "a value that is not there",
    ]
    .map(|value| redactor.add("key", value).unwrap());
    let document =
        r#"{"the other value":["the first value","dGhlIG90aGVyIHZhbHVl"],"x":"the first value"}"#;
    let found = redactor.found(parse_text(document).unwrap());
    assert_eq!(found, [one, other]);
    assert!(!found.contains(&third));
    redactor.remove(one);
    assert_eq!(redactor.found(parse_text(document).unwrap()), [other]);
    assert!(redactor.found(parse_text("{}").unwrap()).is_empty());
}

#[test]
fn a_string_or_a_number_of_eight_characters_is_searched() {
    let (redacted, is_changed) = redact(
        &[("key", "exactly8"), ("pin", "12345678")],
        r#"{"exactly8":["exactly8",12345678,"exactly","1234567"]}"#,
    );
    let expected = r#"{"[secret:key]":["[secret:key]","[secret:pin]","exactly","1234567"]}"#;
    assert_eq!((&*redacted, is_changed), (expected, true));
}

#[test]
fn a_value_is_not_found_across_two_strings() {
    let (first, second) = ("k7Kq2mZv9RtB4nWc8LsD1fGh", "6JpY3aQe5TuVuLs8XwNf3cYh");
    let value = format!("{first}{second}");
    // The other value makes both strings be read.
    let values = [("key", &*value), ("other", "k3y-with-letters")];
    let document = format!(r#"["k3y-with-letters {first}","{second} k3y-with-letters"]"#);
    let expected = document.replace("k3y-with-letters", "[secret:other]");
    assert_eq!(redact(&values, &document), (expected, true));
}
