//! Writing completed arguments. They are written as bytes, so that every received value keeps its spelling,
//! into memory that is overwritten when the answer has been sent.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use toolvault_vault::{Applied, Completed, Error, Explanation};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::ApiError;

/// The answer to a single call.
pub(super) fn one(
    app: &App,
    result: Option<Result<Completed, Error>>,
) -> Result<Response, ApiError> {
    let result = result.ok_or(ApiError::Internal)?;
    app.metrics.resolved(result.is_ok());
    let mut bytes = Buffer::default();
    bytes.completed(&result?);
    Ok(bytes.into_response())
}

/// The answer to several calls: each has the status and content it would have had alone.
pub(super) fn several(app: &App, results: Vec<Result<Completed, Error>>) -> Response {
    let mut bytes = Buffer::default();
    bytes.text("{\"results\":[");
    for (index, result) in results.into_iter().enumerate() {
        if index > 0 {
            bytes.text(",");
        }
        app.metrics.resolved(result.is_ok());
        match result {
            Ok(completed) => {
                bytes.text("{\"status\":200,\"result\":");
                bytes.completed(&completed);
                bytes.text("}");
            }
            Err(error) => {
                let (status, _, mut body) = ApiError::from(error).parts();
                if let Value::Object(members) = &mut body {
                    members.insert("status".to_owned(), json!(status.as_u16()));
                }
                bytes.text(&body.to_string());
            }
        }
    }
    bytes.text("]}");
    bytes.into_response()
}

/// What resolving would do.
pub(super) fn explanation(explanation: &Explanation) -> Response {
    let arguments: Vec<Value> = explanation
        .arguments
        .iter()
        .map(|argument| {
            let candidates: Vec<Value> = argument
                .candidates
                .iter()
                .map(|candidate| {
                    json!({
                        "secret_id": candidate.secret_id,
                        "secret_name": candidate.secret_name,
                        "pattern": candidate.pattern,
                        "wins": candidate.wins,
                        "why": candidate.why,
                    })
                })
                .collect();
            json!({
                "arg": argument.arg,
                "outcome": argument.outcome,
                "winner": argument.winner,
                "candidates": candidates,
                "tied": argument.tied,
            })
        })
        .collect();
    Json(json!({
        "tool_name": explanation.tool,
        "would_succeed": explanation.would_succeed,
        "arguments": arguments,
    }))
    .into_response()
}

#[derive(Default)]
struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    fn text(&mut self, text: &str) {
        self.reserve(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn completed(&mut self, completed: &Completed) {
        let applied: Vec<Value> = completed.applied.iter().map(applied).collect();
        self.text("{\"tool_name\":");
        self.text(&json!(completed.tool).to_string());
        self.text(",\"args\":");
        let mut args = Zeroizing::new(Vec::new());
        completed.args.write_json(&mut args);
        self.reserve(args.len());
        self.0.extend_from_slice(&args);
        self.text(",\"applied\":");
        self.text(&json!(applied).to_string());
        self.text("}");
    }

    /// Grows without leaving a copy behind.
    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from_owner(Sent(self.0))));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Bytes that are overwritten once they have been sent.
struct Sent(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn applied(applied: &Applied) -> Value {
    json!({
        "arg": applied.arg,
        "secret_id": applied.secret_id,
        "secret_name": applied.secret_name,
        "version": applied.version,
        "source": applied.source.as_str(),
    })
}
