//! What the definition of a tool declares.

use toolvault_core::json::parse_text;

use super::names;
use crate::mcp::schema::Definition;
use crate::mcp::schema::definition::Unusable;

fn read(tool: &str) -> Result<Definition, Unusable> {
    Definition::read(parse_text(tool).unwrap(), false)
}

#[test]
fn arguments_are_declared_in_branches_and_through_references() {
    let schema = r##"{
        "properties": {"a": {"properties": {"nested": {}}}, "never": false, "always": true},
        "required": ["b"],
        "allOf": [{"properties": {"c": {}}}, {"$ref": "#/$defs/D"}, {"anyOf": [{"oneOf": [{"required": ["e"]}]}]}],
        "if": {"properties": {"f": {}}, "required": ["asked"]},
        "then": {"properties": {"g": {}}},
        "else": {"required": ["h"]},
        "not": {"properties": {"denied": {}}, "required": ["denied"]},
        "dependentSchemas": {"x": {"properties": {"i": {}}}},
        "dependentRequired": {"y": ["z"]},
        "dependencies": {"x": ["y"], "y": {"properties": {"j": {}}}},
        "patternProperties": {"^p": {}},
        "$defs": {"D": {"properties": {"d": {}}, "allOf": [{"$ref": "#"}]}, "Unused": {"properties": {"unused": {}}}}
    }"##;
    let definition = read(&format!(r#"{{"name":"tool","inputSchema":{schema}}}"#)).unwrap();
    assert_eq!(definition.name, "tool");
    let expected = ["a", "always", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    assert_eq!(definition.declared, names(&expected));
}

#[test]
fn a_tool_without_a_schema_declares_nothing() {
    for schema in [
        "",
        r#","inputSchema":{}"#,
        r#","inputSchema":true"#,
        r#","inputSchema":{"$ref":"https://a.example/"}"#,
    ] {
        let definition = read(&format!(r#"{{"name":"t"{schema}}}"#)).unwrap();
        assert_eq!(definition.declared, names(&[]), "{schema}");
        assert!(definition.mirrored.unwrap().is_empty());
    }
}

#[test]
fn a_malformed_definition_is_unusable() {
    for tool in [
        "[]",
        "{}",
        r#"{"name":""}"#,
        r#"{"name":1}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","inputSchema":[]}"#,
        r#"{"name":"a","inputSchema":null}"#,
        r#"{"name":"a","inputSchema":{"properties":"a"}}"#,
        r#"{"name":"a","inputSchema":{"required":["a"],"required":["b"]}}"#,
    ] {
        assert_eq!(read(tool), Err(Unusable::Malformed), "{tool}");
    }
}
