//! Definitions as common libraries publish them, before and after.

use serde_json::Value;

use super::{hidden_in, names};

fn check(case: &str) {
    let case: Value = serde_json::from_str(case).unwrap();
    let hidden: Vec<_> = case["hidden"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let hidden = names(&hidden);
    let after = hidden_in(&case["before"].to_string(), &hidden)
        .unwrap()
        .unwrap();
    let expected = &case["after"];
    assert_eq!(
        &serde_json::from_str::<Value>(&after).unwrap(),
        expected,
        "{after}"
    );
    assert_eq!(hidden_in(&after, &hidden), Ok(None));
}

#[test]
fn fastmcp_and_pydantic() {
    check(include_str!("published/pydantic.json"));
}

#[test]
fn zod_in_draft_7() {
    check(include_str!("published/zod.json"));
}

#[test]
fn the_specification() {
    check(include_str!("published/specification.json"));
}

#[test]
fn either_a_key_or_a_password() {
    check(include_str!("published/alternatives.json"));
}
