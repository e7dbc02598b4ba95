//! Arguments inside other arguments, hidden by a JSON Pointer.

use std::collections::BTreeSet;

use super::{cleaned, names};
use crate::mcp::schema::CannotClean;
use crate::mcp::schema::definition::declared;
use crate::mcp::schema::document::Document;
use toolvault_core::json::parse_text;

fn check(table: &[(&str, &str)]) {
    for (before, after) in table {
        let hidden = ["/params/api_key", "/a/b~1c/~0"];
        let cleaned = cleaned(before, &hidden).unwrap_or_else(|error| panic!("{before}: {error}"));
        assert_eq!(cleaned.as_deref().unwrap_or(before), *after, "{before}");
    }
}

#[test]
fn a_member_of_an_argument_is_taken_out() {
    check(&[
        (
            r#"{"properties":{"params":{"properties":{"api_key":{},"q":{}},"required":["q","api_key"]},"api_key":{}},"required":["params"]}"#,
            r#"{"properties":{"params":{"properties":{"q":{}},"required":["q"]},"api_key":{}},"required":["params"]}"#,
        ),
        (
            r#"{"properties":{"a":{"properties":{"b/c":{"properties":{"~":{},"~0":{}}}}}}}"#,
            r#"{"properties":{"a":{"properties":{"b/c":{"properties":{"~0":{}}}}}}}"#,
        ),
        // Alternatives, and an optional model.
        (
            r#"{"properties":{"params":{"anyOf":[{"required":["api_key"]},{"type":"null"}],"default":{"api_key":"","q":1}}},"examples":[{"params":{"api_key":"x","q":1},"api_key":2}]}"#,
            r#"{"properties":{"params":{"anyOf":[{},{"type":"null"}],"default":{"q":1}}},"examples":[{"params":{"q":1},"api_key":2}]}"#,
        ),
        // An item of a list is another object.
        (
            r#"{"properties":{"params":{"items":{"properties":{"api_key":{}}}}}}"#,
            r#"{"properties":{"params":{"items":{"properties":{"api_key":{}}}}}}"#,
        ),
    ]);
}

#[test]
fn one_model_as_the_only_argument_is_cleaned() {
    check(&[(
        r##"{"properties":{"params":{"$ref":"#/$defs/P"}},"required":["params"],"$defs":{"P":{"properties":{"api_key":{"$ref":"#/$defs/K"},"q":{}},"required":["api_key"]},"K":{}}}"##,
        r##"{"properties":{"params":{"$ref":"#/$defs/P"}},"required":["params"],"$defs":{"P":{"properties":{"q":{}}}}}"##,
    )]);
    // Two arguments of one model, without the same member.
    let before = r##"{"properties":{"a":{"$ref":"#/$defs/P"},"b":{"$ref":"#/$defs/P"}},"$defs":{"P":{"properties":{"x":{},"y":{}}}}}"##;
    let after = before.replace(r#""x":{},"#, "");
    let hidden = ["/a/x", "/b/x"];
    assert_eq!(cleaned(before, &hidden).unwrap(), Some(after));
    // One of them keeps the member, or loses another.
    for hidden in [&["/a/x"][..], &["/a/x", "/b/y"]] {
        assert_eq!(cleaned(before, hidden), Err(CannotClean::Reference));
    }
}

#[test]
fn a_pointer_wins_over_the_argument_that_holds_it() {
    let schema = r#"{"properties":{"params":{"properties":{"key":{},"q":{}}}}}"#;
    let without = r#"{"properties":{"params":{"properties":{"q":{}}}}}"#;
    let hidden = ["params", "/params/key"];
    assert_eq!(cleaned(schema, &hidden).unwrap().as_deref(), Some(without));
    let pointer = ["/params"];
    let gone = Some(r#"{"properties":{}}"#);
    assert_eq!(cleaned(schema, &pointer).unwrap().as_deref(), gone);
}

#[test]
fn members_are_declared_in_branches_and_through_references() {
    let schema = r##"{"properties":{"params":{"anyOf":[{"$ref":"#/$defs/P"},{"type":"null"}]},"q":{}},"$defs":{"P":{"properties":{"key":{},"inner":{"required":["deep"]}}}}}"##;
    let document = Document::new(parse_text(schema).unwrap());
    let declared = |path: &[&str]| -> BTreeSet<String> {
        let path: Vec<_> = path.iter().map(|name| (*name).to_owned()).collect();
        let declared = declared(&document, &path).unwrap();
        declared.into_keys().collect()
    };
    assert_eq!(declared(&[]), names(&["params", "q"]));
    assert_eq!(declared(&["params"]), names(&["key", "inner"]));
    assert_eq!(declared(&["params", "inner"]), names(&["deep"]));
    assert_eq!(declared(&["q"]), names(&[]));
    assert_eq!(declared(&["none", "inner"]), names(&[]));
}
