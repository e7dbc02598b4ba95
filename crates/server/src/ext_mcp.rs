//! Another gateway asks about the MCP messages that it relays: the gRPC service that agentgateway calls external
//! MCP processing (`ext_mcp.proto`).
//!
//! The answer to a request holds values of secrets. So two must be known: the gateway itself by its token, which its
//! callers do not have, and the caller by a credential of Toolvault. Neither is enough alone.

mod caller;
mod grpc;
mod messages;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use prost::Message as _;
use toolvault_gateway::mcp::{Checked, ExternalMessage, ExternalRefusal, RefusalKind};

use self::grpc::Status;
use self::messages::{Authorization, Code, McpMessage, McpResult, Outcome, Pass};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::input::{ReceivedBody, read_body};
use crate::limits::bodies::Sender;

/// What a message may take beside its content, in bytes: headers and metadata.
const ENVELOPE: usize = 256 << 10;

/// The methods of the service.
pub(crate) fn router(app: App) -> Router {
    let on_request = |State(app): State<App>, request: Request| answer(app, request, Side::Request);
    let on_result = |State(app): State<App>, request: Request| answer(app, request, Side::Result);
    Router::new()
        .route(
            "/agentgateway.dev.ext_mcp.ExtMcp/CheckRequest",
            post(on_request),
        )
        .route(
            "/agentgateway.dev.ext_mcp.ExtMcp/CheckResponse",
            post(on_result),
        )
        .fallback(|| async { Status::UNIMPLEMENTED })
        .method_not_allowed_fallback(|| async { Status::UNIMPLEMENTED })
        .with_state(app)
}

/// Which message is asked about.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Result,
}

async fn answer(app: App, request: Request, side: Side) -> Response {
    match check(&app, request, side).await {
        Ok(result) => grpc::answer(&result),
        Err(status) => status.into_response(),
    }
}

async fn check(app: &App, request: Request, side: Side) -> Result<McpResult, Status> {
    let (mut parts, body) = request.into_parts();
    grpc::require_media_type(&parts.headers)?;
    caller::admit_gateway(app, &parts)?;
    parts.extensions.insert(Sender::other_gateway());
    let most_bytes = app.entrance().message_bytes.saturating_add(ENVELOPE);
    let body = read_body(app, &parts, body, most_bytes).await;
    let ReceivedBody { bytes, room } = body.map_err(|error| Status::of(&error))?;
    let message = grpc::only_message(&Bytes::from_owner(bytes))?;
    let message = McpMessage::decode(message).map_err(|_| Status::MALFORMED)?;
    let caller = match caller::of_message(app, &parts, &message, side).await {
        Ok(caller) => caller,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let external = ExternalMessage {
        caller,
        servers: message.service_names,
        method: message.method,
        content: message.content,
        base_url: app.settings.base_url().unwrap_or_default(),
    };
    let checked = match side {
        Side::Request => app.gateway.check_request(external).await,
        Side::Result => app.gateway.check_result(external).await,
    };
    // The message waits in memory until it is answered.
    drop(room);
    Ok(match checked {
        Ok(Checked::Unchanged) => McpResult::of(Outcome::Pass(Pass {})),
        Ok(Checked::Changed(text)) => McpResult::of(Outcome::Mutated(Bytes::from_owner(text))),
        Err(refusal) => refused(refusal),
    })
}

fn refused(refusal: ExternalRefusal) -> McpResult {
    let code = match refusal.kind {
        RefusalKind::Denied => Code::PermissionDenied,
        RefusalKind::Exhausted => Code::ResourceExhausted,
        RefusalKind::Invalid => Code::Invalid,
        RefusalKind::Failed => Code::Unknown,
    };
    McpResult::of(Outcome::Error(Authorization {
        code: code.into(),
        reason: refusal.text,
    }))
}

/// A refusal of the HTTP API, in the terms of this service.
fn of_error(error: &ApiError) -> ExternalRefusal {
    let (status, _, body) = error.parts();
    let kind = match status.as_u16() {
        401 | 403 => RefusalKind::Denied,
        429 => RefusalKind::Exhausted,
        _ => RefusalKind::Failed,
    };
    let text = body
        .text()
        .unwrap_or("The caller is not accepted.")
        .to_owned();
    ExternalRefusal { kind, text }
}
