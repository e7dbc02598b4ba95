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
fn what_depends_on_a_hidden_argument_always_holds() {
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
            r#"{"properties":{"key":{}},"allOf":[{}],"dependencies":{"key":["a"],"pin":{"minProperties":9},"b":["key"]}}"#,
            r#"{"properties":{},"allOf":[{}],"required":["a"]}"#,
        ),
        // An argument that no schema declares is never filled in.
        (r#"{"dependentRequired":{"key":["a"]}}"#, "{}"),
    ]);
}

#[test]
fn numbers_of_arguments_count_the_hidden_ones_no_more() {
    check(&[
        (
            r#"{"properties":{"key":{},"pin":{}},"minProperties":3,"maxProperties":4.0}"#,
            r#"{"properties":{},"minProperties":1,"maxProperties":2}"#,
        ),
        (
            r#"{"properties":{"key":{},"pin":{}},"minProperties":1,"maxProperties":1}"#,
            r#"{"properties":{},"minProperties":0,"maxProperties":0}"#,
        ),
        (
            r#"{"properties":{"a":{}},"minProperties":1,"x":"$ref"}"#,
            r#"{"properties":{"a":{}},"minProperties":1,"x":"$ref"}"#,
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
fn what_is_denied_stays_while_it_is_certain() {
    check(&[
        (
            r#"{"properties":{"key":{}},"not":{"required":["key","a"]}}"#,
            r#"{"properties":{},"not":{"required":["a"]}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"not":{"required":["key"]}}"#,
            r#"{"properties":{}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"not":{"properties":{"key":{"const":1}}}}"#,
            r#"{"properties":{}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"not":{"properties":{"a":{"const":1}}}}"#,
            r#"{"properties":{},"not":{"properties":{"a":{"const":1}}}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"not":{"additionalProperties":false}}"#,
            r#"{"properties":{}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"not":{"oneOf":[{"required":["key"]},{"required":["a"]}]}}"#,
            r#"{"properties":{}}"#,
        ),
    ]);
}

#[test]
fn conditions_stay_while_they_are_certain() {
    check(&[
        (
            r#"{"properties":{"key":{}},"if":{"required":["key","a"]},"then":{"required":["b","key"]},"else":{"properties":{"key":{}}}}"#,
            r#"{"properties":{},"if":{"required":["a"]},"then":{"required":["b"]},"else":{"properties":{}}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"if":{"properties":{"key":{"const":"x"}}},"then":{"required":["b"]},"else":{"required":["c"]}}"#,
            r#"{"properties":{},"allOf":[{"anyOf":[{"allOf":[{"properties":{}},{"required":["b"]}]},{"required":["c"]}]}]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"if":{"maxProperties":0},"then":{"required":["b"]}}"#,
            r#"{"properties":{},"allOf":[{"anyOf":[{"allOf":[{"maxProperties":0},{"required":["b"]}]},{}]}]}"#,
        ),
        (
            r#"{"properties":{"key":{}},"then":{"required":["key"]}}"#,
            r#"{"properties":{},"then":{}}"#,
        ),
    ]);
}

#[test]
fn names_and_patterns() {
    check(&[
        (
            r#"{"properties":{"key":{}},"propertyNames":{"enum":["a","key"]}}"#,
            r#"{"properties":{},"propertyNames":{"enum":["a"]}}"#,
        ),
        (
            r#"{"propertyNames":{"enum":["key"],"type":"string"}}"#,
            r#"{"propertyNames":false}"#,
        ),
        (
            r#"{"propertyNames":{"const":"key"}}"#,
            r#"{"propertyNames":false}"#,
        ),
        (
            r#"{"propertyNames":{"anyOf":[{"const":"key"},{"not":{"enum":["pin","b"]}}],"default":"key","examples":["key"]}}"#,
            r#"{"propertyNames":{"anyOf":[false,{"not":{"enum":["b"]}}],"examples":[]}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"patternProperties":{"^k":{},"^key$":{},"^monkey_":{}}}"#,
            r#"{"properties":{},"patternProperties":{"^k":{},"^monkey_":{}}}"#,
        ),
        (r#"{"patternProperties":{"^key$":{}}}"#, "{}"),
    ]);
    for spelled in [
        r#"{"patternProperties":{"^(key|a)$":{}}}"#,
        r#"{"propertyNames":{"pattern":"^key|a"}}"#,
    ] {
        assert_eq!(
            cleaned(spelled, &["key"]),
            Err(CannotClean::Pattern),
            "{spelled}"
        );
    }
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
fn keywords_that_nobody_knows_lose_the_name() {
    check(&[
        (
            r#"{"properties":{"key":{}},"propertyOrdering":["a","key"],"x-main":"key","x-groups":{"key":1,"a":["key"]}}"#,
            r#"{"properties":{},"propertyOrdering":["a"],"x-groups":{"a":["key"]}}"#,
        ),
        (
            r#"{"properties":{"key":{}},"discriminator":{"propertyName":"key"},"oneOf":[]}"#,
            r#"{"properties":{},"oneOf":[]}"#,
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
