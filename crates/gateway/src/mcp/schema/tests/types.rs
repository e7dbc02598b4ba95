//! Which types a schema takes for an argument.

use toolvault_core::json::parse_text;
use toolvault_core::pointer::ArgumentPath;

use crate::mcp::schema::types;

fn words(schema: &str, path: &str) -> Option<String> {
    let tool = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
    let path = ArgumentPath::parse(path).unwrap();
    Some(types(parse_text(&tool).unwrap(), path)?.in_words())
}

const ANY: &str = "string or number or boolean or array or object";
/// Schemas, the place that is looked at, and the types there.
const TABLE: [(&str, &str, Option<&str>); 21] = [
    (
        r#"{"properties":{"a":{"type":"integer"}}}"#,
        "a",
        Some("integer"),
    ),
    (
        r#"{"properties":{"a":{"type":"integer"}}}"#,
        "/a",
        Some("integer"),
    ),
    (
        r#"{"properties":{"a":{"type":["boolean","null"]}}}"#,
        "a",
        Some("boolean"),
    ),
    (r#"{"properties":{"a":{}}}"#, "a", Some(ANY)),
    (r#"{"properties":{"a":true}}"#, "a", Some(ANY)),
    (r#"{"properties":{"a":false}}"#, "a", None),
    (r#"{"required":["a"]}"#, "a", Some(ANY)),
    (r#"{"properties":{"b":{}}}"#, "a", None),
    (
        r#"{"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}"#,
        "a",
        Some("integer"),
    ),
    (
        r#"{"properties":{"a":{"oneOf":[{"type":"integer"},{"type":"string"}]}}}"#,
        "a",
        Some("string or integer"),
    ),
    (
        r#"{"properties":{"a":{"allOf":[{"type":["integer","string"]},{"type":"integer"}]}}}"#,
        "a",
        Some("integer"),
    ),
    (
        r#"{"properties":{"a":{"enum":[1,2]}}}"#,
        "a",
        Some("integer"),
    ),
    (
        r#"{"properties":{"a":{"const":true}}}"#,
        "a",
        Some("boolean"),
    ),
    (r#"{"properties":{"a":{"type":"file"}}}"#, "a", Some(ANY)),
    (
        r##"{"properties":{"p":{"$ref":"#/$defs/P"}},"$defs":{"P":{"properties":{"k":{"$ref":"#/$defs/K"}}},"K":{"type":"object"}}}"##,
        "/p/k",
        Some("object"),
    ),
    (
        r##"{"properties":{"p":{"anyOf":[{"$ref":"#/$defs/P"},{"type":"null"}]}},"$defs":{"P":{"properties":{"k":{"type":"number"}}}}}"##,
        "/p/k",
        Some("number"),
    ),
    // An element of a list is not declared by name.
    (
        r#"{"properties":{"p":{"items":{"properties":{"k":{}}}}}}"#,
        "/p/0/k",
        None,
    ),
    (r#"{"properties":{"p":{"prefixItems":[{}]}}}"#, "/p/0", None),
    // Alternatives that each name a type; the question of an `if` names none.
    (
        r#"{"properties":{"a":{}},"anyOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"type":"boolean"}}}]}"#,
        "a",
        Some("integer or boolean"),
    ),
    (
        r#"{"properties":{"a":{"type":"integer"}},"if":{"properties":{"a":{"const":"x"}}}}"#,
        "a",
        Some("integer"),
    ),
    // A circle says nothing.
    (
        r##"{"properties":{"a":{"$ref":"#/properties/a"}}}"##,
        "a",
        Some(ANY),
    ),
];

#[test]
fn types_are_found_through_references_and_branches() {
    for (schema, path, expected) in TABLE {
        assert_eq!(words(schema, path).as_deref(), expected, "{schema} {path}");
    }
}
