//! All servers in one session of the earlier era.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use serde_json::json;
use toolvault_core::json::{Tree, Value};
use zeroize::Zeroizing;

use super::lists::{self, List};
use super::owner::{self, Owner};
use super::{Together, renamed, server_info, untagged};
use crate::mcp::call::{ToolRequest, owned};
use crate::mcp::downstream::Purpose;
use crate::mcp::era::Era;
use crate::mcp::gateway::{Visit, permit};
use crate::mcp::legacy::{
    begin, can_open_urls, downstream, forward, listen as listen_to, name_session, open,
    session_link, silent,
};
use crate::mcp::link::{Context, Link};
use crate::mcp::message::{self, Message, Shape};
use crate::mcp::pending::Missing;
use crate::mcp::refusal::Refusal;
use crate::mcp::reply::{McpReply, Pending};
use crate::mcp::session::Session;
use crate::mcp::stream::Announcement;
use crate::mcp::upstream::UpstreamError;

/// The versions of the earlier era, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// How long a server may take to begin before it is left out.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins a session with every server that can be reached.
pub(crate) async fn initialize(
    visit: &Visit,
    message: Message<'_>,
    id: Value<'_>,
) -> Result<McpReply, Refusal> {
    let opening = message.get("params").map_or("{}", |params| params.raw());
    let servers = visit.rules.reachable(&visit.request.caller);
    let opened = servers
        .iter()
        .map(|server| tokio::time::timeout(PATIENCE, open(visit, server, opening)));
    let session = begin(visit, None, opening).await?;
    let mut together = Together::default();
    for (server, opened) in servers
        .iter()
        .zip(futures_util::future::join_all(opened).await)
    {
        let started = match opened {
            Ok(Ok(started)) => started,
            Ok(Err(refusal)) => {
                refusal.log(Some(server.name.as_str()));
                continue;
            }
            Err(_elapsed) => {
                tracing::warn!(mcp.server = %server.name, "a server did not begin in time");
                continue;
            }
        };
        let Some(link) = started.link else { continue };
        let link = Arc::new(link);
        let way_back = downstream(visit, &link, Purpose::Other, None);
        let greeting = Message::parse(&started.greeting)?;
        let is_whole = visit.request.caller.reaches_all_of(&server.name.prefix());
        together.add(&server.name, is_whole, &way_back.redacted(greeting.value()));
        session.links.lock().await.insert(server.name.clone(), link);
    }
    let asked = message.text_param("protocolVersion");
    let version = VERSIONS
        .into_iter()
        .find(|known| asked.as_ref().is_some_and(|asked| asked.as_str() == *known))
        .unwrap_or("2025-11-25");
    let (capabilities, instructions) = together.finish();
    let mut result = json!({
        "protocolVersion": version,
        "capabilities": capabilities,
        "serverInfo": server_info(),
    });
    if let Some(instructions) = instructions {
        result["instructions"] = json!(instructions);
    }
    let text = message::result(id.raw(), result.to_string().as_bytes());
    let mut reply = McpReply::whole(StatusCode::OK, Zeroizing::new(text));
    name_session(&mut reply, &session);
    Ok(reply)
}

/// What all servers say of their own accord.
pub(crate) async fn listen(visit: &Visit, session: &Arc<Session>) -> Result<McpReply, Refusal> {
    let mut streams = Vec::new();
    for link in links(visit, session).await {
        let announcement = if streams.is_empty() {
            Announcement::Plain
        } else {
            Announcement::None
        };
        match listen_to(visit, session, &link, announcement).await {
            Ok(relay) => streams.push(relay.run().boxed()),
            Err(refusal) => refusal.log(Some(link.access.server.name.as_str())),
        }
    }
    if streams.is_empty() {
        return Ok(McpReply::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    Ok(McpReply::stream(futures_util::stream::select_all(streams)))
}

/// Answers a message of a session.
pub(crate) async fn post(
    visit: &Visit,
    session: &Arc<Session>,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    match shape {
        Shape::Request(id, method) => {
            let answered = Box::pin(request(visit, session, message, id.raw(), &method)).await;
            // What was asked of a server that has forgotten its session is not done there.
            let is_undone = List::of(&method).is_some()
                || method == "tools/list"
                || matches!(
                    answered,
                    Err(Refusal::Upstream(UpstreamError::SessionEnded) | Refusal::InvalidParams(_))
                );
            if is_undone && session.is_forgotten_by_a_server().await {
                return Box::pin(request(visit, session, message, id.raw(), &method)).await;
            }
            answered
        }
        Shape::Notification(_) => {
            let text = owned(&message)?;
            for link in links(visit, session).await {
                let pending = silent(visit, &link, session);
                if let Err(refusal) = forward(&link, pending, &text).await {
                    refusal.log(Some(link.access.server.name.as_str()));
                }
            }
            Ok(McpReply::empty(StatusCode::ACCEPTED))
        }
        Shape::Response(id) => {
            let (server, own) = untagged(id).ok_or(Refusal::InvalidParams("no such request"))?;
            let server = visit.rules.server(&visit.request.caller, server.as_str())?;
            let link = session_link(visit, session, server).await?;
            let mut tree = owned(&message)?;
            tree.set("id", Tree::Raw(own))
                .map_err(|_| Refusal::InvalidParams("no such request"))?;
            forward(&link, silent(visit, &link, session), &tree).await
        }
    }
}

async fn request(
    visit: &Visit,
    session: &Arc<Session>,
    message: Message<'_>,
    id: &str,
    method: &str,
) -> Result<McpReply, Refusal> {
    let context = Context::default();
    if method == "ping" {
        return Ok(answer(id, b"{}"));
    }
    if method == "tools/list" {
        let links = links(visit, session).await;
        let tools = lists::tools(visit, &links, &context).await?;
        return Ok(answer(id, &lists::object("tools", &tools, "")));
    }
    if let Some(list) = List::of(method) {
        let links = permitted(visit, links(visit, session).await, method);
        let found = lists::others(&links, list, &context).await;
        return Ok(answer(id, &lists::object(list.member, &found, "")));
    }
    if method == "logging/setLevel" {
        let params = message.get("params").map(|params| params.raw());
        for link in links(visit, session).await {
            if let Err(error) = link.request(method, params, HeaderMap::new()).await {
                Refusal::Upstream(error).log(Some(link.access.server.name.as_str()));
            }
        }
        return Ok(answer(id, b"{}"));
    }
    let (link, tree, name) = match owner::of(visit, method, &message)? {
        Owner::One(server, name) => {
            let link = match session_link(visit, session, &server).await {
                Ok(link) => link,
                Err(refusal) if method == "tools/call" => {
                    let can_ask = can_open_urls(session);
                    let missing = Missing::of_call(id, Era::Legacy, can_ask, &message);
                    return missing.explain(visit, &server, refusal).await;
                }
                Err(refusal) => return Err(refusal),
            };
            let tree = if method == "completion/complete" {
                with_reference(&message, &name)?
            } else {
                renamed(&message, &name)?
            };
            (link, tree, name)
        }
        Owner::Somebody => {
            let links = permitted(visit, links(visit, session).await, method);
            let link = somebody(&links, &message, &context).await;
            let link = link.ok_or(Refusal::InvalidParams("no server knows it"))?;
            (link, owned(&message)?, String::new())
        }
    };
    permit(&visit.request.caller, &link.access.server, method)?;
    if method == "tools/call" {
        let call = ToolRequest {
            visit,
            link,
            message,
            id,
            name: &name,
            headers: HeaderMap::new(),
            ended: session.ended.clone(),
            url_elicitation: can_open_urls(session),
            is_shared: true,
        };
        return call.answer().await;
    }
    let pending = Pending {
        downstream: downstream(visit, &link, Purpose::Other, Some(id)),
        record: None,
        announcement: Announcement::None,
        ended: session.ended.clone(),
    };
    forward(&link, pending, &tree).await
}

/// The server that knows what a request is about.
pub(super) async fn somebody(
    links: &[Arc<Link>],
    message: &Message<'_>,
    context: &Context,
) -> Option<Arc<Link>> {
    if let Some(task) = message.text_param("taskId") {
        return owner::of_task(links, &task, context).await;
    }
    let uri = match message.text_param("uri") {
        Some(uri) => uri,
        None => message
            .param("ref")?
            .as_object()?
            .get("uri")?
            .as_text()?
            .ok()?,
    };
    owner::of_resource(links, &uri, context).await
}

/// A request for completion of an argument of a prompt, under the name that the server knows.
pub(super) fn with_reference(message: &Message<'_>, name: &str) -> Result<Tree<'static>, Refusal> {
    let refused = |_| Refusal::InvalidParams("'ref' cannot be read");
    let mut tree = owned(message)?;
    if let Some(params) = tree.get_mut("params").map_err(refused)?
        && let Some(reference) = params.get_mut("ref").map_err(refused)?
    {
        reference.set("name", Tree::text(name)).map_err(refused)?;
    }
    Ok(tree)
}

/// The servers about which all the caller may use a method.
pub(super) fn permitted(visit: &Visit, links: Vec<Arc<Link>>, method: &str) -> Vec<Arc<Link>> {
    let caller = &visit.request.caller;
    let mut links = links;
    links.retain(|link| permit(caller, &link.access.server, method).is_ok());
    links
}

pub(super) fn answer(id: &str, result: &[u8]) -> McpReply {
    McpReply::whole(StatusCode::OK, Zeroizing::new(message::result(id, result)))
}

/// The ways to all servers that can be reached now.
async fn links(visit: &Visit, session: &Arc<Session>) -> Vec<Arc<Link>> {
    let servers = visit.rules.reachable(&visit.request.caller);
    let mut links = Vec::with_capacity(servers.len());
    for server in &servers {
        match session_link(visit, session, server).await {
            Ok(link) => links.push(link),
            Err(refusal) => refusal.log(Some(server.name.as_str())),
        }
    }
    links
}
