//! Turns error answers of the API into failures of the command.

use serde::Deserialize;
use serde_json::Value;
use toolvault_gateway::Response;
use toolvault_gateway::http::StatusCode;

use super::is_our_failure;
use crate::failure::Failure;

#[derive(Deserialize)]
struct Refusal {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Text(String),
    Problems(Vec<Problem>),
}

#[derive(Deserialize)]
struct Problem {
    loc: Vec<Value>,
    msg: String,
}

/// The failure for an answer other than 2xx.
pub(super) fn of(response: &Response) -> Failure {
    let status = response.status;
    let text = match serde_json::from_slice(&response.body) {
        Ok(Refusal {
            detail: Detail::Text(text),
        }) => text,
        Ok(Refusal {
            detail: Detail::Problems(problems),
        }) => problems
            .iter()
            .map(problem)
            .collect::<Vec<String>>()
            .join("; "),
        Err(_) => format!("the server answered {status}"),
    };
    // The framework's own words for a path that no route has.
    let is_no_route = text == "Not Found";
    // Only local commands receive the cause.
    let cause = response.headers.get("toolvault-cause");
    let text = match cause.and_then(|cause| cause.to_str().ok()) {
        Some(cause) => format!("{} ({cause})", text.trim_end_matches('.')),
        None => text,
    };
    let failure = if is_our_failure(status) {
        Failure::failed(text)
    } else {
        Failure::refused(text)
    };
    match status {
        StatusCode::UNAUTHORIZED => failure.unauthenticated(),
        StatusCode::NOT_FOUND if is_no_route => failure.not_found().hint(
            "check the URL (toolvault profile show), and that the server is not older than this program",
        ),
        StatusCode::NOT_FOUND => failure.not_found(),
        _ => failure,
    }
}

/// A field and its problem, without the place (`body`), which means nothing to a user.
fn problem(problem: &Problem) -> String {
    let path: Vec<String> = problem
        .loc
        .iter()
        .skip(1)
        .map(|part| match part {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    // A whole sentence names its own subject.
    if path.is_empty() || problem.msg.ends_with('.') {
        problem.msg.clone()
    } else {
        format!("{}: {}", path.join("."), problem.msg)
    }
}
