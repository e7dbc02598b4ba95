//! The later era, from 2026-07-28 on: each request stands alone and says in its headers what it is.

use crate::mcp::conversation::{Conversation, Incoming, Stateless};
use crate::mcp::links::Context;
use crate::mcp::protocol::{Era, Message, headers, is_modern};
use crate::mcp::refusal::Refusal;
use crate::mcp::server::Server;
use crate::mcp::session::offers_urls;
use crate::mcp::state::Visit;

/// The version that all servers share on `/mcp`.
pub(crate) const VERSION: &str = "2026-07-28";

/// A request to one server, or to all.
pub(crate) fn conversation(
    visit: &Visit,
    server: Option<&Server>,
    incoming: &Incoming<'_>,
) -> Result<Conversation, Refusal> {
    let message = &incoming.message;
    let headers = visit.request.protocol_headers();
    if incoming.id().is_some() {
        headers::check(message, incoming.method(), &headers)?;
        // A server over HTTP checks for itself. A program sees no headers and may not look.
        if server.is_none_or(|server| server.client.is_none()) {
            check_metadata(message)?;
        }
        if server.is_none() {
            check_version(message)?;
        }
    }
    let capabilities = message.metadata("clientCapabilities");
    Ok(Conversation::Stateless(Box::new(Stateless {
        context: Context::of(message, &headers, Era::Modern),
        opens_urls: capabilities.is_some_and(offers_urls),
        headers,
    })))
}

/// A request names its version and what its client can do.
fn check_metadata(message: &Message<'_>) -> Result<(), Refusal> {
    for name in ["protocolVersion", "clientCapabilities"] {
        if message.metadata(name).is_none() {
            return Err(Refusal::InvalidMetadata(name));
        }
    }
    Ok(())
}

fn check_version(message: &Message<'_>) -> Result<(), Refusal> {
    let version = message.version();
    let version = version.ok_or(Refusal::InvalidMetadata("protocolVersion"))?;
    if version == VERSION {
        return Ok(());
    }
    // The client is told what it asked for only if that is a version: any other text may be anything.
    let requested = if is_modern(&version) {
        version
    } else {
        "unknown".to_owned()
    };
    Err(Refusal::UnsupportedVersion {
        supported: vec![VERSION.to_owned()],
        requested,
    })
}
