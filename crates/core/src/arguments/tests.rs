//! Arguments pass unchanged, and inserted ones can be read back.

use proptest::prelude::*;

use super::*;

fn arguments(document: &str) -> Arguments {
    Arguments::from_object(json::parse_text(document).unwrap().as_object().unwrap()).unwrap()
}

fn path(text: &str) -> ArgumentPath<'_> {
    ArgumentPath::parse(text).unwrap()
}

fn written(arguments: &Arguments) -> String {
    let mut out = Vec::new();
    arguments.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_spelling_is_kept() {
    let document = r#" {"a" : 1.0, "b": 1e400 ,"c":123456789012345678901234567890,"d":{ "x" :[1 ,2 ] , "x":"\u00e9"},"e":"\u0061\/"} "#;
    let expected = r#"{"a":1.0,"b":1e400,"c":123456789012345678901234567890,"d":{ "x" :[1 ,2 ] , "x":"\u00e9"},"e":"\u0061\/"}"#;
    assert_eq!(written(&arguments(document)), expected);
    assert_eq!(written(&Arguments::new()), "{}");
}

#[test]
fn the_buffer_does_not_grow_while_arguments_are_written() {
    let mut out = Vec::new();
    arguments(r#"{"a\n":"12345678","b":[1,2,3],"c":"value"}"#).write_json(&mut out);
    // One comma too many is reserved.
    assert_eq!(out.capacity(), out.len() + 1);
}

#[test]
fn absent_and_null_are_not_received_and_an_empty_string_is() {
    let arguments = arguments(r#"{"empty":"","null":null,"false":false,"zero":0}"#);
    assert!(
        ["empty", "false", "zero"]
            .iter()
            .all(|name| arguments.is_received(path(name)))
    );
    assert!(!arguments.is_received(path("null")) && !arguments.is_received(path("absent")));
    assert!(arguments.contains("null") && !arguments.contains("absent"));
    assert!(!arguments.is_empty() && Arguments::new().is_empty());
    assert_eq!(arguments.get_text("empty").unwrap().as_str(), "");
    assert!(arguments.get_text("zero").is_none());
}

#[test]
fn the_last_of_a_name_wins_at_the_place_of_the_first() {
    let arguments = arguments(r#"{"b":1,"a":2,"\u0062":3}"#);
    assert_eq!(arguments.names().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(written(&arguments), r#"{"b":3,"a":2}"#);
}

#[test]
fn inserted_text_takes_the_place_of_what_was_there_or_comes_last() {
    let mut arguments = arguments(r#"{"token":null,"a":1}"#);
    arguments.insert_text(path("token"), "a\"b\n\u{1}é");
    arguments.insert_text(path("Zeta"), "z");
    arguments.insert_text(path("token\""), "q");
    assert_eq!(
        written(&arguments),
        r#"{"token":"a\"b\n\u0001é","a":1,"Zeta":"z","token\"":"q"}"#
    );
    assert_eq!(
        arguments.get_text("token").unwrap().as_str(),
        "a\"b\n\u{1}é"
    );
    assert_eq!(arguments.len(), 4);
}

#[test]
fn a_name_with_a_lone_surrogate_is_refused() {
    let object = json::parse_text(r#"{"\ud800":1}"#)
        .unwrap()
        .as_object()
        .unwrap();
    assert!(Arguments::from_object(object).is_err());
}

proptest! {
    #[test]
    fn behaves_as_an_ordered_map(start in prop::collection::vec(("[a-d\"é]{0,2}", "[a-c]{0,2}"), 0..8), inserts in prop::collection::vec(("[a-d\"é]{0,2}", any::<String>()), 0..8), removals in prop::collection::vec("[a-d\"é]{0,2}", 0..8)) {
        let mut model: Vec<(String, String)> = Vec::new();
        let set = |model: &mut Vec<(String, String)>, name: &str, text: &str| {
            match model.iter_mut().find(|(known, _)| known == name) {
                Some(member) => member.1 = text.to_owned(),
                None => model.push((name.to_owned(), text.to_owned())),
            }
        };
        let members: Vec<_> = start.iter().map(|(name, text)| format!("{} : {} ", serde_json::json!(name), serde_json::json!(text))).collect();
        let mut arguments = arguments(&format!("{{ {} }}", members.join(",")));
        for (name, text) in &start {
            set(&mut model, name, text);
        }
        for (name, text) in &inserts {
            arguments.insert_text(path(name), text);
            set(&mut model, name, text);
        }
        for name in &removals {
            arguments.remove(path(name));
            model.retain(|(known, _)| known != name);
            for (name, text) in &model {
                let found = arguments.get_text(name).unwrap();
                prop_assert_eq!(found.as_str(), text);
            }
            prop_assert!(!arguments.contains(name));
        }
        let found: Vec<_> = arguments.names().map(|name| (name.to_owned(), arguments.get_text(name).unwrap().as_str().to_owned())).collect();
        prop_assert_eq!(&found, &model);
        let members: Vec<_> = model.iter().map(|(name, text)| format!("{}:{}", serde_json::json!(name), serde_json::json!(text))).collect();
        prop_assert_eq!(written(&arguments), format!("{{{}}}", members.join(",")));
    }
}

#[test]
fn what_is_taken_out_is_gone_and_the_rest_stays_in_order() {
    let text = r#"{"c":1.0,"a":"x","b":[ ]}"#;
    for (removed, rest) in [
        ("c", r#"{"a":"x","b":[ ]}"#),
        ("a", r#"{"c":1.0,"b":[ ]}"#),
        ("b", r#"{"c":1.0,"a":"x"}"#),
        ("d", r#"{"c":1.0,"a":"x","b":[ ]}"#),
    ] {
        let object = json::parse_text(text).unwrap().as_object().unwrap();
        let mut arguments = Arguments::from_object(object).unwrap();
        arguments.remove(path(removed));
        let mut written = Vec::new();
        arguments.write_json(&mut written);
        assert_eq!(written, rest.as_bytes());
        assert!(!arguments.contains(removed));
        arguments.insert_text(path(removed), "new");
        assert_eq!(arguments.get_text(removed).unwrap().as_str(), "new");
    }
}

#[test]
fn a_value_is_put_inside_an_argument_and_the_rest_keeps_its_spelling() {
    for (before, pointer, after) in [
        ("{}", "/params/key", Some(r#"{"params":{"key":"v\n"}}"#)),
        (
            r#"{"params":null}"#,
            "/params/key",
            Some(r#"{"params":{"key":"v\n"}}"#),
        ),
        (
            r#"{"a":1.0,"params":{ "q" : 1e400 ,"key":null, "\u0071\/":[ 1 ]},"b":"\u0062"}"#,
            "/params/key",
            Some(r#"{"a":1.0,"params":{"q":1e400,"key":"v\n","q/":[ 1 ]},"b":"\u0062"}"#),
        ),
        (
            r#"{"a":{"b":{"c":0}}}"#,
            "/a/b/d",
            Some(r#"{"a":{"b":{"c":0,"d":"v\n"}}}"#),
        ),
        (
            r#"{"a":{}}"#,
            "/a/b~1c/~0",
            Some(r#"{"a":{"b/c":{"~":"v\n"}}}"#),
        ),
        (
            r#"{"a":{"k":1,"k":2}}"#,
            "/a/k",
            Some(r#"{"a":{"k":"v\n"}}"#),
        ),
        (r#"{"a":{"0":1}}"#, "/a/0", Some(r#"{"a":{"0":"v\n"}}"#)),
        ("{}", "/", Some(r#"{"":"v\n"}"#)),
        (r#"{"token":1}"#, "/token", Some(r#"{"token":"v\n"}"#)),
        (r#"{"params":"text"}"#, "/params/key", None),
        (r#"{"params":""}"#, "/params/key", None),
        (r#"{"params":[{}]}"#, "/params/0/key", None),
        (r#"{"params":{"key":7}}"#, "/params/key/x", None),
        (r#"{"params":{"\ud800":1}}"#, "/params/key", None),
    ] {
        let mut arguments = arguments(before);
        let is_put = arguments.insert_text(path(pointer), "v\n");
        assert_eq!(is_put, after.is_some(), "{before} {pointer}");
        assert_eq!(
            written(&arguments),
            after.unwrap_or(before),
            "{before} {pointer}"
        );
        assert_eq!(
            arguments.is_received(path(pointer)),
            is_put,
            "{before} {pointer}"
        );
    }
}

#[test]
fn what_is_inside_an_argument_is_taken_out() {
    for (before, pointer, after) in [
        (
            r#"{"p":{"a": 1.0,"key":"x","b":2},"q":0}"#,
            "/p/key",
            r#"{"p":{"a":1.0,"b":2},"q":0}"#,
        ),
        (r#"{"p":{"key":"x","key":null}}"#, "/p/key", r#"{"p":{}}"#),
        (r#"{"p":{ "a":1}}"#, "/p/key", r#"{"p":{ "a":1}}"#),
        (r#"{"p":{"a":{"key":1}}}"#, "/p/a/key", r#"{"p":{"a":{}}}"#),
        (r#"{"p":[{"key":1}]}"#, "/p/0/key", r#"{"p":[{"key":1}]}"#),
        (r#"{"p":"key"}"#, "/p/key", r#"{"p":"key"}"#),
        (r#"{"key":1,"a":2}"#, "/key", r#"{"a":2}"#),
    ] {
        let mut arguments = arguments(before);
        arguments.remove(path(pointer));
        assert_eq!(written(&arguments), after, "{before} {pointer}");
        assert!(!arguments.is_received(path(pointer)));
    }
}

proptest! {
    #[test]
    fn what_is_put_at_a_place_is_there_until_it_is_taken_out(
        start in prop::collection::btree_map("[ab/~]{1,2}", "[0-9]|\\{\"[ab]\":1\\}", 0..4),
        steps in prop::collection::vec("[ab/~]{0,2}", 1..4),
        text in any::<String>(),
    ) {
        let members: Vec<_> = start.iter().map(|(name, value)| format!("{}:{value}", serde_json::json!(name))).collect();
        let before = format!("{{{}}}", members.join(","));
        let mut arguments = arguments(&before);
        let pointer = ArgumentPath::pointer(&steps);
        let is_blocked = matches!(arguments.at(path(&pointer)), Found::Blocked);
        prop_assert_eq!(arguments.insert_text(path(&pointer), &text), !is_blocked);
        if is_blocked {
            prop_assert_eq!(written(&arguments), before);
            return Ok(());
        }
        let after: serde_json::Value = serde_json::from_str(&written(&arguments)).unwrap();
        prop_assert_eq!(after.pointer(&pointer).and_then(serde_json::Value::as_str), Some(text.as_str()));
        arguments.remove(path(&pointer));
        prop_assert!(matches!(arguments.at(path(&pointer)), Found::Nothing));
        // Every other argument stays as it was.
        for (name, value) in start.iter().filter(|(name, _)| **name != steps[0]) {
            prop_assert_eq!(arguments.raw(name), Some(value.as_str()));
        }
    }
}
