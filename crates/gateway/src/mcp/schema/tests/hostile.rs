//! Schemas that are made to cost: they end, cleaned or refused, after work in proportion to their size.

use std::fmt::Write;

use toolvault_core::json::parse_text;

use super::cleaned;
use crate::mcp::schema::definition::Unusable;
use crate::mcp::schema::{CannotClean, Definition};

#[test]
fn definitions_that_multiply_are_cleaned_once_each() {
    let mut definitions = String::new();
    for level in 0..25 {
        let next = format!("{{\"$ref\":\"#/$defs/d{}\"}}", level + 1);
        write!(
            definitions,
            "\"d{level}\":{{\"anyOf\":[{next},{next},{next}]}},"
        )
        .unwrap();
    }
    let schema = format!(
        "{{\"$ref\":\"#/$defs/d0\",\"$defs\":{{{definitions}\"d25\":{{\"required\":[\"key\"]}}}}}}"
    );
    let expected = schema.replace(r#"{"required":["key"]}"#, "{}");
    assert_eq!(cleaned(&schema, &["key"]).unwrap(), Some(expected));
}

#[test]
fn many_properties_and_definitions_are_cleaned() {
    let list = |item: fn(usize) -> String| (0..20_000).map(item).collect::<Vec<_>>().join(",");
    let properties = list(|index| format!("\"p{index}\":{{\"$ref\":\"#/$defs/d{index}\"}}"));
    let required = list(|index| format!("\"p{index}\""));
    let definitions = list(|index| format!("\"d{index}\":{{\"type\":\"string\"}}"));
    let schema = |key: &str, required_key: &str| {
        format!(
            "{{\"properties\":{{{properties}{key}}},\"required\":[{required}{required_key}],\"$defs\":{{{definitions}}}}}"
        )
    };
    let before = schema(r#","key":{}"#, r#","key""#);
    assert_eq!(cleaned(&before, &["key"]).unwrap(), Some(schema("", "")));
}

#[test]
fn a_hundred_thousand_hidden_ones_of_everything_are_taken_out() {
    let properties: Vec<_> = (0..100_000)
        .map(|index| format!("\"k{index}\":1"))
        .collect();
    let schema = format!("{{\"properties\":{{{}}}}}", properties.join(","));
    let hidden: Vec<_> = (0..100_000).map(|index| format!("k{index}")).collect();
    let hidden: Vec<_> = hidden.iter().map(String::as_str).collect();
    assert_eq!(
        cleaned(&schema, &hidden).unwrap().as_deref(),
        Some(r#"{"properties":{}}"#)
    );
}

#[test]
fn deep_nesting_is_refused_where_it_describes_the_arguments_and_passed_elsewhere() {
    let nested = |before: &str, inner: &str, after: &str, depth: usize| {
        format!("{}{inner}{}", before.repeat(depth), after.repeat(depth))
    };
    let branches = nested(r#"{"allOf":["#, r#"{"required":["key"]}"#, "]}", 400);
    assert_eq!(cleaned(&branches, &["key"]), Err(CannotClean::Limit));
    let tool = format!(r#"{{"name":"t","inputSchema":{branches}}}"#);
    assert_eq!(
        Definition::read(parse_text(&tool).unwrap(), false),
        Err(Unusable::TooLarge)
    );

    let array = nested(r#"{"items":"#, "{}", "}", 890);
    let schema = |key: &str| format!(r#"{{"properties":{{{key}"a":{array}}}}}"#);
    assert_eq!(
        cleaned(&schema(r#""key":{},"#), &["key"]).unwrap(),
        Some(schema(""))
    );

    // References at each level, so that every level has to be read.
    let referring = nested(r##"{"b":{"$ref":"#/x"},"items":"##, "{}", "}", 890);
    let schema = format!(r#"{{"properties":{{"key":{{}},"a":{referring}}}}}"#);
    assert_eq!(cleaned(&schema, &["key"]), Err(CannotClean::Limit));
}

#[test]
fn copies_without_end_are_refused() {
    // Each reference asks for a copy of nearly everything.
    let branches: Vec<_> = (0..2_000)
        .map(|index| format!("{{\"$ref\":\"#/x/{}\"}}", "x/".repeat(index % 60) + "x"))
        .collect();
    let mut inner = r#"{"required":["key"]}"#.to_owned();
    for _ in 0..61 {
        inner = format!(
            r#"{{"x":{inner},"allOf":[{{"required":["key"]}}],"pad":"{}"}}"#,
            "p".repeat(2_000)
        );
    }
    let schema = format!("{{\"anyOf\":[{}],\"x\":{inner}}}", branches.join(","));
    let cleaned = cleaned(&schema, &["key"]);
    let size = cleaned
        .as_ref()
        .map_or(0, |text| text.as_ref().map_or(0, String::len));
    assert!(
        cleaned == Err(CannotClean::Limit) || size < 64 * schema.len(),
        "{size}"
    );
}
