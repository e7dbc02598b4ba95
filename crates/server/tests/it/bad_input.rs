//! Deliberately wrong input: always a documented answer without the input, and nothing stored.

mod heads;
mod json;
mod lengths;
mod mistakes;

use crate::harness::{Actor, Answer};

/// A text in every bad input that must not occur in the answer.
const CANARY: &str = "cAnArY7fQ2zW9";

/// Each route that takes a body.
const WITH_BODY: [(&str, &str); 13] = [
    ("POST", "/v1/secrets/"),
    ("PATCH", "/v1/secrets/00000000-0000-7000-8000-000000000000"),
    (
        "PUT",
        "/v1/secrets/00000000-0000-7000-8000-000000000000/value",
    ),
    ("POST", "/v1/tools/t/resolve"),
    ("POST", "/v1/tools/t/explain"),
    ("POST", "/v1/resolve"),
    ("POST", "/v1/explain"),
    ("POST", "/v1/gateway/pins/linear"),
    ("POST", "/v1/keys"),
    ("PATCH", "/v1/keys/00000000"),
    ("POST", "/v1/keys/00000000/rotate"),
    ("POST", "/v1/users"),
    ("PATCH", "/v1/users/00000000-0000-7000-8000-000000000000"),
];

/// The answer repeats no part of the input.
#[track_caller]
fn is_silent(answer: &Answer) {
    let head = format!("{:?}", answer.headers);
    assert!(!head.contains(CANARY), "{head}");
    let body = String::from_utf8_lossy(&answer.body);
    assert!(!body.contains(CANARY), "{body}");
}

/// Sends the body to every route that accepts one; each must give this answer, in JSON.
async fn everywhere(actor: &Actor, body: &[u8], status: u16, code: &str) {
    for (method, path) in WITH_BODY {
        let answer = actor
            .send(method, path, Some("application/json"), body)
            .await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(
            answer.outcome(),
            format!("{status} {code}"),
            "{method} {path} {shown}"
        );
        answer.refused(status, code);
        is_silent(&answer);
    }
}
