//! Each keyword with a hidden `key`, and what is left of it.

use super::{check, cleaned, hidden_in, names};
use crate::mcp::schema::CannotClean;

#[test]
fn properties_and_requirements() {
    check(&[
        (
            r#"{"properties": {"a":{ "type":"string" },"key":{}}}"#,
            r#"{"properties":{"a":{ "type":"string" }}}"#,
        ),
        (
            r#"{"type":"object","properties":{"key":{},"a":{}},"required":["key","a"]}"#,
            r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"required":["key"]}"#,
            r#"{"properties":{}}"#,
        ),
        (r#"{"properties":{"k\u0065y":{}}}"#, r#"{"properties":{}}"#),
        (
            r#"{"properties":{"key":{},"pin":{},"a":{}},"required":["pin","key"],"additionalProperties":false}"#,
            r#"{"properties":{"a":{}},"additionalProperties":false}"#,
        ),
        // A property of the same name in a nested object is another thing.
        (
            r#"{"properties":{"a":{"properties":{"key":{}},"required":["key"]},"key":true}}"#,
            r#"{"properties":{"a":{"properties":{"key":{}},"required":["key"]}}}"#,
        ),
        (
            r#"{"properties":{"a":{"properties":{"key":{}}}}}"#,
            r#"{"properties":{"a":{"properties":{"key":{}}}}}"#,
        ),
        ("true", "true"),
        ("{}", "{}"),
        (r#"{"type":"object"}"#, r#"{"type":"object"}"#),
        (
            r#"{"description":"needs a key","title":"key"}"#,
            r#"{"description":"needs a key","title":"key"}"#,
        ),
    ]);
}

#[test]
fn what_depends_on_a_hidden_argument_always_applies() {
    check(&[
        (
            r#"{"properties":{"key":{}},"required":["a"],"dependentRequired":{"key":["a","b","pin"]}}"#,
            r#"{"properties":{},"required":["a","b"]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"dependentRequired":{"a":["key"],"b":["key","c"]}}"#,
            r#"{"properties":{},"dependentRequired":{"b":["c"]}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"dependentSchemas":{"key":{"required":["a"]},"b":{"required":["key","c"]}}}"#,
            r#"{"properties":{},"dependentSchemas":{"b":{"required":["c"]}},"allOf":[{"required":["a"]}]}"#,
        ),
        (
            r#"{"properties":{"key":{},"pin":{}},"allOf":[{}],"dependencies":{"key":["a"],"pin":{"maxProperties":9},"b":["key"]}}"#,
            r#"{"properties":{},"allOf":[{},{"maxProperties":9}],"required":["a"]}"#,
        ),
        (
            r#"{"dependentRequired":{"key":["a"]}}"#,
            r#"{"required":["a"]}"#,
        ),
    ]);
}

#[test]
fn a_least_number_of_arguments_is_dropped_because_hidden_ones_count() {
    check(&[
        (
            r#"{"properties":{"key":{},"pin":{}},"minProperties":3,"maxProperties":4.0}"#,
            r#"{"properties":{},"maxProperties":4.0}"#,
        ),
        (
            r#"{"properties":{"key":{}},"minProperties":1,"x":"$ref"}"#,
            r#"{"properties":{},"x":"$ref"}"#,
        ),
    ]);
}

#[test]
fn branches_are_cleaned_and_one_of_several_becomes_any_of_them() {
    check(&[
        (
            r#"{"allOf":[{"properties":{"key":{}}},{"required":["key","a"]},{"title":"x"}]}"#,
            r#"{"allOf":[{"properties":{}},{"required":["a"]},{"title":"x"}]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"oneOf":[{"required":["key"]},{"required":["user"]}]}"#,
            r#"{"properties":{},"anyOf":[{},{"required":["user"]}]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"oneOf":[{"required":["a"]},{"required":["b"]}]}"#,
            r#"{"properties":{},"oneOf":[{"required":["a"]},{"required":["b"]}]}"#,
        ),
        // With the key a second branch would not hold; without it, it does.
        (
            r#"{"properties":{"key":{}},"oneOf":[{"required":["a"]},{"properties":{"a":{}},"additionalProperties":false}]}"#,
            r#"{"properties":{},"anyOf":[{"required":["a"]},{"properties":{"a":{}},"additionalProperties":false}]}"#,
        ),
        (
            r#"{"anyOf":[{"required":["a"]}],"oneOf":[{"required":["key"]},{"required":["b"]}]}"#,
            r#"{"anyOf":[{"required":["a"]}],"allOf":[{"anyOf":[{},{"required":["b"]}]}]}"#,
        ),
    ]);
}

#[test]
fn a_condition_stays_if_no_hidden_argument_matters_to_it() {
    check(&[
        (
            r#"{"properties":{"key":{}},"not":{"properties":{"a":{"const":1}}}}"#,
            r#"{"properties":{},"not":{"properties":{"a":{"const":1}}}}"#,
        ),
        (
            r##"{"properties":{"key":{}},"not":{"oneOf":[{"$ref":"#/$defs/b"},{"required":["a"]}]},"$defs":{"b":{"required":["b"],"type":"object","additionalProperties":true}}}"##,
            r##"{"properties":{},"not":{"oneOf":[{"$ref":"#/$defs/b"},{"required":["a"]}]},"$defs":{"b":{"required":["b"],"type":"object","additionalProperties":true}}}"##,
        ),
        (
            r#"{"properties":{"key":{}},"if":{"required":["a"]},"then":{"required":["b","key"]},"else":{"properties":{"key":{}}}}"#,
            r#"{"properties":{},"if":{"required":["a"]},"then":{"required":["b"]},"else":{"properties":{}}}"#,
        ),
    ]);
}

#[test]
fn a_condition_on_a_hidden_argument_is_not_cleaned() {
    for condition in [
        r#"{"required":["key","a"]}"#,
        r#"{"properties":{"key":{"const":1}}}"#,
        r#"{"additionalProperties":false}"#,
        r#"{"maxProperties":0}"#,
        r#"{"anyOf":[{"required":["a"]},{"not":{"required":["key"]}}]}"#,
        r##"{"$ref":"#/$defs/k"}"##,
    ] {
        for keyword in ["not", "if"] {
            let schema = format!(
                r#"{{"properties":{{"key":{{}}}},"{keyword}":{condition},"$defs":{{"k":{{"required":["key"]}}}}}}"#
            );
            let cleaned = cleaned(&schema, &["key"]);
            assert_eq!(cleaned, Err(CannotClean::Condition), "{schema}");
        }
    }
}

#[test]
fn a_name_in_another_keyword_is_not_cleaned() {
    for keyword in [
        r#""propertyNames":{"enum":["a","key"]}"#,
        r#""propertyNames":{"anyOf":[{"const":"key"},{"not":{"enum":["pin","b"]}}]}"#,
        r#""propertyNames":{"pattern":"^key|a"}"#,
        r#""patternProperties":{"^(key|a)$":{}}"#,
        r#""patternProperties":{"^k\\ey$":{}}"#,
        r#""propertyOrdering":["a","key"]"#,
        r#""x-main":"key""#,
        r#""x-groups":{"a":["key"]}"#,
        r#""x-groups":{"key":1}"#,
        r#""discriminator":{"propertyName":"key"}"#,
    ] {
        let schema = format!(r#"{{"properties":{{"key":{{}}}},{keyword}}}"#);
        let cleaned = cleaned(&schema, &["key"]);
        assert_eq!(cleaned, Err(CannotClean::Remains), "{schema}");
    }
    check(&[(
        r#"{"properties":{"key":{}},"patternProperties":{"^monkey_":{}},"propertyOrdering":["a"],"x":"the key"}"#,
        r#"{"properties":{},"patternProperties":{"^monkey_":{}},"propertyOrdering":["a"],"x":"the key"}"#,
    )]);
}

#[test]
fn whole_sets_of_arguments() {
    check(&[
        (
            r#"{"properties":{"key":{}},"examples":[{"key":"k","a": 1.0},{"b":{"key":1}},"key"],"default":{"key":""},"example":{"pin":0,"a":[]}}"#,
            r#"{"properties":{},"examples":[{"a":1.0},{"b":{"key":1}},"key"],"default":{},"example":{"a":[]}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"const":{"key":1,"a":2},"enum":[{"key":1},{"a":1}]}"#,
            r#"{"properties":{},"const":{"a":2},"enum":[{},{"a":1}]}"#,
        ),
    ]);
}

#[test]
fn the_rest_of_the_tool_stays_as_it_was_spelled() {
    let before = r#"{ "name":"t","x": [1e400,  "key"],"inputSchema":{"properties":{"key":{},"a":{"enum":[1.0 , 1e400]}}},"outputSchema":{"properties":{"key":{}}},"inputExamples":[{"key":"k"},{"a":1}],"_meta":{"key":1} }"#;
    let after = r#"{"name":"t","x":[1e400,  "key"],"inputSchema":{"properties":{"a":{"enum":[1.0 , 1e400]}}},"outputSchema":{"properties":{"key":{}}},"inputExamples":[{},{"a":1}],"_meta":{"key":1}}"#;
    let hidden = names(&["key"]);
    assert_eq!(hidden_in(before, &hidden).unwrap().as_deref(), Some(after));
    assert_eq!(hidden_in(after, &hidden), Ok(None));
    assert_eq!(hidden_in(before, &names(&["other"])), Ok(None));
    assert_eq!(hidden_in(before, &names(&[])), Ok(None));
    assert_eq!(hidden_in(r#"{"name":"t"}"#, &hidden), Ok(None));
}

#[test]
fn what_readers_disagree_about_is_not_cleaned() {
    for schema in [
        r#"{"properties":{"key":{}},"properties":{}}"#,
        r#"{"properties":{"key":{},"a":{},"a":{}}}"#,
        r#"{"properties":["key"]}"#,
        r#"{"required":"key"}"#,
        r#"{"allOf":{"required":["key"]}}"#,
        r#"{"required":["key"],"properties":{"\ud800":{}}}"#,
        r#"["key"]"#,
    ] {
        assert_eq!(
            cleaned(schema, &["key"]),
            Err(CannotClean::Ambiguous),
            "{schema}"
        );
    }
    let twice = r#"{"name":"t","inputSchema":{"properties":{"key":{}}},"inputSchema":{}}"#;
    assert_eq!(
        hidden_in(twice, &names(&["key"])),
        Err(CannotClean::Ambiguous)
    );
}
