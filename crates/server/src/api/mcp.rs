//! `/mcp` and `/mcp/{server}`: where agents reach the gateway (Model Context Protocol, Streamable HTTP).
//!
//! No message is parsed here: [`Client`] is the caller, [`Message`] what they sent, and the gateway answers.

mod refusal;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use toolvault_core::scope::Scope;
use toolvault_gateway::mcp::protocol::headers::SESSION_ID;
use toolvault_gateway::mcp::{McpBody, McpReply, McpRequest};
use toolvault_vault::Caller;

use self::refusal::Refusal;
use super::protected_resource;
use crate::app::{App, Stopping};
use crate::entrance::BaseUrl;
use crate::extract::caller::AuthenticatedProgram;
use crate::extract::input::{ReceivedBody, read_body};
use crate::extract::reached::Reached;
use crate::forward::forward;
use crate::limits::bodies::Room;

/// Headers that carry the caller's own credentials. They are never passed on to a tool server.
const CREDENTIALS: [&str; 6] = [
    "token",
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-toolvault-user",
    "cookie",
];

/// Makes proxies pass on each event at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const MCP_METHOD: &str = "mcp-method";
const LISTEN: &str = "subscriptions/listen";

/// A caller with a valid credential whose request passed the checks of `Host` and `Origin`.
pub(crate) struct Client {
    caller: Caller,
    base_url: BaseUrl,
    /// The URL of the metadata of the requested resource, if tokens are issued for it.
    metadata_url: Option<String>,
}

impl FromRequestParts<App> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Reached { base_url } = Reached::from_request_parts(parts, app).await?;
        let metadata_url = protected_resource::metadata_url(app, &base_url, parts.uri.path());
        match AuthenticatedProgram::from_request_parts(parts, app).await {
            Ok(AuthenticatedProgram(caller)) => Ok(Self {
                caller,
                base_url,
                metadata_url,
            }),
            Err(error) => Err(Refusal::from(error).with_metadata_url(metadata_url)),
        }
    }
}

/// What the client sent.
pub(crate) struct Message {
    parts: Parts,
    body: ReceivedBody,
}

impl FromRequest<App> for Message {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let most_bytes = app.entrance().message_bytes;
        let body = read_body(app, &parts, body, most_bytes).await?;
        Ok(Self { parts, body })
    }
}

/// Passes a message to the gateway, here or on the server that has the session, and returns its answer.
pub(crate) async fn relay(
    State(app): State<App>,
    Extension(Stopping(stop)): Extension<Stopping>,
    client: Client,
    Message { parts, body }: Message,
) -> Response {
    let lifetime = Lifetime::of(&parts.method, &parts.headers);
    let session = parts.headers.get(SESSION_ID);
    if let Some(session) = session.and_then(|session| session.to_str().ok())
        && let Some(answer) = forward(&app, &parts, session, &body.bytes).await
    {
        return match answer {
            Ok(answer) => lifetime.limit(answer, stop),
            Err(error) => Refusal::from(error).into_response(),
        };
    }
    let mut headers = parts.headers;
    for name in CREDENTIALS {
        headers.remove(HeaderName::from_static(name));
    }
    let may_use = client.caller.scopes().contains(Scope::Use);
    let ReceivedBody { bytes, room } = body;
    let reply = app
        .gateway
        .handle(McpRequest {
            caller: client.caller,
            // Not decoded: no server name needs an escape, so a name with one is unknown.
            server: parts.uri.path().strip_prefix("/mcp/").map(str::to_owned),
            method: parts.method,
            headers,
            body: bytes,
            base_url: client.base_url.to_string(),
        })
        .await;
    let challenge = refusal::Challenge::for_answer(reply.status, may_use);
    let mut response = response(reply, lifetime, stop, room);
    if let Some(challenge) = challenge {
        challenge.set(&mut response, client.metadata_url.as_deref());
    }
    response
}

/// When a stream of events ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    /// With the answer to the request that opened it. A stopping server lets it finish.
    Request,
    /// When the server stops: it carries any events.
    Open,
}

impl Lifetime {
    /// The lifetime of the stream that such a request may open.
    fn of(method: &Method, headers: &HeaderMap) -> Self {
        let listens = headers
            .get(MCP_METHOD)
            .is_some_and(|name| name.as_bytes() == LISTEN.as_bytes());
        if *method == Method::GET || listens {
            Self::Open
        } else {
            Self::Request
        }
    }

    /// Ends the stream of another server's answer, too.
    fn limit(self, answer: Response, stop: CancellationToken) -> Response {
        match self {
            Self::Request => answer,
            Self::Open => answer.map(|body| {
                let pieces = body.into_data_stream();
                Body::from_stream(pieces.take_until(stop.cancelled_owned()))
            }),
        }
    }
}

/// The response. A stream is dropped as soon as the client disconnects; an open-ended one also when `stop` is
/// cancelled.
fn response(reply: McpReply, lifetime: Lifetime, stop: CancellationToken, room: Room) -> Response {
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
            // The request waits in memory for as long as its answer goes on.
            let events = events.map(move |event| {
                let _room = &room;
                Ok::<_, Infallible>(event)
            });
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
