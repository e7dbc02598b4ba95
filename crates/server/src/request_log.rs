//! Counts a metric for each request, and logs those that fail, or at the level `debug` all of them. Never logs a query,
//! a header or a body.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use toolvault_vault::SPANS;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::app::App;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

/// The ID of the request in logs, in the audit trail and in the response.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Set by authentication to the caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestActor(pub(crate) Arc<OnceLock<String>>);

/// Gives requests that bring no ID one that is new. It is a keyed hash of their number, because the number itself would
/// show every client how many requests others send.
#[derive(Default)]
pub(crate) struct RequestIds {
    keys: [RandomState; 2],
    next: AtomicU64,
}

impl RequestIds {
    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let [first, second] = &self.keys;
        format!(
            "{:016x}{:016x}",
            first.hash_one(number),
            second.hash_one(number)
        )
    }
}

/// Assigns the request an ID, and logs and counts its response.
pub(crate) async fn log_request(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = request_id(&request).map_or_else(|| app.request_ids.next(), str::to_owned);
    let actor = RequestActor::default();
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(actor.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::trace_span!(
        target: SPANS,
        "http.request",
        http.request.method = known(&method),
        http.route = route.as_ref().map(MatchedPath::as_str),
        http.response.status_code = Empty,
        traceparent = app.settings.traces.as_ref().and_then(|traces| traces.parent(&request)),
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration = began.elapsed();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status();
    span.record("http.response.status_code", u64::from(status.as_u16()));
    app.metrics
        .answered(method.as_str(), route, status.as_u16(), duration);
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                request.id = id,
                http.method = method.as_str(),
                http.route = route,
                http.status = status.as_u16(),
                actor = actor.0.get().map_or("anonymous", String::as_str),
                duration_ms = duration.as_secs_f64() * 1_000.0,
                "request"
            )
        };
    }
    if status.is_client_error() || status.is_server_error() {
        log!(info);
    } else {
        log!(debug);
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The method, unless it is a word that the client chose.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// The caller's request ID if it is harmless.
fn request_id(request: &Request) -> Option<&str> {
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
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::RequestIds;

    #[test]
    fn ids_are_new_and_do_not_show_how_many_there_were() {
        let ids = RequestIds::default();
        let made: HashSet<String> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.len() == 32));
        let starts: HashSet<&str> = made.iter().filter_map(|id| id.get(..8)).collect();
        assert!(starts.len() > 9_000);
    }
}
