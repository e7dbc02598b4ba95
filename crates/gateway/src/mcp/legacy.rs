//! The earlier era: `initialize`, then a session, up to 2025-11-25.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use toolvault_core::json::{Tree, Value};
use zeroize::Zeroizing;

use super::call::owned;
use super::context::Context;
use super::downstream::{Passed, Purpose};
use super::gateway::{Destination, Visit, keep_to_own_tasks, permit};
use super::link::Link;
use super::pending::{Missing, in_words};
use super::program::places::Started;
use super::protocol::headers::{LAST_EVENT_ID, SESSION_ID};
use super::protocol::{Era, INITIALIZED, Message, Shape};
use super::refusal::Refusal;
use super::reply::{McpReply, Pending};
use super::server::{Filled, Server};
use super::session::Session;
use super::stream::{Announcement, Relay};
use super::together;
use super::upstream::{Events, Question, UpstreamError};
use crate::settings::{ServerName, Transport};

/// Answers a message.
pub(crate) async fn post(
    visit: &Visit,
    destination: &Destination,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    if let Shape::Request(id, method) = &shape
        && method == "initialize"
    {
        return match destination {
            Destination::One(server) => initialize(visit, server, message, *id).await,
            Destination::All => together::legacy::initialize(visit, message, *id).await,
        };
    }
    let session = session(visit, destination)?;
    match destination {
        Destination::All => together::legacy::post(visit, &session, message, shape).await,
        Destination::One(server) => {
            let answered = post_to(visit, server, &session, message, shape).await;
            if let Err(Refusal::Upstream(UpstreamError::SessionEnded)) = answered {
                end(visit, &session).await;
            }
            answered
        }
    }
}

/// Answers a GET, which opens a stream of news, or a DELETE, which ends a session.
pub(crate) async fn without_message(
    visit: &Visit,
    destination: &Destination,
) -> Result<McpReply, Refusal> {
    let session = session(visit, destination)?;
    if visit.request.method == Method::DELETE {
        end(visit, &session).await;
        return Ok(McpReply::empty(StatusCode::OK));
    }
    match destination {
        Destination::All => Ok(together::legacy::listen(visit, &session).await),
        Destination::One(server) => {
            let link = session_link(visit, &session, server).await?;
            let relay = listen(visit, &session, &link, Announcement::Plain);
            Ok(McpReply::stream(relay.run()))
        }
    }
}

/// The session that a request names, if it is this caller's and leads where the request does.
fn session(visit: &Visit, destination: &Destination) -> Result<Arc<Session>, Refusal> {
    let id = visit.request.header(SESSION_ID).ok_or(Refusal::NoSession)?;
    let server = match destination {
        Destination::One(server) => Some(&server.name),
        Destination::All => None,
    };
    visit
        .shared
        .sessions
        .find(id, &visit.request.caller, server)
        .ok_or(Refusal::NoSuchSession)
}

async fn end(visit: &Visit, session: &Arc<Session>) {
    visit.shared.sessions.remove(&session.id);
    session.end().await;
}

async fn initialize(
    visit: &Visit,
    server: &Arc<Server>,
    message: Message<'_>,
    id: Value<'_>,
) -> Result<McpReply, Refusal> {
    let opening = message.get("params").map_or("{}", |params| params.raw());
    let opened = open(visit, server, opening).await;
    let Started { link, greeting } = opened.map_err(|refusal| in_words(server, refusal))?;
    let Some(link) = link else {
        // The server's own error, under the client's id.
        let text = readdressed(&greeting, id)?;
        let access = visit.shared.access(&visit.request.caller, server);
        let (text, _) = access.given.redacted(Message::parse(&text)?.value());
        return Ok(McpReply::whole(StatusCode::OK, text));
    };
    let link = Arc::new(link);
    let session = match begin(visit, Some(server.name.clone()), opening).await {
        Ok(session) => session,
        Err(refusal) => {
            visit.shared.tasks.spawn(async move { link.close().await });
            return Err(refusal);
        }
    };
    session
        .links
        .lock()
        .await
        .insert(server.name.clone(), Arc::clone(&link));
    let context = Context::default();
    let downstream = visit.way_back(&link, Purpose::Greeting, Some(id.raw()), context);
    let passed = downstream.pass(&readdressed(&greeting, id)?).await?;
    let Passed::Response(text) = passed else {
        return Err(UpstreamError::NotMcp.into());
    };
    let mut reply = McpReply::whole(StatusCode::OK, text);
    name_session(&mut reply, &session);
    Ok(reply)
}

/// A new session of the caller.
pub(crate) async fn begin(
    visit: &Visit,
    server: Option<ServerName>,
    opening: &str,
) -> Result<Arc<Session>, Refusal> {
    let shared = &visit.shared;
    let caller = &visit.request.caller;
    let session = Session::new(shared.entropy.as_ref(), caller, server, opening)
        .map_err(|error| toolvault_vault::Error::Internal(error.into()))?;
    let session = Arc::new(session);
    let kept = shared
        .sessions
        .keep(Arc::clone(&session), &visit.rules.settings.limits);
    match kept {
        Ok(None) => {}
        Ok(Some(surplus)) => surplus.end().await,
        Err(_) => return Err(Refusal::TooManySessions),
    }
    Ok(session)
}

pub(crate) fn name_session(reply: &mut McpReply, session: &Session) {
    if let Ok(id) = HeaderValue::from_str(&session.id) {
        reply.headers.insert(SESSION_ID, id);
    }
}

/// A new way to a server, begun as the client begins.
pub(crate) async fn open(
    visit: &Visit,
    server: &Arc<Server>,
    opening: &str,
) -> Result<Started, Refusal> {
    let caller = &visit.request.caller;
    let access = visit.shared.access(caller, server);
    let filled = access.filled(&visit.shared.vault, caller).await?;
    match &server.settings.transport {
        Transport::Stdio(_) => {
            let programs = &access.programs;
            let started = programs.start(&access, filled, Era::Legacy, opening, &visit.rules);
            Ok(started.await?)
        }
        Transport::Http(_) => {
            let limits = visit.rules.limits();
            let (link, greeting) =
                Link::initialize_over_http(access, filled, opening, limits).await?;
            let is_error = Message::parse(&greeting)?.get("error").is_some();
            Ok(Started {
                link: (!is_error).then_some(link),
                greeting,
            })
        }
    }
}

/// The session's way to the server. One that has ended, or was built on what has changed, is built anew in the way in
/// which the client began.
pub(crate) async fn session_link(
    visit: &Visit,
    session: &Session,
    server: &Arc<Server>,
) -> Result<Arc<Link>, Refusal> {
    let caller = &visit.request.caller;
    let access = visit.shared.access(caller, server);
    let filled = access.filled(&visit.shared.vault, caller).await;
    let is_good = |link: &Arc<Link>, filled: &Arc<Filled>| {
        Arc::ptr_eq(&link.access, &access) && Arc::ptr_eq(&link.filled, filled) && link.is_open()
    };
    {
        let mut links = session.links.lock().await;
        match (links.get(&server.name), &filled) {
            (Some(link), Ok(filled)) if is_good(link, filled) => return Ok(Arc::clone(link)),
            (None, _) => {}
            (Some(_), _) => close(visit, links.remove(&server.name)),
        }
    }
    let filled = filled?;
    let link = open(visit, server, &session.opening).await?.link;
    let link = Arc::new(link.ok_or(UpstreamError::NotMcp)?);
    if link.program().is_none() {
        link.notify(INITIALIZED).await?;
    }
    let mut links = session.links.lock().await;
    // Another request of the session may have been quicker.
    if let Some(other) = links.get(&server.name)
        && is_good(other, &filled)
    {
        close(visit, Some(link));
        return Ok(Arc::clone(other));
    }
    close(visit, links.insert(server.name.clone(), Arc::clone(&link)));
    Ok(link)
}

/// Lets a server know that nobody needs its session any more.
fn close(visit: &Visit, link: Option<Arc<Link>>) {
    if let Some(link) = link {
        visit.shared.tasks.spawn(async move { link.close().await });
    }
}

async fn post_to(
    visit: &Visit,
    server: &Arc<Server>,
    session: &Arc<Session>,
    message: Message<'_>,
    shape: Shape<'_>,
) -> Result<McpReply, Refusal> {
    let caller = &visit.request.caller;
    let link = match session_link(visit, session, server).await {
        Ok(link) => link,
        Err(refusal) => {
            let missing = Missing::of(&shape, Era::Legacy, can_open_urls(session), &message);
            return missing.explain(visit, server, refusal);
        }
    };
    match shape {
        Shape::Request(id, method) => {
            permit(caller, server, &method)?;
            if method == "tools/call" {
                let name = tool_name(&message)?;
                let call = super::call::ToolRequest {
                    visit,
                    link,
                    message,
                    id: id.raw(),
                    name: &name,
                    headers: HeaderMap::new(),
                    url_elicitation: can_open_urls(session),
                    session: Some(Arc::clone(session)),
                };
                return call.answer().await;
            }
            let purpose = Purpose::of(&method, &message);
            let pending = of_session(visit, &link, session, purpose, Some(id.raw()));
            let mut tree = owned(&message)?;
            let headers = &mut HeaderMap::new();
            keep_to_own_tasks(caller, &link.access, &method, &mut tree, headers)?;
            forward(&link, pending, &tree).await
        }
        Shape::Notification(method) => {
            permit(caller, server, &method)?;
            let pending = of_session(visit, &link, session, Purpose::Other, None);
            forward(&link, pending, &owned(&message)?).await
        }
        Shape::Response(_) => {
            let pending = of_session(visit, &link, session, Purpose::Other, None);
            forward(&link, pending, &owned(&message)?).await
        }
    }
}

/// The way back to the client of a session; without an id where it waits for no response.
pub(crate) fn of_session(
    visit: &Visit,
    link: &Arc<Link>,
    session: &Arc<Session>,
    purpose: Purpose,
    id: Option<&str>,
) -> Pending {
    let mut downstream = visit.way_back(link, purpose, id, Context::default());
    downstream.session = Some(Arc::clone(session));
    Pending {
        downstream,
        record: None,
        announcement: Announcement::None,
    }
}

/// Passes a message on, and its answer back.
pub(crate) async fn forward(
    link: &Link,
    pending: Pending,
    message: &Tree<'_>,
) -> Result<McpReply, Refusal> {
    let exchange = link
        .ask(link.post(HeaderMap::new(), message.to_json()))
        .await?;
    Ok(pending.relay(exchange).await)
}

/// What a server says of its own accord, with our own news between. A server that offers no such stream leaves only ours.
pub(crate) fn listen(
    visit: &Visit,
    session: &Arc<Session>,
    link: &Arc<Link>,
    announcement: Announcement,
) -> Relay {
    let mut headers = HeaderMap::new();
    // An id of events means something only within the server's own session, which is this caller's alone.
    let is_shared = session.server.is_none();
    if link.has_own_session()
        && !is_shared
        && let Some(last) = visit.request.headers.get(LAST_EVENT_ID)
    {
        headers.insert(LAST_EVENT_ID, last.clone());
    }
    let question = Question {
        method: Method::GET,
        headers,
        body: Zeroizing::default(),
        silence: None,
    };
    let pending = of_session(visit, link, session, Purpose::Other, None);
    Relay {
        downstream: Arc::new(pending.downstream),
        events: Some(Events::of_question(Arc::clone(link), question)),
        first: None,
        record: None,
        announcement,
    }
}

/// The name of the tool that a call is for.
pub(crate) fn tool_name(message: &Message<'_>) -> Result<Zeroizing<String>, Refusal> {
    message
        .text_param("name")
        .ok_or(Refusal::InvalidParams("'name' is not text"))
}

/// A message of the server under another id.
pub(crate) fn readdressed(text: &[u8], id: Value<'_>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let message = Message::parse(text)?;
    let mut tree = Tree::from(message.value());
    tree.set("id", Tree::from(id))
        .map_err(|_| Refusal::Upstream(UpstreamError::NotMcp))?;
    Ok(tree.to_json())
}

/// Whether the client said that it can send its user to a URL.
pub(crate) fn can_open_urls(session: &Session) -> bool {
    let Ok(opening) = toolvault_core::json::parse(session.opening.as_bytes()) else {
        return false;
    };
    opening
        .as_object()
        .and_then(|opening| opening.get("capabilities"))
        .is_some_and(super::pending::offers_urls)
}
