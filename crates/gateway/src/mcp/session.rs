//! Sessions of the earlier era. Each belongs to the caller who began it and to the path on which they did.

mod unseen;
mod wishes;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::{Entropy, EntropyError};
use toolvault_core::json::{Value, parse};
use toolvault_vault::{Caller, Vault};

use self::unseen::Unseen;
pub(crate) use self::unseen::shows_in_tools;
use self::wishes::Wishes;
use super::access::Principal;
use super::links::Link;
use super::protocol::{Message, is_same_id};
use super::refusal::Refusal;
use super::used::Used;
use crate::settings::{GatewayLimits, ServerName};

/// How many unanswered requests a session remembers.
const MOST_UNANSWERED: usize = 64;

/// One session.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) principal: Principal,
    /// The server of `/mcp/<server>`; `None` for `/mcp`.
    pub(crate) server: Option<ServerName>,
    /// The parameters of its `initialize`, used again for each new connection to a server.
    pub(crate) opening: Wiped<String>,
    /// Whether the client can send its user to a URL.
    pub(crate) opens_urls: bool,
    pub(crate) links: tokio::sync::Mutex<BTreeMap<ServerName, Arc<Link>>>,
    pub(crate) ended: CancellationToken,
    /// What the client set at the servers.
    pub(crate) wishes: Mutex<Wishes>,
    unseen: Mutex<Unseen>,
    /// Requests whose stream ended before their response came; it may come on another.
    unanswered: Mutex<VecDeque<Unanswered>>,
    /// Calls that may wait for a person, by the ID of the request.
    waiting: Mutex<Vec<(String, Weak<CancellationToken>)>>,
    /// Shared with each request and stream that uses the session.
    uses: Arc<()>,
    caller: Mutex<Caller>,
    used: Used,
}

/// What a client asked for, if the answer needs treatment of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `initialize` or `server/discover`.
    Greeting,
    /// The first page of `tools/list`.
    Tools,
    /// A later page of `tools/list`.
    MoreTools,
    /// `tasks/list`.
    Tasks,
    Other,
}

impl Purpose {
    pub(crate) fn of(method: &str, message: &Message<'_>) -> Self {
        match method {
            "initialize" | "server/discover" => Self::Greeting,
            "tools/list" => match message.param("cursor") {
                Some(cursor) if !cursor.is_null() => Self::MoreTools,
                _ => Self::Tools,
            },
            "tasks/list" => Self::Tasks,
            _ => Self::Other,
        }
    }
}

/// A session that a request or a stream uses. As long as there is one, the session is neither idle nor evicted.
#[derive(Clone)]
pub(crate) struct UsedSession {
    session: Arc<Session>,
    _use: Arc<()>,
}

impl Deref for UsedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// A request that is still to be answered.
#[derive(Clone)]
pub(crate) struct Unanswered {
    pub(crate) id: String,
    pub(crate) purpose: Purpose,
    /// The tool that was called.
    pub(crate) tool: Option<String>,
}

#[derive(Default)]
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<String, Arc<Session>>>,
}

impl Session {
    pub(crate) fn new(
        id: String,
        vault: &Vault,
        caller: &Caller,
        server: Option<ServerName>,
        opening: &str,
    ) -> Self {
        Self {
            id,
            principal: Principal::of(caller),
            server,
            opening: Wiped::new(opening.to_owned()),
            opens_urls: opens_urls(opening),
            links: tokio::sync::Mutex::new(BTreeMap::new()),
            ended: CancellationToken::new(),
            wishes: Mutex::default(),
            unseen: Mutex::new(Unseen::from_now(vault)),
            unanswered: Mutex::new(VecDeque::new()),
            waiting: Mutex::default(),
            uses: Arc::default(),
            caller: Mutex::new(caller.clone()),
            used: Used::now(&vault.clock()),
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        self.caller.lock().clone()
    }

    /// Notes that it is in use.
    pub(crate) fn keep(&self) {
        self.used.note();
    }

    /// Notes that the client asks for its tools: call it before they are read.
    pub(crate) fn note_listing(&self, vault: &Vault) {
        *self.unseen.lock() = Unseen::from_now(vault);
    }

    /// Whether its tools may look different from when the client asked for them last, or began the session.
    pub(crate) fn has_unseen_changes(&self, caller: &Caller) -> bool {
        self.unseen.lock().shows_in_tools(caller)
    }

    /// Notes a request whose stream ended before its response came.
    pub(crate) fn note_unanswered(&self, request: Unanswered) {
        let mut unanswered = self.unanswered.lock();
        if unanswered.len() == MOST_UNANSWERED {
            unanswered.pop_front();
        }
        unanswered.push_back(request);
    }

    /// The request that a response answers, if it is one of these. It is removed.
    pub(crate) fn take_unanswered(&self, id: Value<'_>) -> Option<Unanswered> {
        let mut unanswered = self.unanswered.lock();
        let place = unanswered
            .iter()
            .position(|request| is_same_id(&request.id, id))?;
        unanswered.remove(place)
    }

    /// Notes a call that may wait for a person, until the result is dropped. It is cancelled when the client cancels the
    /// call, and when the session ends.
    pub(crate) fn waiting(&self, id: &str) -> Arc<CancellationToken> {
        let cancelled = Arc::new(self.ended.child_token());
        let mut waiting = self.waiting.lock();
        waiting.retain(|(_, other)| other.strong_count() > 0);
        waiting.push((id.to_owned(), Arc::downgrade(&cancelled)));
        cancelled
    }

    /// Cancels what waits for a person under this ID.
    pub(crate) fn cancel_waiting(&self, id: Value<'_>) {
        let waiting = self.waiting.lock();
        let same = waiting.iter().filter(|(own, _)| is_same_id(own, id));
        for cancelled in same.filter_map(|(_, cancelled)| cancelled.upgrade()) {
            cancelled.cancel();
        }
    }

    /// Ends it: its streams end, and its servers are told. Later requests do not find it.
    pub(crate) async fn end(&self) {
        self.ended.cancel();
        let links = std::mem::take(&mut *self.links.lock().await);
        for link in links.into_values() {
            link.close().await;
        }
    }

    /// Whether one of the servers said that its session has ended.
    pub(crate) async fn is_forgotten_by_a_server(&self) -> bool {
        let links = self.links.lock().await;
        links.values().any(|link| link.is_forgotten())
    }

    fn touch(&self, caller: &Caller) {
        *self.caller.lock() = caller.clone();
        self.keep();
    }

    /// Marks the session as used until the result is dropped.
    pub(crate) fn used(self: &Arc<Self>) -> UsedSession {
        UsedSession {
            session: Arc::clone(self),
            _use: Arc::clone(&self.uses),
        }
    }

    fn is_used(&self) -> bool {
        Arc::strong_count(&self.uses) > 1
    }
}

impl Sessions {
    /// Keeps a session. If the caller has too many, returns the one that was idle longest, which must end for it. It is an
    /// error if all of them are used, or if there are too many of all callers.
    pub(crate) fn keep(
        &self,
        session: Arc<Session>,
        limits: &GatewayLimits,
    ) -> Result<Option<Arc<Session>>, Refusal> {
        let mut by_id = self.by_id.lock();
        by_id.retain(|_, other| !other.ended.is_cancelled());
        let own = || {
            by_id
                .values()
                .filter(|other| other.principal == session.principal)
        };
        let surplus = if own().count() >= limits.sessions_per_caller {
            let unused = own().filter(|other| !other.is_used());
            let oldest = unused.min_by_key(|other| other.used.at());
            Some(Arc::clone(oldest.ok_or(Refusal::TooManySessions)?))
        } else {
            None
        };
        let is_of_user = |other: &&Arc<Session>| other.principal.user == session.principal.user;
        let is_full = || {
            by_id.len() >= limits.sessions
                || by_id.values().filter(is_of_user).count() >= limits.sessions_per_user()
        };
        if surplus.is_none() && is_full() {
            return Err(Refusal::TooManySessions);
        }
        if let Some(oldest) = &surplus {
            by_id.remove(&oldest.id);
        }
        by_id.insert(session.id.clone(), session);
        Ok(surplus)
    }

    /// The session of that ID, if it belongs to this caller and was begun on this path.
    pub(crate) fn find(
        &self,
        id: &str,
        caller: &Caller,
        server: Option<&ServerName>,
    ) -> Option<UsedSession> {
        let by_id = self.by_id.lock();
        let session = by_id.get(id)?;
        if session.principal != Principal::of(caller)
            || session.server.as_ref() != server
            || session.ended.is_cancelled()
        {
            return None;
        }
        session.touch(caller);
        Some(session.used())
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// The sessions that nothing used for so long. Forgets those that have ended.
    pub(crate) fn idle(&self, idle: Duration) -> Vec<Arc<Session>> {
        let mut by_id = self.by_id.lock();
        by_id.retain(|_, session| !session.ended.is_cancelled());
        let sessions = by_id.values();
        sessions
            .filter(|session| !session.is_used() && session.used.idle() >= idle)
            .cloned()
            .collect()
    }

    /// How many sessions are open.
    pub(crate) fn len(&self) -> usize {
        let by_id = self.by_id.lock();
        let sessions = by_id.values();
        sessions
            .filter(|session| !session.ended.is_cancelled())
            .count()
    }
}

/// Whether a client with these parameters of `initialize` can send its user to a URL.
fn opens_urls(opening: &str) -> bool {
    let capabilities = parse(opening.as_bytes())
        .ok()
        .and_then(|opening| opening.as_object()?.get("capabilities"));
    capabilities.is_some_and(offers_urls)
}

/// Whether a client with these capabilities can send its user to a URL.
pub(crate) fn offers_urls(capabilities: Value<'_>) -> bool {
    capabilities
        .as_object()
        .and_then(|capabilities| capabilities.get("elicitation")?.as_object())
        .is_some_and(|elicitation| elicitation.get("url").is_some())
}

/// An ID of 128 random bits as hexadecimal digits, after the ID of this process and a full stop if the other servers on
/// the database reach it: they forward what is asked under that ID.
pub(crate) fn new_id(vault: &Vault, entropy: &dyn Entropy) -> Result<String, EntropyError> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    let random = hexadecimal(&bytes);
    Ok(match vault.replica_id() {
        Some(process) => format!("{}.{random}", process.simple()),
        None => random,
    })
}
