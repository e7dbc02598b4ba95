//! All servers for requests of the later era.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use toolvault_core::json::Tree;
use zeroize::Zeroizing;

use super::legacy::{answer, permitted, somebody, with_reference};
use super::lists::{self, List};
use super::owner::{self, Owner};
use super::{Together, renamed, server_info};
use crate::mcp::call::{ToolRequest, owned};
use crate::mcp::downstream::{Downstream, Purpose, subscription_member};
use crate::mcp::era::{Era, METADATA, NAME};
use crate::mcp::gateway::{Visit, permit};
use crate::mcp::link::{Context, Link};
use crate::mcp::message::{Message, Shape};
use crate::mcp::modern::{can_open_urls, check, check_metadata, link};
use crate::mcp::pending::Missing;
use crate::mcp::refusal::Refusal;
use crate::mcp::reply::{McpReply, Pending};
use crate::mcp::schema::header_text;
use crate::mcp::sse::Event;
use crate::mcp::stream::{Announcement, Relay};
use crate::mcp::upstream::Content;

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
    match method.as_str() {
        "server/discover" => discover(visit, &message, id, &headers, &context).await,
        "tools/list" => {
            let links = links(visit, &message, &headers).await;
            let tools = lists::tools(visit, &links, &context).await?;
            Ok(answer(id, &lists::object("tools", &tools, PRIVATE)))
        }
        "subscriptions/listen" => listen(visit, &message, id, headers, context).await,
        method => match List::of(method) {
            Some(list) => {
                let links = permitted(visit, links(visit, &message, &headers).await, method);
                let found = lists::others(&links, list, &context).await;
                Ok(answer(id, &lists::object(list.member, &found, PRIVATE)))
            }
            None => one(visit, message, id, method, headers, context).await,
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

/// The ways to all servers that speak this era.
async fn links(visit: &Visit, message: &Message<'_>, headers: &HeaderMap) -> Vec<Arc<Link>> {
    let servers = visit.rules.reachable(&visit.request.caller);
    let opening = servers
        .iter()
        .map(|server| link(visit, server, message, headers));
    let opened = futures_util::future::join_all(opening).await;
    let mut links = Vec::with_capacity(servers.len());
    for (server, opened) in servers.iter().zip(opened) {
        match opened {
            Ok(link) => links.push(link),
            Err(refusal) => refusal.log(Some(server.name.as_str())),
        }
    }
    links
}

async fn discover(
    visit: &Visit,
    message: &Message<'_>,
    id: &str,
    headers: &HeaderMap,
    context: &Context,
) -> Result<McpReply, Refusal> {
    let links = links(visit, message, headers).await;
    let params = context.params(None);
    let asking = links
        .iter()
        .map(|link| link.request("server/discover", Some(&params), context.headers()));
    let mut together = Together::default();
    for (link, asked) in links
        .iter()
        .zip(futures_util::future::join_all(asking).await)
    {
        let Ok((greeting, _)) = asked else { continue };
        let server = &link.access.server.name;
        let is_whole = visit.request.caller.reaches_all_of(&server.prefix());
        let way_back = downstream(visit, link, None, context.clone());
        let greeting = Message::parse(&greeting)?;
        together.add(server, is_whole, &way_back.redacted(greeting.value()));
    }
    let (capabilities, instructions) = together.finish();
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": [VERSION],
        "capabilities": capabilities,
        "ttlMs": 0,
        "cacheScope": "private",
    });
    result["_meta"] = Json::Object(
        [(format!("{METADATA}serverInfo"), server_info())]
            .into_iter()
            .collect(),
    );
    if let Some(instructions) = instructions {
        result["instructions"] = json!(instructions);
    }
    Ok(answer(id, result.to_string().as_bytes()))
}

/// A request that is about one server's own.
async fn one(
    visit: &Visit,
    message: Message<'_>,
    id: &str,
    method: &str,
    mut headers: HeaderMap,
    context: Context,
) -> Result<McpReply, Refusal> {
    let unnameable = || Refusal::InvalidParams("the name cannot stand in a header");
    let (link, tree, name) = match owner::of(visit, method, &message)? {
        Owner::One(server, name) => {
            let link = match link(visit, &server, &message, &headers).await {
                Ok(link) => link,
                Err(refusal) if method == "tools/call" => {
                    let can_ask = can_open_urls(&message);
                    let missing = Missing::of_call(id, Era::Modern, can_ask, &message);
                    return missing.explain(visit, &server, refusal).await;
                }
                Err(refusal) => return Err(refusal),
            };
            let tree = if method == "completion/complete" {
                with_reference(&message, &name)?
            } else {
                headers.insert(NAME, header_text(&name).ok_or_else(unnameable)?);
                renamed(&message, &name)?
            };
            (link, tree, name)
        }
        Owner::Somebody => {
            let links = permitted(visit, links(visit, &message, &headers).await, method);
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
            headers,
            ended: CancellationToken::new(),
            url_elicitation: can_open_urls(&message),
            is_shared: true,
        };
        return call.answer().await;
    }
    let pending = Pending {
        downstream: downstream(visit, &link, Some(id), context),
        record: None,
        announcement: Announcement::None,
        ended: CancellationToken::new(),
    };
    let exchange = link.ask(link.post(headers, tree.to_json())).await?;
    Ok(pending.relay(exchange).await)
}

/// News of all servers on one stream, acknowledged once.
async fn listen(
    visit: &Visit,
    message: &Message<'_>,
    id: &str,
    headers: HeaderMap,
    context: Context,
) -> Result<McpReply, Refusal> {
    let wanted = message
        .param("notifications")
        .and_then(|wanted| wanted.as_object());
    let granted: serde_json::Map<String, Json> = LIST_CHANGES
        .into_iter()
        .filter(|name| wanted.and_then(|wanted| wanted.get(name)?.as_bool()) == Some(true))
        .map(|name| (name.to_owned(), json!(true)))
        .collect();
    let own_news = if granted.contains_key("toolsListChanged") {
        Announcement::Subscription(id.to_owned())
    } else {
        Announcement::None
    };
    let mut tree = owned(message)?;
    let filter = Json::Object(granted).to_string();
    if let Ok(Some(params)) = tree.get_mut("params") {
        let filter = Tree::Raw(Zeroizing::new(filter.clone()));
        params
            .set("notifications", filter)
            .map_err(|_| Refusal::InvalidParams("'notifications' cannot be read"))?;
    }
    let acknowledgment = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{{\"_meta\":{{\"{}\":{id}}},\"notifications\":{filter}}}}}",
        subscription_member()
    );
    let first = Event::message(Zeroizing::new(acknowledgment.into_bytes()));
    let first = Bytes::from_owner(first.write());
    let mut streams = Vec::new();
    for link in links(visit, message, &headers).await {
        let mut question = link.post(headers.clone(), tree.to_json());
        question.silence = None;
        let events = match link.ask(question).await {
            Ok(exchange) => match exchange.content {
                Content::Events(events) => Some(events),
                _ => None,
            },
            Err(error) => {
                Refusal::Upstream(error).log(Some(link.access.server.name.as_str()));
                None
            }
        };
        let announcement = if streams.is_empty() {
            own_news.clone()
        } else {
            Announcement::None
        };
        let relay = Relay {
            downstream: Arc::new(downstream(visit, &link, None, context.clone())),
            events,
            first: None,
            record: None,
            announcement,
            ended: CancellationToken::new(),
        };
        streams.push(relay.run().boxed());
    }
    let acknowledged = futures_util::stream::once(async move { first });
    let news = futures_util::stream::select_all(streams);
    Ok(McpReply::stream(acknowledged.chain(news)))
}

fn downstream(visit: &Visit, link: &Arc<Link>, id: Option<&str>, context: Context) -> Downstream {
    Downstream {
        shared: Arc::clone(&visit.shared),
        caller: visit.request.caller.clone(),
        link: Arc::clone(link),
        purpose: Purpose::Other,
        id: id.map(str::to_owned),
        context,
        is_shared: true,
    }
}
