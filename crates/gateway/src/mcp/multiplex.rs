//! `/mcp`: all servers on one path. Tools and prompts are called `<server>__<name>`; for everything else the server that
//! a request concerns is found by asking them.

mod listening;
mod lists;
mod merged;
mod owner;
mod subscription;

use std::sync::Arc;

use ::http::StatusCode;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, Value};

use self::lists::{in_time, leave_out};
use self::merged::Merged;
use self::owner::Owner;
use super::answer::{Announcement, McpReply, untagged};
use super::conversation::{self, Conversation, Incoming, owned};
use super::eras::legacy;
use super::links::Link;
use super::one::{self, forward};
use super::protocol::{self, Era, Message, Shape};
use super::refusal::{Refusal, UpstreamError};
use super::rules::permit;
use super::session::UsedSession;
use super::state::Visit;

/// What every list in the later era says of itself: it is this caller's, and valid only until a secret changes.
const PRIVATE: &str = r#","resultType":"complete","ttlMs":0,"cacheScope":"private""#;

/// Answers a message.
pub(crate) async fn answer(
    visit: &Visit,
    conversation: &Conversation,
    incoming: &Incoming<'_>,
) -> Result<McpReply, Refusal> {
    match (&incoming.shape, conversation) {
        (Shape::Request(id, _), _) => request(visit, conversation, incoming, id.raw()).await,
        (Shape::Notification(_), Conversation::Session(session)) => {
            // A notification opens no connection: only servers that know the session get it.
            let links: Vec<_> = session.links.lock().await.values().cloned().collect();
            for link in links {
                let (tree, headers) = (owned(&incoming.message)?, conversation.headers(None)?);
                let told = forward(visit, conversation, &link, incoming, tree, headers).await;
                if let Err(refusal) = told {
                    refusal.log(Some(link.access.server.name.as_str()));
                }
            }
            Ok(McpReply::empty(StatusCode::ACCEPTED))
        }
        (Shape::Notification(_), _) => Ok(McpReply::empty(StatusCode::ACCEPTED)),
        (Shape::Response(id), _) => {
            let unknown = || Refusal::InvalidParams("no such request");
            let (server, own) = untagged(*id).ok_or_else(unknown)?;
            let server = visit.rules.server(visit.caller(), server.as_str())?;
            let link = conversation.link(visit, server, &server.tool).await?;
            let mut tree = owned(&incoming.message)?;
            tree.set("id", Tree::Raw(own)).map_err(|_| unknown())?;
            let headers = conversation.headers(None)?;
            forward(visit, conversation, &link, incoming, tree, headers).await
        }
    }
}

/// Answers a request. A server that has forgotten its session has not done what it was asked: a new session with it is
/// begun and it is asked again. The client's session goes on.
async fn request(
    visit: &Visit,
    conversation: &Conversation,
    incoming: &Incoming<'_>,
    id: &str,
) -> Result<McpReply, Refusal> {
    let first = Box::pin(request_once(visit, conversation, incoming, id)).await;
    let Conversation::Session(session) = conversation else {
        return first;
    };
    let method = incoming.method();
    let is_list = method == "tools/list" || lists::of(method).is_some();
    let is_undone = is_list
        || matches!(
            first,
            Err(Refusal::Upstream(UpstreamError::SessionEnded) | Refusal::InvalidParams(_))
        );
    if !is_undone || !session.is_forgotten_by_a_server().await {
        return first;
    }
    match Box::pin(request_once(visit, conversation, incoming, id)).await {
        Err(Refusal::Upstream(UpstreamError::SessionEnded)) => Err(UpstreamError::Ended.into()),
        second => second,
    }
}

async fn request_once(
    visit: &Visit,
    conversation: &Conversation,
    incoming: &Incoming<'_>,
    id: &str,
) -> Result<McpReply, Refusal> {
    let (era, method) = (conversation.era(), incoming.method());
    if era == Era::Legacy {
        if method == "ping" {
            return Ok(result(id, b"{}"));
        }
        // Most requests concern one server: the others are asked only if it must be found.
        if let Owner::One(server, name) = owner::of(visit, era, incoming)? {
            return one::answer(visit, conversation, &server, incoming, Some(&name)).await;
        }
    }
    let links = links(visit, conversation).await?;
    let further = match era {
        Era::Legacy => "",
        Era::Modern => PRIVATE,
    };
    let context = conversation.context();
    match (era, method) {
        (Era::Legacy, "logging/setLevel") => {
            tell_all(visit, conversation, &links, incoming).await?;
            Ok(result(id, b"{}"))
        }
        (Era::Modern, "server/discover") => discover(visit, conversation, &links, id).await,
        (Era::Modern, "subscriptions/listen") => {
            subscription::begin(visit, conversation, links, incoming, id).await
        }
        (_, "tools/list") => {
            let tools = lists::tools(visit, &links, &context).await?;
            Ok(result(id, &lists::object("tools", &tools, further)))
        }
        _ => {
            if let Some(list) = lists::of(method) {
                let links = permitted(visit, links, method);
                let found = lists::others(&links, list, &context).await?;
                return Ok(result(id, &lists::object(list.member, &found, further)));
            }
            match owner::of(visit, era, incoming)? {
                Owner::One(server, name) => {
                    one::answer(visit, conversation, &server, incoming, Some(&name)).await
                }
                Owner::Unknown => {
                    let links = permitted(visit, links, method);
                    let link = owner::find(visit, era, &links, incoming, &context).await?;
                    permit(visit.caller(), &link.access.server, method)?;
                    let tree = owned(&incoming.message)?;
                    let headers = conversation.headers(None)?;
                    forward(visit, conversation, &link, incoming, tree, headers).await
                }
            }
        }
    }
}

/// Sends every server the same request; failures are logged.
async fn tell_all(
    visit: &Visit,
    conversation: &Conversation,
    links: &[Arc<Link>],
    incoming: &Incoming<'_>,
) -> Result<(), Refusal> {
    let params = incoming.message.get("params").map(Value::raw);
    for link in links {
        let (access, sent) = (&link.access, incoming.message.value());
        visit.search(access, &access.server.tool, sent).await?;
        conversation.note(link, incoming);
        let asked = link.request(incoming.method(), params, ::http::HeaderMap::new());
        if let Err(error) = asked.await {
            Refusal::Upstream(error).log(Some(link.access.server.name.as_str()));
        }
    }
    Ok(())
}

/// The servers about which the caller may use a method.
fn permitted(visit: &Visit, mut links: Vec<Arc<Link>>, method: &str) -> Vec<Arc<Link>> {
    links.retain(|link| permit(visit.caller(), &link.access.server, method).is_ok());
    links
}

fn result(id: &str, result: &[u8]) -> McpReply {
    let text = Wiped::new(protocol::result(id, result));
    McpReply::whole(StatusCode::OK, text)
}

/// The connections to all servers that answer; one that does not is left out for a while.
///
/// In the later era one server that knows only the earlier is an error: the client then begins with `initialize`,
/// because all servers are served in the same era.
async fn links(visit: &Visit, conversation: &Conversation) -> Result<Vec<Arc<Link>>, Refusal> {
    let mut servers = Vec::new();
    for server in visit.rules.reachable(visit.caller()) {
        let (vault, access) = (&visit.state.vault, &visit.upstream(&server).access);
        if !access.is_left_out(vault, visit.caller()).await {
            servers.push(server);
        }
    }
    let opening = servers
        .iter()
        .map(|server| in_time(conversation.link(visit, server, &server.tool)));
    let opened = futures_util::future::join_all(opening).await;
    let mut links = Vec::with_capacity(servers.len());
    for (server, opened) in servers.iter().zip(opened) {
        match opened {
            Ok(link) => links.push(link),
            Err(Refusal::Upstream(UpstreamError::OtherEra)) => {
                return Err(UpstreamError::OtherEra.into());
            }
            Err(refusal) => leave_out(&visit.upstream(server).access, &refusal),
        }
    }
    if conversation.era() == Era::Modern {
        greetings(conversation, &links).await?;
    }
    Ok(links)
}

/// What each server of the later era says of itself, asked once for each connection.
async fn greetings<'a>(
    conversation: &Conversation,
    links: &'a [Arc<Link>],
) -> Result<Vec<(&'a Link, Wiped<Vec<u8>>)>, Refusal> {
    let context = conversation.context();
    let params = context.params(None);
    let asking = links
        .iter()
        .map(|link| in_time(link.discovered(&params, &context)));
    let asked = futures_util::future::join_all(asking).await;
    let mut greetings = Vec::with_capacity(links.len());
    for (link, asked) in links.iter().zip(asked) {
        match asked {
            Ok(greeting) => greetings.push((link.as_ref(), greeting)),
            Err(Refusal::Upstream(UpstreamError::OtherEra)) => {
                link.access.note_only_legacy();
                return Err(UpstreamError::OtherEra.into());
            }
            Err(refusal) => leave_out(&link.access, &refusal),
        }
    }
    Ok(greetings)
}

async fn discover(
    visit: &Visit,
    conversation: &Conversation,
    links: &[Arc<Link>],
    id: &str,
) -> Result<McpReply, Refusal> {
    let mut merged = Merged::default();
    for (link, greeting) in greetings(conversation, links).await? {
        merged.add(visit.caller(), link, &greeting).await?;
    }
    merged.add_sign_ins(visit, &visit.rules.reachable(visit.caller()));
    let text = merged.discovered().to_string();
    Ok(result(id, text.as_bytes()))
}

/// Begins a session with every server that can be reached.
pub(crate) async fn initialize(
    visit: &Visit,
    message: &Message<'_>,
    id: &str,
) -> Result<McpReply, Refusal> {
    let opening = message.get("params").map_or("{}", |params| params.raw());
    let servers = visit.rules.reachable(visit.caller());
    let session = legacy::begin(visit, None, opening).await?;
    let opened = servers.iter().map(|server| {
        in_time(async move {
            visit.allow(&server.tool)?;
            conversation::initialize(visit, server, opening).await
        })
    });
    let opened = futures_util::future::join_all(opened).await;
    let mut merged = Merged::default();
    for (server, opened) in servers.iter().zip(opened) {
        let started = match opened {
            Ok(started) => started,
            Err(refusal) => {
                leave_out(&visit.upstream(server).access, &refusal);
                continue;
            }
        };
        let Some(link) = started.link else { continue };
        merged.add(visit.caller(), &link, &started.greeting).await?;
        let mut links = session.links.lock().await;
        links.insert(server.name.clone(), Arc::new(link));
    }
    merged.add_sign_ins(visit, &servers);
    let text = merged.initialized(message).to_string();
    Ok(legacy::with_session(result(id, text.as_bytes()), &session))
}

/// Answers a GET of a session: what all servers send without being asked, and our own announcements.
pub(crate) async fn listen(visit: &Visit, session: UsedSession) -> Result<McpReply, Refusal> {
    let conversation = Conversation::Session(session.clone());
    let links = links(visit, &conversation).await?;
    let relay = |visit: &Visit, conversation: &Conversation, link: &Arc<Link>| {
        legacy::listen(visit, conversation, link, Announcement::None)
    };
    let announcement = Announcement::Plain;
    let events = listening::stream(visit, conversation, links, announcement, relay);
    Ok(legacy::stream(visit, &session, events))
}
