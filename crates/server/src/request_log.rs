//! Logs one line and counts one metric for each request, but never a query, a header or a body.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

/// The ID of the request in logs, in the audit trail and in the response.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Set by authentication to the caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestActor(pub(crate) Arc<OnceLock<String>>);

/// Assigns the request an ID, and logs and counts its response.
pub(crate) async fn log_request(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(&request);
    let actor = RequestActor::default();
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(actor.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    let duration = began.elapsed();
    let status = response.status().as_u16();
    app.metrics
        .answered(method.as_str(), &route, status, duration);
    tracing::info!(
        request.id = id,
        http.method = method.as_str(),
        http.route = route,
        http.status = status,
        actor = actor.0.get().map_or("anonymous", String::as_str),
        duration_ms = duration.as_secs_f64() * 1_000.0,
        "request"
    );
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The caller's request ID if it is harmless, otherwise a new one.
fn request_id(request: &Request) -> String {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| {
            !text.is_empty()
                && text.len() <= LONGEST_REQUEST_ID
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                // A key in the wrong header must not be logged.
                && !toolvault_core::api_key::looks_like_api_key(text)
        })
        .map_or_else(new_request_id, str::to_owned)
}

fn new_request_id() -> String {
    use toolvault_core::entropy::Entropy as _;
    let mut bytes = [0; 16];
    // If randomness fails, the ID still names the request, though not uniquely.
    let _ = toolvault_vault::SystemEntropy.fill(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()
}
