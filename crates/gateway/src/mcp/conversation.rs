//! What the eras do differently: how the connection to a server is found, which headers and
//! metadata a request to it has, and how its answer goes back. Everything else is the same for both.

use std::sync::Arc;

use ::http::HeaderMap;
use tokio_util::sync::CancellationToken;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, parse};
use toolvault_core::pattern::ToolName;

use super::access::Entry;
use super::answer::{Announcement, Answering, Downstream};
use super::links::{Context, Link, Started};
use super::protocol::headers::{NAME, decode, encode};
use super::protocol::{Era, INITIALIZED, Malformed, Message, Shape};
use super::refusal::{Refusal, UpstreamError};
use super::server::Server;
use super::session::{Purpose, Session, UsedSession};
use super::state::Visit;

/// What a request is part of.
#[derive(Clone)]
pub(crate) enum Conversation {
    /// A session of the earlier era.
    Session(UsedSession),
    /// Nothing: a request of the later era stands alone.
    Stateless(Box<Stateless>),
}

/// What a request of the later era says about itself.
#[derive(Clone)]
pub(crate) struct Stateless {
    /// The protocol's headers as the client sent them.
    pub(crate) headers: HeaderMap,
    pub(crate) context: Context,
    /// Whether the client can send its user to a URL.
    pub(crate) opens_urls: bool,
}

/// The longest ID of a request, in bytes. A session remembers those that are not answered.
const LONGEST_ID: usize = 1 << 10;
/// The largest message that is kept as long as what it begins: a session or a subscription. One caller can begin many.
const LARGEST_KEPT: usize = 128 << 10;

/// A message of a client.
pub(crate) struct Incoming<'a> {
    pub(crate) message: Message<'a>,
    pub(crate) shape: Shape<'a>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        let message = Message::parse(text)?;
        let shape = message.shape()?;
        Ok(Self { message, shape })
    }

    /// Refuses what would fill the memory, because it is kept after the message is answered.
    pub(crate) fn check_size(&self) -> Result<(), Refusal> {
        if self.id().is_some_and(|id| id.len() > LONGEST_ID) {
            return Err(Refusal::InvalidParams("an ID has at most 1,024 bytes"));
        }
        let is_kept = matches!(self.method(), "initialize" | "subscriptions/listen");
        if is_kept && self.message.value().raw().len() > LARGEST_KEPT {
            return Err(Refusal::InvalidParams(
                "a message that begins a session or a subscription has at most 128 KiB",
            ));
        }
        Ok(())
    }

    /// The ID of a request.
    pub(crate) fn id(&self) -> Option<&'a str> {
        match self.shape {
            Shape::Request(id, _) => Some(id.raw()),
            _ => None,
        }
    }

    /// The method; empty for a response.
    pub(crate) fn method(&self) -> &str {
        match &self.shape {
            Shape::Request(_, method) | Shape::Notification(method) => method,
            Shape::Response(_) => "",
        }
    }
}

impl Conversation {
    pub(crate) fn era(&self) -> Era {
        match self {
            Self::Session(_) => Era::Legacy,
            Self::Stateless(_) => Era::Modern,
        }
    }

    /// The metadata for our own requests to a server.
    pub(crate) fn context(&self) -> Context {
        match self {
            Self::Session(_) => Context::default(),
            Self::Stateless(request) => request.context.clone(),
        }
    }

    /// The protocol's headers for the server: those of the client, with the name under which the server knows what the
    /// request is about.
    pub(crate) fn headers(&self, name: Option<&str>) -> Result<HeaderMap, Refusal> {
        let Self::Stateless(request) = self else {
            return Ok(HeaderMap::new());
        };
        let mut headers = request.headers.clone();
        let sent = headers
            .get(NAME)
            .and_then(|sent| decode(sent.to_str().ok()?));
        if let Some(name) = name
            && sent.as_deref() != Some(name)
        {
            let unnameable = Refusal::InvalidParams("the name cannot stand in a header");
            headers.insert(NAME, encode(name).ok_or(unnameable)?);
        }
        Ok(headers)
    }

    /// Whether the client can send its user to a URL.
    pub(crate) fn opens_urls(&self) -> bool {
        match self {
            Self::Session(session) => session.opens_urls,
            Self::Stateless(request) => request.opens_urls,
        }
    }

    /// Is cancelled when the client cancels a call that waits for a person, or ends its session. In the later era it closes
    /// the connection.
    pub(crate) fn waiting(&self, id: &str) -> Arc<CancellationToken> {
        match self {
            Self::Session(session) => session.waiting(id),
            Self::Stateless(_) => Arc::default(),
        }
    }

    /// The connection to a server, for a request about `tool`. What our own requests say of the client is searched.
    pub(crate) async fn link(
        &self,
        visit: &Visit,
        server: &Arc<Server>,
        tool: &ToolName,
    ) -> Result<Arc<Link>, Refusal> {
        visit.allow(tool)?;
        let link = self.open(visit, server).await;
        self.search(visit, server, tool).await?;
        link
    }

    /// As [`link`](Self::link), for a message that is searched before it goes on: what our own requests say of the client
    /// is a part of it.
    pub(crate) async fn link_for_message(
        &self,
        visit: &Visit,
        server: &Arc<Server>,
        tool: &ToolName,
    ) -> Result<Arc<Link>, Refusal> {
        visit.allow(tool)?;
        let link = self.open(visit, server).await;
        if link.is_err() {
            // A program that did not begin may have read our own requests all the same.
            self.search(visit, server, tool).await?;
        }
        link
    }

    async fn open(&self, visit: &Visit, server: &Arc<Server>) -> Result<Arc<Link>, Refusal> {
        match self {
            Self::Session(session) => session_link(visit, session, server).await,
            Self::Stateless(request) => {
                let (accounts, caller) = (&visit.state.accounts, visit.caller());
                let (upstream, context) = (visit.upstream(server), &request.context);
                let link = upstream.stateless(accounts, caller, context, &visit.rules);
                link.await
            }
        }
    }

    /// Searches what our own requests to a server say of the client.
    async fn search(
        &self,
        visit: &Visit,
        server: &Arc<Server>,
        tool: &ToolName,
    ) -> Result<(), Refusal> {
        if let Self::Stateless(request) = self {
            let said = Wiped::new(request.context.params(None));
            if let Ok(said) = parse(said.as_bytes()) {
                let access = &visit.upstream(server).access;
                visit.search(access, tool, said).await?;
            }
        }
        Ok(())
    }

    /// Notes a request that sets something at the server for as long as the session lasts.
    pub(crate) fn note(&self, link: &Link, incoming: &Incoming<'_>) {
        if let Self::Session(session) = self
            && incoming.id().is_some()
        {
            let mut wishes = session.wishes.lock();
            wishes.note(
                &link.access.server.name,
                incoming.method(),
                &incoming.message,
            );
        }
    }

    /// How an answer goes back to the client. Without an ID the client waits for no response.
    pub(crate) fn answering(
        &self,
        visit: &Visit,
        link: &Arc<Link>,
        purpose: Purpose,
        id: Option<&str>,
    ) -> Answering {
        Answering {
            downstream: Downstream {
                services: visit.services(),
                caller: visit.caller().clone(),
                link: Arc::clone(link),
                purpose,
                id: id.map(str::to_owned),
                context: self.context(),
                is_shared: visit.request.server.is_none(),
                session: match self {
                    Self::Session(session) => Some(session.clone()),
                    Self::Stateless(_) => None,
                },
                tool: None,
            },
            record: None,
            announcement: Announcement::None,
        }
    }
}

/// The session's connection to the server. One that has ended, or was made with other credentials or another
/// configuration, is made again with the client's own parameters of `initialize`, and with what the client set since.
async fn session_link(
    visit: &Visit,
    session: &Session,
    server: &Arc<Server>,
) -> Result<Arc<Link>, Refusal> {
    let (accounts, caller) = (&visit.state.accounts, visit.caller());
    let upstream = visit.upstream(server);
    let filled = upstream.access.entry(accounts, caller).await;
    let is_good = |link: &Arc<Link>, filled: &Arc<Entry>| {
        Arc::ptr_eq(&link.access, &upstream.access)
            && Arc::ptr_eq(&link.filled, filled)
            && link.is_open()
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
    let started = initialize(visit, server, &session.opening).await?;
    let link = Arc::new(started.link.ok_or(UpstreamError::NotMcp)?);
    if link.program().is_none() {
        link.notify(INITIALIZED).await?;
    }
    set_again(visit, session, &link).await?;
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

/// Begins a session with a server, with the client's own parameters of `initialize`.
pub(crate) async fn initialize(
    visit: &Visit,
    server: &Arc<Server>,
    opening: &str,
) -> Result<Started, Refusal> {
    let (accounts, caller) = (&visit.state.accounts, visit.caller());
    let upstream = visit.upstream(server);
    let started = upstream.initialize(accounts, caller, opening, &visit.rules);
    let started = started.await;
    // The credentials of the server are known from here on. It may have read the parameters even if it failed.
    if let Ok(said) = parse(opening.as_bytes()) {
        visit.search(&upstream.access, &server.tool, said).await?;
    }
    started
}

/// Sets at the server what the client had set there. It is searched again: more values may be known by now.
async fn set_again(visit: &Visit, session: &Session, link: &Link) -> Result<(), Refusal> {
    let server = &link.access.server.name;
    let requests = session.wishes.lock().at(server);
    for (method, params) in requests {
        if let Ok(said) = parse(params.as_bytes()) {
            let tool = &link.access.server.tool;
            visit.search(&link.access, tool, said).await?;
        }
        let asked = link.request(method, Some(&params), HeaderMap::new());
        if let Err(error) = asked.await {
            Refusal::Upstream(error).log(Some(server.as_str()));
        }
    }
    Ok(())
}

/// Tells a server that its session has ended.
pub(crate) fn close(visit: &Visit, link: Option<Arc<Link>>) {
    if let Some(link) = link {
        visit.state.tasks.spawn(async move { link.close().await });
    }
}

/// The message as a tree of its own, each member once: what was judged is what is passed on.
pub(crate) fn owned(message: &Message<'_>) -> Result<Tree<'static>, Refusal> {
    let refused = |_| Refusal::InvalidParams("a name holds half a character");
    let raw = Wiped::new(message.value().raw().to_owned());
    let mut tree = Tree::Raw(raw);
    tree.members_mut().map_err(refused)?;
    if let Some(params) = tree.get_mut("params").map_err(refused)? {
        params.members_mut().map_err(refused)?;
        if let Some(metadata) = params.get_mut("_meta").map_err(refused)? {
            metadata.members_mut().map_err(refused)?;
        }
    }
    Ok(tree)
}
