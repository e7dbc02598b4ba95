//! Who asks: the gateway, and the caller whose message it relays.

use axum::extract::FromRequestParts as _;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use toolvault_core::keyring::is_equal;
use toolvault_gateway::mcp::{ExternalRefusal, RefusalKind};
use toolvault_vault::Caller;

use super::grpc::Status;
use super::messages::McpMessage;
use super::{Side, of_error};
use crate::app::App;
use crate::extract::caller::{AuthenticatedProgram, ON_BEHALF, refuse};

/// The members of the metadata that are read as the header of that name: the credentials of the HTTP API, and the user for
/// whom a key acts.
const HEADERS: [&str; 4] = ["token", "authorization", "x-api-key", ON_BEHALF];

/// Refuses who is not the gateway. A failure is recorded as one of the HTTP API.
pub(super) fn admit_gateway(app: &App, parts: &Parts) -> Result<(), Status> {
    let expected = app
        .settings
        .ext_mcp
        .as_ref()
        .map(|settings| &settings.token);
    let mut sent = parts.headers.get_all(header::AUTHORIZATION).iter();
    let is_admitted = match (expected, sent.next(), sent.next()) {
        (Some(expected), Some(sent), None) => sent
            .as_bytes()
            .strip_prefix(b"Bearer ")
            .is_some_and(|sent| is_equal(expected.as_bytes(), sent)),
        _ => false,
    };
    if is_admitted {
        return Ok(());
    }
    let _ = refuse(parts, app, "gateway_not_accepted");
    Err(Status::UNAUTHENTICATED)
}

/// The caller, by the credential in the metadata of the message. A message without one is refused: the gateway has no
/// rights of its own.
pub(super) async fn of_message(
    app: &App,
    parts: &Parts,
    message: &McpMessage,
    side: Side,
) -> Result<Caller, ExternalRefusal> {
    let headers = credentials(message)?;
    if goes_on(message, &headers) {
        return Err(ExternalRefusal {
            kind: RefusalKind::Denied,
            text: "The caller's credential would go on to the tool server: remove its header in the gateway, with a \
                   transformation of the route, and pass it on as metadata only."
                .to_owned(),
        });
    }
    let (mut presented, ()) = Request::new(()).into_parts();
    presented.headers = headers;
    presented.extensions = parts.extensions.clone();
    // The request was counted, and its result must not be lost.
    let authenticated = match side {
        Side::Request => AuthenticatedProgram::from_request_parts(&mut presented, app).await,
        Side::Result => AuthenticatedProgram::uncounted(&mut presented, app).await,
    };
    let caller = authenticated.map(|AuthenticatedProgram(caller)| caller);
    caller.map_err(|error| of_error(&error))
}

/// What the metadata says of the caller. One that is there twice stays so, and is refused as ambiguous.
fn credentials(message: &McpMessage) -> Result<HeaderMap, ExternalRefusal> {
    let fields = message
        .metadata_context
        .iter()
        .flat_map(|data| &data.fields);
    let mut headers = HeaderMap::new();
    for field in fields {
        let Some(name) = HEADERS.into_iter().find(|name| field.key == **name) else {
            continue;
        };
        let text = field.value.as_ref().and_then(|value| value.text.clone());
        let value = text.and_then(|text| HeaderValue::from_maybe_shared(text).ok());
        let Some(mut value) = value else {
            return Err(ExternalRefusal {
                kind: RefusalKind::Invalid,
                text: format!("The metadata '{name}' must be a text that can stand in a header."),
            });
        };
        value.set_sensitive(true);
        headers.append(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Whether a header of the request repeats the caller's credential, so that the tool server would get it.
fn goes_on(message: &McpMessage, credentials: &HeaderMap) -> bool {
    let secrets = credentials.iter().filter(|(name, _)| *name != ON_BEHALF);
    let mut secrets = secrets.filter_map(|(_, value)| {
        let mut words = value.as_bytes().split(u8::is_ascii_whitespace);
        words.rfind(|word| !word.is_empty())
    });
    secrets.any(|secret| {
        let holds = |value: &[u8]| value.windows(secret.len()).any(|part| part == secret);
        message.headers.iter().any(|header| holds(&header.value))
    })
}
