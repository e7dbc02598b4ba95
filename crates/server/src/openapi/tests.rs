//! The document compared with the original's and with the route table, and checked for consistency.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document;

const ORIGINAL: &str = include_str!("../../tests/original-openapi.json");

/// Adds to `missing` each location where `found` lacks something of `wanted`.
fn compare(place: &str, wanted: &Value, found: Option<&Value>, missing: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(members), Some(Value::Object(present))) if !members.is_empty() => {
            for (name, member) in members {
                compare(
                    &format!("{place}/{name}"),
                    member,
                    present.get(name),
                    missing,
                );
            }
        }
        (Value::Array(parameters), Some(Value::Array(present)))
            if place.ends_with("/parameters") =>
        {
            for (index, parameter) in parameters.iter().enumerate() {
                compare(
                    &format!("{place}/{index}"),
                    parameter,
                    present.get(index),
                    missing,
                );
            }
        }
        (wanted, Some(found)) if wanted == found => {}
        (wanted, found) => missing.push(format!("{place}: {wanted} is {found:?}")),
    }
}

/// Every operation, as method, path and description.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// Calls `visit` with every object below `value`.
fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| each_object(element, visit)),
        Value::Object(members) => {
            visit(members);
            members
                .values()
                .for_each(|member| each_object(member, visit));
        }
        _ => {}
    }
}

#[test]
fn every_element_of_the_original_document_stands_unchanged() {
    let original: Value = serde_json::from_str(ORIGINAL).unwrap();
    let mut missing = Vec::new();
    compare("", &original, Some(document()), &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_comparison_finds_what_is_missing_or_changed() {
    for (wanted, found) in [
        (r#"{"a": 1}"#, "{}"),
        (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": [2, 1]}}"#),
        (r#"{"schema": {}}"#, r#"{"schema": {"type": "object"}}"#),
        (r#"{"parameters": [1, 2]}"#, r#"{"parameters": [2, 1]}"#),
        (r#"{"parameters": [1, 2]}"#, r#"{"parameters": [1]}"#),
    ] {
        let mut missing = Vec::new();
        let [wanted, found]: [Value; 2] =
            [wanted, found].map(|text| serde_json::from_str(text).unwrap());
        compare("", &wanted, Some(&found), &mut missing);
        assert!(!missing.is_empty(), "{wanted} in {found}");
    }
}

#[test]
fn every_operation_is_described_to_the_end() {
    let tags: BTreeSet<&str> = document()["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{name}"
        );
        assert!(
            tags.contains(operation["tags"][0].as_str().unwrap()),
            "{name}"
        );
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        let places = path.split('/').filter_map(|part| part.strip_prefix('{'));
        for (index, place) in places.enumerate() {
            let place = place.trim_end_matches('}');
            assert_eq!(operation["parameters"][index]["name"], place, "{name}");
        }
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            let place = format!("{name} {status}");
            assert!(
                !response["description"].as_str().unwrap().is_empty(),
                "{place}"
            );
            assert_eq!(response["content"].is_object(), status != "204", "{place}");
            if !status.starts_with('2') {
                let code = &response["headers"]["toolvault-error"];
                assert_eq!(code["required"], true, "{place}");
            }
        }
        let has_body = operation.get("requestBody").is_some();
        assert_eq!(responses.contains_key("415"), has_body, "{name}");
    }
}

#[test]
fn every_operation_with_a_credential_says_so() {
    for (method, path, operation) in operations() {
        let is_open = ["/healthz", "/readyz"].contains(&path);
        // Signing in needs no credential, and brings one that is refused or not.
        let is_session = path.contains("/v1/session");
        let is_listed = path.ends_with("/session/issuers");
        let is_approval = path.ends_with("/session/approvals");
        let needs_none = is_open || is_listed || (is_session && method == "post" && !is_approval);
        let headers: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "header")
            .filter_map(|parameter| parameter["name"].as_str())
            .take(4)
            .collect();
        let expected: &[&str] = &["token", "Authorization", "x-api-key", "x-toolvault-user"];
        let expected = if is_open || is_session { &[] } else { expected };
        assert_eq!(headers, expected, "{method} {path}");
        let is_refused = operation["responses"].get("401").is_some();
        assert_eq!(is_refused, !is_open, "{method} {path}");
        let requirements = operation["security"].as_array().unwrap();
        let is_free = |requirement: &Value| requirement.as_object().unwrap().is_empty();
        assert_eq!(
            requirements.iter().all(is_free),
            needs_none,
            "{method} {path}"
        );
        for requirement in requirements {
            for scheme in requirement.as_object().unwrap().keys() {
                let known = &document()["components"]["securitySchemes"][scheme];
                assert!(known.is_object(), "{method} {path}: {scheme}");
            }
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let mut count = 0;
    each_object(document(), &mut |members| {
        if let Some(Value::String(reference)) = members.get("$ref") {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document().pointer(pointer).is_some(), "{reference}");
            count += 1;
        }
    });
    assert!(count > 50);
}

#[test]
fn null_is_always_one_of_several() {
    each_object(document(), &mut |members| {
        assert!(
            !matches!(members.get("type"), Some(Value::Array(_))),
            "{members:?}"
        );
    });
}
