//! The earlier era, up to 2025-11-25: `initialize` begins a session, and each later request names it.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, Value};

use crate::mcp::answer::{Announcement, McpReply, Passed, Relay};
use crate::mcp::call::in_words;
use crate::mcp::conversation::{self, Conversation, close};
use crate::mcp::links::{Link, Question, Started};
use crate::mcp::protocol::Message;
use crate::mcp::protocol::headers::{LAST_EVENT_ID, SESSION_ID};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::server::Server;
use crate::mcp::session::{Purpose, Session, UsedSession, new_id};
use crate::mcp::state::Visit;
use crate::settings::ServerName;

/// Answers `initialize` to one server.
pub(crate) async fn initialize(
    visit: &Visit,
    server: &Arc<Server>,
    message: &Message<'_>,
    id: Value<'_>,
) -> Result<McpReply, Refusal> {
    let opening = message.get("params").map_or("{}", |params| params.raw());
    visit.allow(&server.tool)?;
    let opened = conversation::initialize(visit, server, opening).await;
    let Started { link, greeting } = opened.map_err(|refusal| in_words(server, refusal))?;
    let greeting = readdressed(&greeting, id)?;
    let Some(link) = link else {
        // The server's own error.
        let upstream = visit.upstream(server);
        let (text, _) = upstream
            .access
            .values
            .redacted(Message::parse(&greeting)?.value())
            .await;
        return Ok(McpReply::whole(StatusCode::OK, text));
    };
    let link = Arc::new(link);
    let session = match begin(visit, Some(server.name.clone()), opening).await {
        Ok(session) => session,
        Err(refusal) => {
            close(visit, Some(link));
            return Err(refusal);
        }
    };
    let mut links = session.links.lock().await;
    links.insert(server.name.clone(), Arc::clone(&link));
    drop(links);
    let conversation = Conversation::Session(session.clone());
    let answering = conversation.answering(visit, &link, Purpose::Greeting, Some(id.raw()));
    let Passed::Response(text) = answering.downstream.pass(&greeting).await? else {
        return Err(UpstreamError::NotMcp.into());
    };
    Ok(with_session(
        McpReply::whole(StatusCode::OK, text),
        &session,
    ))
}

/// A new session of the caller.
pub(crate) async fn begin(
    visit: &Visit,
    server: Option<ServerName>,
    opening: &str,
) -> Result<UsedSession, Refusal> {
    let state = &visit.state;
    let id = new_id(&state.vault, state.entropy.as_ref())
        .map_err(|error| toolvault_vault::Error::Internal(error.into()))?;
    let session = Session::new(id, &state.vault, visit.caller(), server, opening);
    let session = Arc::new(session);
    let limits = &visit.rules.settings.limits;
    let used = session.used();
    if let Some(surplus) = state.sessions.keep(session, limits)? {
        surplus.end().await;
    }
    Ok(used)
}

/// An answer that names the session.
pub(crate) fn with_session(mut reply: McpReply, session: &Session) -> McpReply {
    if let Ok(id) = HeaderValue::from_str(&session.id) {
        reply.headers.insert(SESSION_ID, id);
    }
    reply
}

/// The answer to a GET of a session. It begins with an announcement if tools changed while the client could not hear of it.
///
/// `events` must hear of changes already, or one in between would be lost.
pub(crate) fn stream(
    visit: &Visit,
    session: &Session,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> McpReply {
    let has_missed = session.has_unseen_changes(visit.caller());
    let missed = has_missed.then(|| Announcement::Plain.tell()).flatten();
    McpReply::stream(futures_util::stream::iter(missed).chain(events))
}

/// What a server sends without being asked, with our announcements in between. If it offers no such stream, only
/// those.
pub(crate) fn listen(
    visit: &Visit,
    conversation: &Conversation,
    link: &Arc<Link>,
    announcement: Announcement,
) -> Relay {
    let question = Question {
        method: Method::GET,
        headers: headers_of_stream(visit, link),
        body: Wiped::default(),
        silence: None,
    };
    let answering = conversation.answering(visit, link, Purpose::Other, None);
    Relay {
        downstream: Arc::new(answering.downstream),
        events: Some(link.events(question)),
        first: None,
        record: None,
        announcement,
    }
}

/// The event after which the client wants the stream. Its ID is valid only within the server's own session.
pub(crate) fn headers_of_stream(visit: &Visit, link: &Link) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if link.has_own_session()
        && visit.request.server.is_some()
        && let Some(last) = visit.request.headers.get(LAST_EVENT_ID)
    {
        headers.insert(LAST_EVENT_ID, last.clone());
    }
    headers
}

/// A message of the server under another ID.
fn readdressed(text: &[u8], id: Value<'_>) -> Result<Wiped<Vec<u8>>, Refusal> {
    let message = Message::parse(text)?;
    let mut tree = Tree::from(message.value());
    tree.set("id", Tree::from(id))
        .map_err(|_| Refusal::Upstream(UpstreamError::NotMcp))?;
    Ok(tree.to_json())
}
