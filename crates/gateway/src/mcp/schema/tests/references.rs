//! References: what they lead to is cleaned for the arguments and stays for everything else.

use super::{check, cleaned};
use crate::mcp::schema::CannotClean;

#[test]
fn a_definition_of_the_arguments_alone_is_cleaned_where_it_is() {
    check(&[
        (
            r##"{"$ref":"#/$defs/Args","$defs":{"Args":{"properties":{"key":{},"a":{}},"required":["key"]},"O":{"x":1.0}}}"##,
            r##"{"$ref":"#/$defs/Args","$defs":{"Args":{"properties":{"a":{}}},"O":{"x":1.0}}}"##,
        ),
        (
            r##"{"$ref":"#/definitions/a%20~1~0b","definitions":{"a /~b":{"$ref":"#/definitions/c"},"c":{"required":["key"]}}}"##,
            r##"{"$ref":"#/definitions/a%20~1~0b","definitions":{"a /~b":{"$ref":"#/definitions/c"},"c":{}}}"##,
        ),
        (
            r##"{"anyOf":[{"$ref":"#args"},{"$ref":"#/$defs/B"}],"$defs":{"A":{"$anchor":"args","required":["key"]},"B":{"required":["b"]}}}"##,
            r##"{"anyOf":[{"$ref":"#args"},{"$ref":"#/$defs/B"}],"$defs":{"A":{"$anchor":"args"},"B":{"required":["b"]}}}"##,
        ),
        (
            r#"{"$id":"https://a.example/s","allOf":[{"$ref":"https://a.example/s#/$defs/A"}],"$defs":{"A":{"required":["key"]}}}"#,
            r#"{"$id":"https://a.example/s","allOf":[{"$ref":"https://a.example/s#/$defs/A"}],"$defs":{"A":{}}}"#,
        ),
        // Used twice, cleaned once.
        (
            r##"{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}],"$defs":{"A":{"required":["key","a"]}}}"##,
            r##"{"anyOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}],"$defs":{"A":{"required":["a"]}}}"##,
        ),
    ]);
}

#[test]
fn a_shared_definition_is_copied() {
    check(&[
        (
            r##"{"$ref":"#/$defs/N","$defs":{"N":{"properties":{"key":{},"n":{"$ref":"#/$defs/N"}}}}}"##,
            r##"{"$ref":"#/$defs/arguments-1","$defs":{"N":{"properties":{"key":{},"n":{"$ref":"#/$defs/N"}}},"arguments-1":{"properties":{"n":{"$ref":"#/$defs/N"}}}}}"##,
        ),
        (
            r##"{"allOf":[{"$ref":"#/definitions/A"}],"properties":{"o":{"items":{"$ref":"#/definitions/B"}}},"definitions":{"A":{"required":["key"]},"B":{"$ref":"#/definitions/A"},"arguments-1":{}}}"##,
            r##"{"allOf":[{"$ref":"#/definitions/arguments-2"}],"properties":{"o":{"items":{"$ref":"#/definitions/B"}}},"definitions":{"A":{"required":["key"]},"B":{"$ref":"#/definitions/A"},"arguments-1":{},"arguments-2":{}}}"##,
        ),
        // Only the hidden argument refers to it.
        (
            r##"{"$ref":"#/$defs/A","$defs":{"A":{"properties":{"key":{"$ref":"#/$defs/A"}}}}}"##,
            r##"{"$ref":"#/$defs/A","$defs":{"A":{"properties":{}}}}"##,
        ),
    ]);
}

#[test]
fn what_was_taken_out_stays_for_those_who_refer_to_it() {
    check(&[
        (
            r##"{"properties":{"key":{"type":"string"},"a":{"$ref":"#/properties/key"},"b":{"$ref":"#/properties/a"}}}"##,
            r##"{"properties":{"a":{"$ref":"#/$defs/arguments-1"},"b":{"$ref":"#/properties/a"}},"$defs":{"arguments-1":{"type":"string"}}}"##,
        ),
        // A nested object like the whole keeps the argument.
        (
            r##"{"$schema":"s","properties":{"key":{},"c":{"items":{"$ref":"#"}}},"$defs":{"X":{}}}"##,
            r##"{"$schema":"s","properties":{"c":{"items":{"$ref":"#/$defs/arguments-1"}}},"$defs":{"X":{},"arguments-1":{"properties":{"key":{},"c":{"items":{"$ref":"#/$defs/arguments-1"}}}}}}"##,
        ),
        // Nobody uses these definitions.
        (
            r##"{"allOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"properties":{"key":{"x":1}}},"B":{"$ref":"#/$defs/A/properties/key"},"C":{"$ref":"#/$defs/A"}}}"##,
            r##"{"allOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"properties":{}},"B":{"$ref":"#/$defs/arguments-1"},"C":{"$ref":"#/$defs/A"},"arguments-1":{"x":1}}}"##,
        ),
        // A part of a definition that was cleaned where it is.
        (
            r##"{"$ref":"#/$defs/A","properties":{"o":{"$ref":"#/$defs/A/properties/key"},"p":{"$ref":"#/$defs/A/properties/a"}},"$defs":{"A":{"properties":{"key":{"x":1},"a":{}}}}}"##,
            r##"{"$ref":"#/$defs/A","properties":{"o":{"$ref":"#/$defs/arguments-1"},"p":{"$ref":"#/$defs/A/properties/a"}},"$defs":{"A":{"properties":{"a":{}}},"arguments-1":{"x":1}}}"##,
        ),
        // What is unchanged, but in a list that is called otherwise now.
        (
            r##"{"oneOf":[{"required":["key"]},{"required":["a"]}],"properties":{"o":{"$ref":"#/oneOf/1"}},"allOf":[{"$ref":"#/oneOf/1"}]}"##,
            r##"{"anyOf":[{},{"required":["a"]}],"properties":{"o":{"$ref":"#/$defs/arguments-1"}},"allOf":[{"$ref":"#/$defs/arguments-1"}],"$defs":{"arguments-1":{"required":["a"]}}}"##,
        ),
        (
            r##"{"anyOf":[{"required":["a"]},{"$ref":"#/anyOf/0"}]}"##,
            r##"{"anyOf":[{"required":["a"]},{"$ref":"#/anyOf/0"}]}"##,
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
        r##"{"$ref":"#x","$defs":{"A":{"$anchor":"x"},"B":{"$anchor":"x"}}}"##,
        // A copy would make the anchor ambiguous.
        r##"{"$ref":"#/$defs/A","properties":{"n":{"$ref":"#x"}},"$defs":{"A":{"$anchor":"x","required":["key"]}}}"##,
        r##"{"properties":{"key":{},"n":{"$dynamicRef":"#/properties/key"}}}"##,
        r##"{"propertyNames":{"$ref":"#/$defs/A"},"$defs":{"A":{"enum":["key"]}}}"##,
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
            r##"{"properties":{"key":{},"a":{"$ref":"https://a.example/s"},"b":{"$ref":"#/nowhere"},"$ref":{}},"propertyNames":{"$ref":"#/$defs/A"},"$defs":{"A":{"type":"string"}}}"##,
            r##"{"properties":{"a":{"$ref":"https://a.example/s"},"b":{"$ref":"#/nowhere"},"$ref":{}},"propertyNames":{"$ref":"#/$defs/A"},"$defs":{"A":{"type":"string"}}}"##,
        ),
        (
            r##"{"properties":{"key":{},"a":{"const":{"$ref":"#/properties/key"}},"b":{"$id":"b","$ref":"#/properties/key"}}}"##,
            r##"{"properties":{"a":{"const":{"$ref":"#/properties/key"}},"b":{"$id":"b","$ref":"#/properties/key"}}}"##,
        ),
    ]);
}
