//! All servers in one session of the earlier era.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use serde_json::Value as Json;
use toolvault_core::json::{Tree, Value};
use zeroize::Zeroizing;

use super::owner::{self, Owner};
use super::{Together, lists, news, renamed, server_info, untagged};
use crate::mcp::call::{ToolRequest, owned};
use crate::mcp::context::Context;
use crate::mcp::downstream::Purpose;
use crate::mcp::gateway::{Visit, keep_to_own_tasks, permit};
use crate::mcp::legacy::{
    begin, can_open_urls, forward, listen as listen_to, name_session, of_session, open,
    session_link,
};
use crate::mcp::link::Link;
use crate::mcp::pending::Missing;
use crate::mcp::protocol::{self, Era, Message, Shape};
use crate::mcp::refusal::Refusal;
use crate::mcp::reply::McpReply;
use crate::mcp::server::Server;
use crate::mcp::session::Session;
use crate::mcp::stream::Announcement;
use crate::mcp::tasks::asked_for;
use crate::mcp::upstream::UpstreamError;

/// The versions of the earlier era, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
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
        .map(|server| lists::in_time(open(visit, server, opening)));
    let session = begin(visit, None, opening).await?;
    let mut together = Together::default();
    for (server, opened) in servers
        .iter()
        .zip(futures_util::future::join_all(opened).await)
    {
        let started = match opened {
            Ok(started) => started,
            Err(refusal) => {
                lists::leave_out(
                    &visit.shared.access(&visit.request.caller, server),
                    &refusal,
                );
                refusal.log(Some(server.name.as_str()));
                continue;
            }
        };
        let Some(link) = started.link else { continue };
        let link = Arc::new(link);
        let greeting = Message::parse(&started.greeting)?;
        let is_whole = visit.request.caller.reaches_all_of(&server.name.prefix());
        let (greeting, _) = link.access.given.redacted(greeting.value());
        together.add(&server.name, is_whole, &greeting);
        session.links.lock().await.insert(server.name.clone(), link);
    }
    let asked = message.text_param("protocolVersion");
    let version = VERSIONS
        .into_iter()
        .find(|known| asked.as_ref().is_some_and(|asked| asked.as_str() == *known))
        .unwrap_or("2025-11-25");
    let (capabilities, instructions) = together.finish();
    let mut result = serde_json::Map::from_iter([
        ("protocolVersion".to_owned(), version.into()),
        ("capabilities".to_owned(), capabilities),
        ("serverInfo".to_owned(), server_info()),
    ]);
    if let Some(instructions) = instructions {
        result.insert("instructions".to_owned(), instructions.into());
    }
    let text = protocol::result(id.raw(), Json::Object(result).to_string().as_bytes());
    let mut reply = McpReply::whole(StatusCode::OK, Zeroizing::new(text));
    name_session(&mut reply, &session);
    Ok(reply)
}

/// What all servers say of their own accord, and our own news.
pub(crate) async fn listen(visit: &Visit, session: &Arc<Session>) -> McpReply {
    let own = news::stream(visit, Some(Arc::clone(session)), Announcement::Plain);
    let mut streams = vec![own.boxed()];
    for link in links(visit, session).await {
        let relay = listen_to(visit, session, &link, Announcement::None);
        streams.push(relay.run().boxed());
    }
    McpReply::stream(futures_util::stream::select_all(streams))
}

/// Answers a message of a session.
pub(crate) async fn post(
    visit: &Visit,
    session: &Arc<Session>,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    match shape {
        Shape::Request(id, method) => answered(visit, session, message, id.raw(), &method).await,
        Shape::Notification(_) => {
            let text = owned(&message)?;
            // It begins nothing: only servers that have heard of the session hear of it.
            let links: Vec<_> = session.links.lock().await.values().cloned().collect();
            for link in links {
                let pending = of_session(visit, &link, session, Purpose::Other, None);
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
            let pending = of_session(visit, &link, session, Purpose::Other, None);
            forward(&link, pending, &tree).await
        }
    }
}

/// The answer of all servers together to what is asked of all.
async fn of_all(
    visit: &Visit,
    session: &Arc<Session>,
    message: &Message<'_>,
    id: &str,
    method: &str,
) -> Result<Option<McpReply>, Refusal> {
    let context = Context::default();
    if method == "ping" {
        return Ok(Some(answer(id, b"{}")));
    }
    if method == "tools/list" {
        let links = links(visit, session).await;
        let tools = lists::tools(visit, &links, &context).await?;
        return Ok(Some(answer(id, &lists::object("tools", &tools, ""))));
    }
    if let Some(list) = lists::of(method) {
        let links = permitted(visit, links(visit, session).await, method);
        let found = lists::others(&links, list, &context).await?;
        return Ok(Some(answer(id, &lists::object(list.member, &found, ""))));
    }
    if method == "logging/setLevel" {
        tell_all(visit, session, message, method).await;
        return Ok(Some(answer(id, b"{}")));
    }
    Ok(None)
}

async fn request(
    visit: &Visit,
    session: &Arc<Session>,
    message: Message<'_>,
    id: &str,
    method: &str,
) -> Result<McpReply, Refusal> {
    if let Some(reply) = of_all(visit, session, &message, id, method).await? {
        return Ok(reply);
    }
    let context = Context::default();
    let (link, mut tree, name) = match owner::of(visit, method, &message)? {
        Owner::One(server, name) => {
            let link = match session_link(visit, session, &server).await {
                Ok(link) => link,
                Err(refusal) if method == "tools/call" => {
                    let can_ask = can_open_urls(session);
                    let missing = Missing::of_call(id, Era::Legacy, can_ask, &message);
                    return missing.explain(visit, &server, refusal);
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
            let link = somebody(&links, method, &message, &context).await?;
            (link, owned(&message)?, String::new())
        }
    };
    let caller = &visit.request.caller;
    permit(caller, &link.access.server, method)?;
    keep_to_own_tasks(
        caller,
        &link.access,
        method,
        &mut tree,
        &mut HeaderMap::new(),
    )?;
    if method == "tools/call" {
        let call = ToolRequest {
            visit,
            link,
            message,
            id,
            name: &name,
            headers: HeaderMap::new(),
            url_elicitation: can_open_urls(session),
            session: Some(Arc::clone(session)),
        };
        return call.answer().await;
    }
    let pending = of_session(visit, &link, session, Purpose::Other, Some(id));
    forward(&link, pending, &tree).await
}

/// Answers a request. A server that has forgotten its session has not done what it was asked, so it is begun with anew and
/// asked again; the session with us goes on.
async fn answered(
    visit: &Visit,
    session: &Arc<Session>,
    message: Message<'_>,
    id: &str,
    method: &str,
) -> Result<McpReply, Refusal> {
    let first = Box::pin(request(visit, session, message, id, method)).await;
    let is_list = method == "tools/list" || lists::of(method).is_some();
    let is_undone = is_list
        || matches!(
            first,
            Err(Refusal::Upstream(UpstreamError::SessionEnded) | Refusal::InvalidParams(_))
        );
    if !is_undone || !session.is_forgotten_by_a_server().await {
        return first;
    }
    match Box::pin(request(visit, session, message, id, method)).await {
        Err(Refusal::Upstream(UpstreamError::SessionEnded)) => Err(UpstreamError::Ended.into()),
        second => second,
    }
}

/// Asks every server the same; who cannot do it is logged.
async fn tell_all(visit: &Visit, session: &Arc<Session>, message: &Message<'_>, method: &str) {
    let params = message.get("params").map(Value::raw);
    for link in links(visit, session).await {
        if let Err(error) = link.request(method, params, HeaderMap::new()).await {
            Refusal::Upstream(error).log(Some(link.access.server.name.as_str()));
        }
    }
}

/// The server that knows what a request is about.
pub(super) async fn somebody(
    links: &[Arc<Link>],
    method: &str,
    message: &Message<'_>,
    context: &Context,
) -> Result<Arc<Link>, Refusal> {
    if let Some(task) = asked_for(method, message)? {
        let link = owner::of_task(links, &task);
        return link.ok_or(Refusal::InvalidParams("there is no such task"));
    }
    let uri = message.text_param("uri").or_else(|| {
        let named = message.param("ref")?.as_object()?;
        named.get("uri")?.as_text()?.ok()
    });
    let uri = uri.ok_or(Refusal::InvalidParams("'uri' is not text"))?;
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
    McpReply::whole(StatusCode::OK, Zeroizing::new(protocol::result(id, result)))
}

/// The ways to all servers that can be reached now; one that does not answer is left out for a while.
async fn links(visit: &Visit, session: &Arc<Session>) -> Vec<Arc<Link>> {
    let servers = answering(visit);
    let opening = servers
        .iter()
        .map(|server| lists::in_time(session_link(visit, session, server)));
    let opened = futures_util::future::join_all(opening).await;
    opened_only(visit, &servers, opened)
}

/// The servers that the caller reaches, but for those that did not answer a moment ago.
pub(super) fn answering(visit: &Visit) -> Vec<Arc<Server>> {
    let caller = &visit.request.caller;
    let mut servers = visit.rules.reachable(caller);
    servers.retain(|server| !visit.shared.access(caller, server).is_left_out());
    servers
}

/// The ways that were found; servers to which there is none are left out for a while.
pub(super) fn opened_only(
    visit: &Visit,
    servers: &[Arc<Server>],
    opened: Vec<Result<Arc<Link>, Refusal>>,
) -> Vec<Arc<Link>> {
    let mut links = Vec::with_capacity(servers.len());
    for (server, opened) in servers.iter().zip(opened) {
        match opened {
            Ok(link) => links.push(link),
            Err(refusal) => {
                lists::leave_out(
                    &visit.shared.access(&visit.request.caller, server),
                    &refusal,
                );
                refusal.log(Some(server.name.as_str()));
            }
        }
    }
    links
}
