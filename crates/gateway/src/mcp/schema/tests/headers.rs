//! Arguments whose values are repeated in headers.

use toolvault_core::json::parse_text;

use super::cleaned;
use crate::mcp::schema::{CannotClean, Definition, header_text, header_value};

#[test]
fn values_are_encoded_as_in_the_specification() {
    for (value, expected) in [
        (r#""us-west1""#, Some("us-west1")),
        (r#""Hello, 世界""#, Some("=?base64?SGVsbG8sIOS4lueVjA==?=")),
        (r#"" padded ""#, Some("=?base64?IHBhZGRlZCA=?=")),
        (r#""line1\nline2""#, Some("=?base64?bGluZTEKbGluZTI=?=")),
        (
            r#""=?base64?literal?=""#,
            Some("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ),
        (r#""a\tb""#, Some("a\tb")),
        (r#""\ta""#, Some("=?base64?CWE=?=")),
        (r#""\u007f""#, Some("=?base64?fw==?=")),
        (r#""""#, Some("")),
        ("42", Some("42")),
        ("-7", Some("-7")),
        ("42.0", Some("42")),
        ("9007199254740991", Some("9007199254740991")),
        ("-9007199254740992", None),
        ("1.5", None),
        ("1e2", None),
        ("true", Some("true")),
        ("false", Some("false")),
        ("null", None),
        ("[1]", None),
        (r#""\ud800""#, None),
    ] {
        let header = header_value(parse_text(value).unwrap());
        assert!(
            header
                .iter()
                .all(reqwest::header::HeaderValue::is_sensitive)
        );
        let header = header.map(|header| String::from_utf8(header.as_bytes().to_vec()).unwrap());
        assert_eq!(header.as_deref(), expected, "{value}");
    }
    assert_eq!(header_text("füg").unwrap(), "=?base64?ZsO8Zw==?=");
}

#[test]
fn headers_of_arguments_are_found() {
    let tool = r#"{"name":"t","inputSchema":{"properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "count":{"type":["integer","null"],"x-mcp-header":"X-Count"},
        "nested":{"properties":{"deep":{"x-mcp-header":"Deep"}}},
        "x-mcp-header":{"type":"array"},
        "example":{"const":{"x-mcp-header":""}}}}}"#;
    let definition = Definition::read(parse_text(tool).unwrap()).unwrap();
    let headers: Vec<_> = definition.mirrored.unwrap().into_iter().collect();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, header)| (name.as_str(), header.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("count", "mcp-param-x-count"),
            ("region", "mcp-param-region")
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
            Definition::read(parse_text(&tool).unwrap())
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
