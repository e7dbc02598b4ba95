//! Arguments whose values are repeated in headers.

use toolvault_core::json::parse_text;

use super::cleaned;
use crate::mcp::schema::{CannotClean, Definition};

#[test]
fn headers_of_arguments_are_found() {
    let tool = r#"{"name":"t","inputSchema":{"properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "count":{"type":["integer","null"],"x-mcp-header":"X-Count"},
        "nested":{"properties":{"deep":{"x-mcp-header":"Deep"}}},
        "x-mcp-header":{"type":"array"},
        "example":{"const":{"x-mcp-header":""}}}}}"#;
    let definition = Definition::read(parse_text(tool).unwrap(), false).unwrap();
    let mirrored = definition.mirrored.unwrap();
    let mut headers: Vec<_> = mirrored
        .iter()
        .map(|(path, header)| (path.join("/"), header.as_str()))
        .collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            ("count".to_owned(), "mcp-param-x-count"),
            ("nested/deep".to_owned(), "mcp-param-deep"),
            ("region".to_owned(), "mcp-param-region")
        ]
    );
}

#[test]
fn a_tool_with_an_invalid_annotation_is_not_made_valid() {
    for properties in [
        r#""key":{"x-mcp-header":""}"#,
        r#""key":{"x-mcp-header":1}"#,
        r#""key":{"x-mcp-header":"a b"}"#,
        r#""key":{"x-mcp-header":"a\r\nb"}"#,
        r#""key":{"type":"number","x-mcp-header":"A"}"#,
        r#""key":{"type":["string","object"],"x-mcp-header":"A"}"#,
        r#""key":{"x-mcp-header":"A"},"b":{"properties":{"c":{"x-mcp-header":"a"}}}"#,
        r#""key":{"items":{"x-mcp-header":"A"}}"#,
        r#""key":{"anyOf":[{"x-mcp-header":"A"}]}"#,
        r#""key":{"properties":{"c":{"x-mcp-header":"A"}}},"d":{"additionalProperties":{"properties":{"a":{"x-mcp-header":"B"}}}}"#,
    ] {
        let schema = format!(r#"{{"properties":{{{properties}}}}}"#);
        assert_eq!(
            cleaned(&schema, &["key"]),
            Err(CannotClean::Header),
            "{schema}"
        );
        assert_eq!(cleaned(&schema, &["other"]), Ok(None));
        let tool = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        assert_eq!(
            Definition::read(parse_text(&tool).unwrap(), false)
                .unwrap()
                .mirrored,
            None
        );
    }
    let valid =
        r#"{"properties":{"key":{"type":"string","x-mcp-header":"Key"},"a":{"x-mcp-header":"A"}}}"#;
    let left = r#"{"properties":{"a":{"x-mcp-header":"A"}}}"#;
    assert_eq!(cleaned(valid, &["key"]).unwrap().as_deref(), Some(left));
}
