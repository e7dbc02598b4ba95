//! Replays recorded answers of `FastAPI` and pydantic (`tests/parity/record.py` writes the files).
//!
//! The functions of this module read each request and must give the recorded status and errors.

use serde::Deserialize;
use serde_json::{Value, json};
use toolvault_core::json;
use toolvault_vault::Field;

use super::*;

#[derive(Deserialize)]
struct Recorded {
    method: String,
    path: String,
    query: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    body_hex: Option<String>,
    difference: Option<String>,
    status: u16,
    #[serde(default)]
    errors: Vec<Value>,
    shown: Option<Value>,
}

impl Recorded {
    fn bytes(&self) -> Vec<u8> {
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        match (&self.body, &self.body_hex) {
            (Some(body), _) => body.clone().into_bytes(),
            (None, Some(digits)) => digits.as_bytes().chunks(2).map(byte).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// The status and errors of this server, without a store: an accepted request is 200.
    fn answer(&self) -> (u16, ValidationErrors, Value) {
        let mut errors = ValidationErrors::default();
        let segment = self.path.strip_prefix("/v1/secrets/").unwrap();
        let bytes = self.bytes();
        let mut shown = Value::Null;
        if matches!(self.method.as_str(), "POST" | "PATCH") {
            let body = match Body::read(self.content_type.as_deref(), &bytes) {
                Ok(body) => body,
                Err(BodyError::UnsupportedMediaType) => return (415, errors, shown),
                Err(BodyError::Unreadable) => return (400, errors, shown),
                Err(BodyError::Invalid(errors)) => return (422, errors, shown),
            };
            if self.method == "PATCH" {
                identifier_in_path("secret_id", segment, &mut errors);
                secret_change(body, &mut errors);
            } else if let Some(new) = new_secret(body, &mut errors) {
                shown = json!({
                    "secret_name": new.name, "tool_name": new.tool, "tool_arg": new.argument,
                    "is_default_for_tool": new.is_default,
                });
            }
        } else if segment.is_empty() {
            ListQuery::read(&Query::parse(self.query.as_deref()), &mut errors);
        } else {
            identifier_in_path("secret_id", segment, &mut errors);
        }
        let status = if errors.clone().into_result().is_ok() {
            200
        } else {
            422
        };
        (status, errors, shown)
    }
}

#[test]
fn every_recorded_request_is_answered_alike() {
    let recorded = include_str!("../../tests/corpus/requests.json");
    let recorded: Vec<Recorded> = serde_json::from_str(recorded).unwrap();
    assert!(recorded.len() > 800);
    for request in recorded {
        let place = format!(
            "{} {}?{:?} {:?} {:?}",
            request.method, request.path, request.query, request.content_type, request.body
        );
        let (status, errors, shown) = request.answer();
        let accepted = matches!(request.status, 200 | 404);
        assert_eq!(
            status,
            if accepted { 200 } else { request.status },
            "{place}\n{errors:?}"
        );
        if request.difference.as_deref() == Some("not a number") {
            assert_eq!(
                serde_json::to_value(&errors).unwrap()["detail"][0]["type"],
                "json_invalid"
            );
            continue;
        }
        let errors = serde_json::to_value(&errors).unwrap();
        assert_eq!(errors["detail"], json!(request.errors), "{place}");
        if let Some(expected) = request.shown {
            assert_eq!(shown, expected, "{place}");
        }
    }
}

#[derive(Deserialize)]
struct RecordedCheck {
    check: String,
    value: String,
    error: Option<Value>,
}

#[test]
fn every_recorded_check_refuses_in_the_same_words() {
    let recorded = include_str!("../../tests/corpus/checks.json");
    let recorded: Vec<RecordedCheck> = serde_json::from_str(recorded).unwrap();
    assert!(recorded.len() > 800);
    for RecordedCheck {
        check,
        value: document,
        error,
    } in recorded
    {
        let value = json::parse_text(&document).unwrap();
        let outcome = match check.as_str() {
            "boolean" => check::boolean(value).map(|_| ()),
            "integer" => check::integer(value, i64::MIN..=i64::MAX).map(|_| ()),
            "integer 1 to 5" => check::integer(value, 1..=5).map(|_| ()),
            "text 1 to 3" => check::text(value, 1..=3).map(|_| ()),
            "text 4 to 5" => check::text(value, 4..=5).map(|_| ()),
            "text 0 to 1" => check::text(value, 0..=1).map(|_| ()),
            "list" => check::list(value).map(|_| ()),
            "dictionary" => check::dictionary(value).map(|_| ()),
            "uuid" => check::uuid(value).map(|_| ()),
            other => panic!("the corpus names a check {other}"),
        };
        let mut errors = ValidationErrors::default();
        errors.keep(outcome, || vec!["here".into()]);
        let found = serde_json::to_value(&errors).unwrap()["detail"]
            .get_mut(0)
            .map(|error| {
                error.as_object_mut().unwrap().remove("loc");
                error.take()
            });
        assert_eq!(found, error, "{check} of {document}");
    }
}

#[test]
fn lists_and_nested_objects_name_every_place() {
    let document = br#"{"scopes":["use",1,"audit",null],"calls":[{},{"n":0}],"any":null}"#;
    let body = Body::read(None, document).unwrap();
    let mut errors = ValidationErrors::default();
    let mut fields = Fields::of(body, &mut errors);
    let scopes = fields.required("scopes", check::list).unwrap();
    let scopes = fields.each("scopes", scopes, |scope| check::text(scope, 1..=9));
    assert_eq!(
        scopes
            .iter()
            .map(|scope| scope.as_str())
            .collect::<Vec<_>>(),
        ["use", "audit"]
    );
    let calls = fields.required("calls", check::list).unwrap();
    for (index, call) in fields
        .each("calls", calls, check::dictionary)
        .into_iter()
        .enumerate()
    {
        let mut call = fields.inside(["calls".into(), index.into()], call);
        call.required("n", |value| check::integer(value, 1..=2));
    }
    assert_eq!(fields.nullable("any", check::boolean), Field::<bool>::Clear);
    assert_eq!(fields.optional("any", check::boolean), None);
    let errors = serde_json::to_value(&errors).unwrap();
    let found: Vec<_> = errors["detail"].as_array().unwrap().iter().collect();
    let found: Vec<_> = found
        .iter()
        .map(|error| json!([error["type"], error["loc"]]))
        .collect();
    let expected = json!([
        ["string_type", ["body", "scopes", 1]],
        ["string_type", ["body", "scopes", 3]],
        ["missing", ["body", "calls", 0, "n"]],
        ["greater_than_equal", ["body", "calls", 1, "n"]],
        ["bool_type", ["body", "any"]],
    ]);
    assert_eq!(json!(found), expected);
}

#[test]
fn null_clears_only_under_merge_patch() {
    let document = br#"{"tool_name":null,"tool_arg":"a","is_default_for_tool":null}"#;
    let read = |content_type| {
        let mut errors = ValidationErrors::default();
        let body = Body::read(Some(content_type), document).unwrap();
        let change = secret_change(body, &mut errors);
        errors.into_result().unwrap();
        (change.tool, change.argument, change.is_default, change.name)
    };
    let argument = || Field::Set("a".to_owned());
    assert_eq!(
        read("application/json"),
        (Field::Keep, argument(), None, None)
    );
    let merged = read("application/merge-patch+json");
    assert_eq!(merged, (Field::Clear, argument(), Some(false), None));
}
