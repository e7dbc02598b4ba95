//! What the gateway answers, as it goes over the connection: event by event, and not longer than it should.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use toolvault_gateway::mcp::{McpBody, McpReply};

/// Tells proxies to pass each event on as it comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const MCP_METHOD: &str = "mcp-method";
const LISTEN: &str = "subscriptions/listen";

/// When a stream of events ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// With the answer to the request that opened it. A server that stops lets it finish.
    Request,
    /// Never: it carries whatever happens.
    Open,
}

impl Lifetime {
    /// That of the stream which such a request may open.
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let listens = headers
            .get(MCP_METHOD)
            .is_some_and(|name| name.as_bytes() == LISTEN.as_bytes());
        if *method == Method::GET || listens {
            Self::Open
        } else {
            Self::Request
        }
    }
}

/// The answer. A stream is let go of as soon as the client leaves, and one without an end when `stop` is called.
pub(super) fn response(reply: McpReply, lifetime: Lifetime, stop: CancellationToken) -> Response {
    let McpReply {
        status,
        headers,
        body,
    } = reply;
    let is_stream = matches!(body, McpBody::Stream(_));
    let body = match body {
        McpBody::Empty => Body::empty(),
        McpBody::Whole(bytes) => Body::from(bytes),
        McpBody::Stream(events) => {
            let events = events.map(Ok::<_, Infallible>);
            match lifetime {
                Lifetime::Request => Body::from_stream(events),
                Lifetime::Open => Body::from_stream(events.take_until(stop.cancelled_owned())),
            }
        }
    };
    let mut response = (status, headers, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    if is_stream {
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    response
}

#[cfg(test)]
mod tests;
