//! The later era, from 2026-07-28 on: each request stands alone and says in its headers what it is.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use toolvault_core::json::Value;

use super::call::{ToolRequest, owned};
use super::context::Context;
use super::downstream::Purpose;
use super::gateway::{Visit, keep_to_own_tasks, permit};
use super::legacy::tool_name;
use super::link::{Link, Wire};
use super::pending::Missing;
use super::protocol::{self, Era, Message, Shape};
use super::refusal::Refusal;
use super::reply::{McpReply, Pending};
use super::server::Server;
use super::stream::Announcement;
use super::subscription;
use super::upstream::UpstreamError;
use crate::settings::Transport;

/// Answers a message.
pub(crate) async fn post(
    visit: &Visit,
    server: &Arc<Server>,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    let (id, method) = match &shape {
        Shape::Request(id, method) => (Some(id.raw()), method.clone()),
        Shape::Notification(method) => (None, method.clone()),
        // "The client MUST NOT send JSON-RPC responses."
        Shape::Response(_) => return Ok(McpReply::empty(StatusCode::BAD_REQUEST)),
    };
    let headers = visit.request.protocol_headers();
    if id.is_some() {
        protocol::headers::check(&message, &method, &headers)?;
        // A program sees no headers and may not look; another server judges for itself.
        if server.client.is_none() {
            check_metadata(&message)?;
        }
    }
    let caller = &visit.request.caller;
    permit(caller, server, &method)?;
    check_subscription(visit, server, &message, &method)?;
    let url_elicitation = can_open_urls(&message);
    let link = match link(visit, server, &message, &headers).await {
        Ok(link) => link,
        Err(refusal) => {
            let missing = Missing::of(&shape, Era::Modern, url_elicitation, &message);
            return missing.explain(visit, server, refusal);
        }
    };
    if method == "tools/call"
        && let Some(id) = id
    {
        let name = tool_name(&message)?;
        let call = ToolRequest {
            visit,
            link,
            message,
            id,
            name: &name,
            headers,
            url_elicitation,
            session: None,
        };
        return call.answer().await;
    }
    relay(visit, &link, message, id, &method, headers).await
}

/// Passes a message on as it is, and its answer back.
pub(crate) async fn relay(
    visit: &Visit,
    link: &Arc<Link>,
    message: Message<'_>,
    id: Option<&str>,
    method: &str,
    mut headers: HeaderMap,
) -> Result<McpReply, Refusal> {
    let is_subscription = method == "subscriptions/listen";
    let announcement = match id {
        Some(id) if is_subscription => subscription::announcement(&message, id),
        _ => Announcement::None,
    };
    let context = Context::of(&message, &headers, Era::Modern);
    let purpose = Purpose::of(method, &message);
    let pending = Pending {
        downstream: visit.way_back(link, purpose, id, context),
        record: None,
        announcement,
    };
    let mut tree = owned(&message)?;
    let caller = &visit.request.caller;
    keep_to_own_tasks(caller, &link.access, method, &mut tree, &mut headers)?;
    let mut question = link.post(headers, tree.to_json());
    if is_subscription {
        question.silence = None;
    }
    let exchange = link.ask(question).await?;
    Ok(pending.relay(exchange).await)
}

/// The caller's way to the server for requests that stand alone.
pub(crate) async fn link(
    visit: &Visit,
    server: &Arc<Server>,
    message: &Message<'_>,
    headers: &HeaderMap,
) -> Result<Arc<Link>, Refusal> {
    let caller = &visit.request.caller;
    let access = visit.shared.access(caller, server);
    let filled = access.filled(&visit.shared.vault, caller).await?;
    if access.is_only_legacy() {
        return Err(UpstreamError::OtherEra.into());
    }
    if let Some(link) = access.stateless.lock().await.as_ref()
        && Arc::ptr_eq(&link.filled, &filled)
        && link.is_open()
    {
        return Ok(Arc::clone(link));
    }
    let link = match &server.settings.transport {
        Transport::Http(_) => {
            let wire = Wire::Http {
                session: None,
                version: None,
            };
            let limits = visit.rules.limits();
            Link::new(Arc::clone(&access), Era::Modern, filled, wire, limits)
        }
        Transport::Stdio(_) => {
            let params = Context::of(message, headers, Era::Modern).params(None);
            let programs = &access.programs;
            let started = programs.start(&access, filled, Era::Modern, &params, &visit.rules);
            started.await?.link.ok_or(UpstreamError::OtherEra)?
        }
    };
    let link = Arc::new(link);
    *access.stateless.lock().await = Some(Arc::clone(&link));
    Ok(link)
}

/// Whether the client says that it can send its user to a URL.
pub(crate) fn can_open_urls(message: &Message<'_>) -> bool {
    message
        .metadata("clientCapabilities")
        .is_some_and(super::pending::offers_urls)
}

/// A key for some tools hears of tools only.
fn check_subscription(
    visit: &Visit,
    server: &Server,
    message: &Message<'_>,
    method: &str,
) -> Result<(), Refusal> {
    if method != "subscriptions/listen"
        || visit.request.caller.reaches_all_of(&server.name.prefix())
    {
        return Ok(());
    }
    let wanted = message.param("notifications").and_then(Value::as_object);
    let names = wanted.and_then(|wanted| wanted.members().ok());
    let only_tools = names
        .unwrap_or_default()
        .iter()
        .all(|member| member.name == "toolsListChanged");
    if only_tools {
        Ok(())
    } else {
        Err(Refusal::WholeServerOnly)
    }
}

/// A request says of itself in which version it speaks and what its client can do.
pub(crate) fn check_metadata(message: &Message<'_>) -> Result<(), Refusal> {
    for name in ["protocolVersion", "clientCapabilities"] {
        if message.metadata(name).is_none() {
            return Err(Refusal::InvalidMetadata(name));
        }
    }
    Ok(())
}
