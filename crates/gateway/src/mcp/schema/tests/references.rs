//! References: what they lead to is cleaned for the arguments and stays for everything else.

use super::{check, cleaned};
use crate::mcp::schema::CannotClean;

#[test]
fn a_definition_of_the_arguments_alone_is_cleaned_where_it_is() {
    check(&[
        (
            r##"{"$ref":"#/$defs/Args","$defs":{"Args":{"properties":{"key":{},"a":{}},"required":["key"]}}}"##,
            r##"{"$ref":"#/$defs/Args","$defs":{"Args":{"properties":{"a":{}}}}}"##,
        ),
        (
            r##"{"$ref":"#/definitions/a%20~1~0b","definitions":{"a /~b":{"$ref":"#/definitions/c"},"c":{"required":["key"]}}}"##,
            r##"{"$ref":"#/definitions/a%20~1~0b","definitions":{"a /~b":{"$ref":"#/definitions/c"},"c":{}}}"##,
        ),
        // Used twice, cleaned once.
        (
            r##"{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}],"$defs":{"A":{"required":["key","a"]}}}"##,
            r##"{"anyOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}],"$defs":{"A":{"required":["a"]}}}"##,
        ),
    ]);
}

#[test]
fn references_to_what_stays_are_kept() {
    check(&[
        // A part of a definition that was cleaned where it is.
        (
            r##"{"$ref":"#/$defs/A","properties":{"p":{"$ref":"#/$defs/A/properties/a"}},"$defs":{"A":{"properties":{"key":{"x":1},"a":{}}}}}"##,
            r##"{"$ref":"#/$defs/A","properties":{"p":{"$ref":"#/$defs/A/properties/a"}},"$defs":{"A":{"properties":{"a":{}}}}}"##,
        ),
        (
            r##"{"properties":{"key":{},"a":{"x":1},"b":{"$ref":"#/properties/a"},"default":{"$ref":"#/$defs/D"}},"$defs":{"D":{"items":{"$ref":"#/$defs/D"}}}}"##,
            r##"{"properties":{"a":{"x":1},"b":{"$ref":"#/properties/a"},"default":{"$ref":"#/$defs/D"}},"$defs":{"D":{"items":{"$ref":"#/$defs/D"}}}}"##,
        ),
        (
            r##"{"anyOf":[{"required":["a"]},{"$ref":"#/anyOf/0"}]}"##,
            r##"{"anyOf":[{"required":["a"]},{"$ref":"#/anyOf/0"}]}"##,
        ),
    ]);
}

#[test]
fn what_something_else_refers_to_cannot_be_taken_out() {
    for schema in [
        r##"{"properties":{"key":{"type":"string"},"a":{"$ref":"#/properties/key"}}}"##,
        r##"{"properties":{"key":{"x":1},"default":{"$ref":"#/properties/key"}}}"##,
        r##"{"$ref":"#/$defs/A","properties":{"o":{"$ref":"#/$defs/A/properties/key"}},"$defs":{"A":{"properties":{"key":{"x":1}}}}}"##,
        // A definition of a nested object too.
        r##"{"$ref":"#/$defs/N","$defs":{"N":{"properties":{"key":{},"n":{"$ref":"#/$defs/N"}}}}}"##,
        r##"{"allOf":[{"$ref":"#/$defs/A"}],"properties":{"o":{"items":{"$ref":"#/$defs/B"}}},"$defs":{"A":{"required":["key"]},"B":{"$ref":"#/$defs/A"}}}"##,
        r##"{"properties":{"key":{},"c":{"items":{"$ref":"#"}}}}"##,
        // A list that is called otherwise now.
        r##"{"oneOf":[{"required":["key"]},{"required":["a"]}],"properties":{"o":{"$ref":"#/oneOf/1"}}}"##,
        r##"{"oneOf":[{"required":["key"]},{"required":["a"]}],"allOf":[{"$ref":"#/oneOf/1"}]}"##,
        // Not a definition.
        r##"{"allOf":[{"$ref":"#/x"}],"x":{"required":["key"]}}"##,
        // In data; it would dangle if it were a reference.
        r##"{"properties":{"key":{},"a":{"const":{"$ref":"#/properties/key"}}}}"##,
    ] {
        let cleaned = cleaned(schema, &["key"]);
        assert_eq!(cleaned, Err(CannotClean::Reference), "{schema}");
    }
}

#[test]
fn definitions_that_are_not_used_are_dropped() {
    check(&[
        // Only the hidden argument used it.
        (
            r##"{"properties":{"key":{"$ref":"#/$defs/K"},"a":{"$ref":"#/$defs/A"}},"$defs":{"K":{"title":"Key"},"A":{ "x":1.0 }}}"##,
            r##"{"properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{ "x":1.0 }}}"##,
        ),
        (
            r##"{"properties":{"key":{}},"definitions":{"B":{"$ref":"#/properties/key"},"C":{"$ref":"#/definitions/B"}}}"##,
            r#"{"properties":{}}"#,
        ),
        (
            r##"{"allOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"properties":{"key":{"x":1}}},"B":{"$ref":"#/$defs/A/properties/key"},"C":{"$ref":"#/$defs/A"}}}"##,
            r##"{"allOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"properties":{}}}}"##,
        ),
    ]);
}

#[test]
fn what_cannot_be_followed_cannot_be_cleaned() {
    for schema in [
        r#"{"$ref":"https://a.example/s"}"#,
        r#"{"allOf":[{"$ref":"other.json#/a"}]}"#,
        r##"{"$ref":"#/$defs/none"}"##,
        r##"{"$ref":"#none"}"##,
        r##"{"$ref":"#/%ff"}"##,
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/$defs/A","$defs":{"A":{"allOf":[{"$ref":"#/$defs/A"}]}}}"##,
        r##"{"anyOf":[{"$ref":"#/anyOf/0"}]}"##,
        r##"{"$dynamicRef":"#a","$dynamicAnchor":"a"}"##,
        r##"{"$recursiveRef":"#"}"##,
        r##"{"allOf":[{"$id":"b","$ref":"#/$defs/A"}]}"##,
        r##"{"$ref":"#/$defs/A/$defs/B","$defs":{"A":{"$id":"a","$defs":{"B":{}}}}}"##,
        r##"{"properties":{"key":{},"n":{"$dynamicRef":"#/properties/key"}}}"##,
        // Anchors and URIs of the schema itself are not followed.
        r##"{"anyOf":[{"$ref":"#args"}],"$defs":{"A":{"$anchor":"args","required":["key"]}}}"##,
        r##"{"properties":{"key":{},"n":{"$ref":"#x"}},"$defs":{"A":{"$anchor":"x"}}}"##,
        r#"{"$id":"https://a.example/s","properties":{"key":{},"n":{"$ref":"https://a.example/s#/properties/key"}}}"#,
        r##"{"properties":{"key":{},"b":{"$id":"b","$ref":"#/properties/key"}}}"##,
    ] {
        assert_eq!(
            cleaned(schema, &["key"]),
            Err(CannotClean::Reference),
            "{schema}"
        );
    }
}

#[test]
fn references_that_are_none_of_the_arguments_may_lead_anywhere() {
    check(&[
        (
            r##"{"$id":"s","properties":{"key":{},"b":{"$ref":"#/nowhere"},"$ref":{}},"propertyNames":{"$ref":"#/$defs/A"},"$defs":{"A":{"type":"string"}}}"##,
            r##"{"$id":"s","properties":{"b":{"$ref":"#/nowhere"},"$ref":{}},"propertyNames":{"$ref":"#/$defs/A"},"$defs":{"A":{"type":"string"}}}"##,
        ),
        (
            r#"{"properties":{"key":{},"a":{"$ref":"https://a.example/s"}}}"#,
            r#"{"properties":{"a":{"$ref":"https://a.example/s"}}}"#,
        ),
    ]);
}
