//! All servers for requests of the later era.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use toolvault_core::json::{Tree, Value};
use zeroize::Zeroizing;

use super::legacy::{answer, answering, opened_only, permitted, somebody, with_reference};
use super::owner::{self, Owner};
use super::{Together, lists, news, renamed, server_info};
use crate::mcp::call::{ToolRequest, owned};
use crate::mcp::context::Context;
use crate::mcp::downstream::{Purpose, subscription_member};
use crate::mcp::gateway::{Visit, keep_to_own_tasks, permit};
use crate::mcp::link::Link;
use crate::mcp::modern::{can_open_urls, check_metadata, link};
use crate::mcp::pending::Missing;
use crate::mcp::protocol::headers::NAME;
use crate::mcp::protocol::headers::{check, encode};
use crate::mcp::protocol::{Era, Event, METADATA, Message, Shape};
use crate::mcp::refusal::Refusal;
use crate::mcp::reply::{McpReply, Pending};
use crate::mcp::stream::{Announcement, Relay};
use crate::mcp::subscription;
use crate::mcp::upstream::{Events, UpstreamError};

const VERSION: &str = "2026-07-28";
/// What every list of ours says of itself: it is this caller's, and holds only until a secret changes.
const PRIVATE: &str = r#","resultType":"complete","ttlMs":0,"cacheScope":"private""#;
const LIST_CHANGES: [&str; 3] = [
    "toolsListChanged",
    "promptsListChanged",
    "resourcesListChanged",
];

/// Answers a message.
pub(crate) async fn post(
    visit: &Visit,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    let (id, method) = match shape {
        Shape::Request(id, method) => (id.raw(), method),
        Shape::Notification(_) => return Ok(McpReply::empty(StatusCode::ACCEPTED)),
        Shape::Response(_) => return Ok(McpReply::empty(StatusCode::BAD_REQUEST)),
    };
    let headers = visit.request.protocol_headers();
    check(&message, &method, &headers)?;
    check_metadata(&message)?;
    check_version(&message)?;
    let context = Context::of(&message, &headers, Era::Modern);
    let links = links(visit, &message, &headers).await?;
    let greetings = greetings(&links, &context).await?;
    match method.as_str() {
        "server/discover" => discover(visit, &greetings, id),
        "tools/list" => {
            let tools = lists::tools(visit, &links, &context).await?;
            Ok(answer(id, &lists::object("tools", &tools, PRIVATE)))
        }
        "subscriptions/listen" => listen(visit, &links, &message, id, &headers, &context),
        method => match lists::of(method) {
            Some(list) => {
                let links = permitted(visit, links, method);
                let found = lists::others(&links, list, &context).await?;
                Ok(answer(id, &lists::object(list.member, &found, PRIVATE)))
            }
            None => one(visit, links, message, id, method, headers, context).await,
        },
    }
}

/// Servers of several versions on one path: only the one that we know.
fn check_version(message: &Message<'_>) -> Result<(), Refusal> {
    let version = message
        .metadata("protocolVersion")
        .and_then(|version| version.as_text()?.ok());
    let version = version.ok_or(Refusal::InvalidMetadata("protocolVersion"))?;
    if version.as_str() == VERSION {
        return Ok(());
    }
    Err(Refusal::UnsupportedVersion {
        supported: vec![VERSION.to_owned()],
        requested: version.as_str().to_owned(),
    })
}

/// The ways to all servers. If one speaks only the earlier era, the client is told to begin in that: on one path servers
/// are served in one era only.
async fn links(
    visit: &Visit,
    message: &Message<'_>,
    headers: &HeaderMap,
) -> Result<Vec<Arc<Link>>, Refusal> {
    let servers = answering(visit);
    let opening = servers
        .iter()
        .map(|server| lists::in_time(link(visit, server, message, headers)));
    let opened = futures_util::future::join_all(opening).await;
    let only_legacy = |opened: &Result<Arc<Link>, Refusal>| {
        matches!(opened, Err(Refusal::Upstream(UpstreamError::OtherEra)))
    };
    if opened.iter().any(only_legacy) {
        return Err(UpstreamError::OtherEra.into());
    }
    Ok(opened_only(visit, &servers, opened))
}

/// What each server says of itself, asked once for each way to it.
async fn greetings<'a>(
    links: &'a [Arc<Link>],
    context: &Context,
) -> Result<Vec<(&'a Link, Zeroizing<Vec<u8>>)>, Refusal> {
    let params = context.params(None);
    let asking = links
        .iter()
        .map(|link| lists::in_time(link.discovered(&params, context)));
    let mut greetings = Vec::with_capacity(links.len());
    for (link, asked) in links
        .iter()
        .zip(futures_util::future::join_all(asking).await)
    {
        match asked {
            Ok(greeting) => greetings.push((link.as_ref(), greeting)),
            Err(Refusal::Upstream(UpstreamError::OtherEra)) => {
                link.access.note_only_legacy();
                return Err(UpstreamError::OtherEra.into());
            }
            Err(refusal) => {
                lists::leave_out(&link.access, &refusal);
                refusal.log(Some(link.access.server.name.as_str()));
            }
        }
    }
    Ok(greetings)
}

fn discover(
    visit: &Visit,
    greetings: &[(&Link, Zeroizing<Vec<u8>>)],
    id: &str,
) -> Result<McpReply, Refusal> {
    let mut together = Together::default();
    for (link, greeting) in greetings {
        let server = &link.access.server.name;
        let is_whole = visit.request.caller.reaches_all_of(&server.prefix());
        let greeting = Message::parse(greeting)?;
        let (greeting, _) = link.access.given.redacted(greeting.value());
        together.add(server, is_whole, &greeting);
    }
    let (capabilities, instructions) = together.finish();
    let metadata = serde_json::Map::from_iter([(format!("{METADATA}serverInfo"), server_info())]);
    let mut result = serde_json::Map::from_iter([
        ("resultType".to_owned(), json!("complete")),
        ("supportedVersions".to_owned(), json!([VERSION])),
        ("capabilities".to_owned(), capabilities),
        ("ttlMs".to_owned(), json!(0)),
        ("cacheScope".to_owned(), json!("private")),
        ("_meta".to_owned(), metadata.into()),
    ]);
    if let Some(instructions) = instructions {
        result.insert("instructions".to_owned(), instructions.into());
    }
    Ok(answer(id, Json::Object(result).to_string().as_bytes()))
}

/// A request that is about one server's own.
async fn one(
    visit: &Visit,
    links: Vec<Arc<Link>>,
    message: Message<'_>,
    id: &str,
    method: &str,
    mut headers: HeaderMap,
    context: Context,
) -> Result<McpReply, Refusal> {
    let unnameable = || Refusal::InvalidParams("the name cannot stand in a header");
    let (link, mut tree, name) = match owner::of(visit, method, &message)? {
        Owner::One(server, name) => {
            let link = match link(visit, &server, &message, &headers).await {
                Ok(link) => link,
                Err(refusal) if method == "tools/call" => {
                    let can_ask = can_open_urls(&message);
                    let missing = Missing::of_call(id, Era::Modern, can_ask, &message);
                    return missing.explain(visit, &server, refusal);
                }
                Err(refusal) => return Err(refusal),
            };
            let tree = if method == "completion/complete" {
                with_reference(&message, &name)?
            } else {
                headers.insert(NAME, encode(&name).ok_or_else(unnameable)?);
                renamed(&message, &name)?
            };
            (link, tree, name)
        }
        Owner::Somebody => {
            let links = permitted(visit, links, method);
            let link = somebody(&links, method, &message, &context).await?;
            (link, owned(&message)?, String::new())
        }
    };
    let caller = &visit.request.caller;
    permit(caller, &link.access.server, method)?;
    keep_to_own_tasks(caller, &link.access, method, &mut tree, &mut headers)?;
    if method == "tools/call" {
        let call = ToolRequest {
            visit,
            link,
            message,
            id,
            name: &name,
            headers,
            url_elicitation: can_open_urls(&message),
            session: None,
        };
        return call.answer().await;
    }
    let pending = Pending {
        downstream: visit.way_back(&link, Purpose::Other, Some(id), context),
        record: None,
        announcement: Announcement::None,
    };
    let exchange = link.ask(link.post(headers, tree.to_json())).await?;
    Ok(pending.relay(exchange).await)
}

/// The event that says which news the client gets.
fn acknowledgment(id: &str, filter: &str) -> Bytes {
    let text = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{{\"_meta\":{{\"{}\":{id}}},\"notifications\":{filter}}}}}",
        subscription_member()
    );
    let event = Event::message(Zeroizing::new(text.into_bytes()));
    Bytes::from_owner(event.write())
}

/// News of all servers on one stream, acknowledged once.
fn listen(
    visit: &Visit,
    links: &[Arc<Link>],
    message: &Message<'_>,
    id: &str,
    headers: &HeaderMap,
    context: &Context,
) -> Result<McpReply, Refusal> {
    let wanted = message.param("notifications").and_then(Value::as_object);
    let granted: serde_json::Map<String, Json> = LIST_CHANGES
        .into_iter()
        .filter(|name| wanted.and_then(|wanted| wanted.get(name)?.as_bool()) == Some(true))
        .map(|name| (name.to_owned(), json!(true)))
        .collect();
    let own_news = subscription::announcement(message, id);
    let mut tree = owned(message)?;
    let filter = Json::Object(granted).to_string();
    if let Ok(Some(params)) = tree.get_mut("params") {
        let filter = Tree::Raw(Zeroizing::new(filter.clone()));
        params
            .set("notifications", filter)
            .map_err(|_| Refusal::InvalidParams("'notifications' cannot be read"))?;
    }
    let first = acknowledgment(id, &filter);
    let mut streams = vec![news::stream(visit, None, own_news).boxed()];
    for link in links {
        let mut question = link.post(headers.clone(), tree.to_json());
        question.silence = None;
        let relay = Relay {
            downstream: Arc::new(visit.way_back(link, Purpose::Other, None, context.clone())),
            events: Some(Events::of_question(Arc::clone(link), question)),
            first: None,
            record: None,
            announcement: Announcement::None,
        };
        streams.push(relay.run().boxed());
    }
    let acknowledged = futures_util::stream::once(async move { first });
    let news = futures_util::stream::select_all(streams);
    Ok(McpReply::stream(acknowledged.chain(news)))
}
