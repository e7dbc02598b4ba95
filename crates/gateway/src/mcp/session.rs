//! Sessions of the earlier era: each belongs to whoever began it, and to the path on which they did.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::{Entropy, EntropyError};
use toolvault_core::json::Value;
use toolvault_vault::Caller;
use zeroize::Zeroizing;

use super::access::Principal;
use super::downstream::Purpose;
use super::link::Link;
use super::protocol::is_same_id;
use crate::settings::{GatewayLimits, ServerName};

/// How many requests without a response a session remembers.
const MOST_UNANSWERED: usize = 64;

/// One session.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) principal: Principal,
    /// The one server that it leads to; none for all together.
    pub(crate) server: Option<ServerName>,
    /// The parameters of its `initialize`, to begin again with where a way to a server has ended.
    pub(crate) opening: Zeroizing<String>,
    pub(crate) links: tokio::sync::Mutex<BTreeMap<ServerName, Arc<Link>>>,
    pub(crate) ended: CancellationToken,
    /// Requests whose stream ended before their response came; it may come on another.
    unanswered: Mutex<VecDeque<Unanswered>>,
    caller: Mutex<Caller>,
    used_at: Mutex<Instant>,
}

/// A request that is still to be answered, and how its answer is to be treated.
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
        entropy: &dyn Entropy,
        caller: &Caller,
        server: Option<ServerName>,
        opening: &str,
    ) -> Result<Self, EntropyError> {
        Ok(Self {
            id: random_id(entropy)?,
            principal: Principal::of(caller),
            server,
            opening: Zeroizing::new(opening.to_owned()),
            links: tokio::sync::Mutex::new(BTreeMap::new()),
            ended: CancellationToken::new(),
            unanswered: Mutex::new(VecDeque::new()),
            caller: Mutex::new(caller.clone()),
            used_at: Mutex::new(Instant::now()),
        })
    }

    pub(crate) fn caller(&self) -> Caller {
        self.caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that something is still going on.
    pub(crate) fn keep(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Notes a request whose stream ended before its response came.
    pub(crate) fn note_unanswered(&self, request: Unanswered) {
        let mut unanswered = self.unanswered();
        if unanswered.len() == MOST_UNANSWERED {
            unanswered.pop_front();
        }
        unanswered.push_back(request);
    }

    /// The request that a response is to, if it is to one of these; it counts once.
    pub(crate) fn take_unanswered(&self, id: Value<'_>) -> Option<Unanswered> {
        let mut unanswered = self.unanswered();
        let place = unanswered
            .iter()
            .position(|request| is_same_id(&request.id, id))?;
        unanswered.remove(place)
    }

    fn unanswered(&self) -> std::sync::MutexGuard<'_, VecDeque<Unanswered>> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it: its streams end, and servers are told.
    pub(crate) async fn end(&self) {
        self.ended.cancel();
        let links = std::mem::take(&mut *self.links.lock().await);
        for link in links.into_values() {
            link.close().await;
        }
    }

    /// Whether a server to which it leads knows it no more.
    pub(crate) async fn is_forgotten_by_a_server(&self) -> bool {
        let links = self.links.lock().await;
        links.values().any(|link| link.is_forgotten())
    }

    fn touch(&self, caller: &Caller) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = caller.clone();
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle_since(&self) -> Instant {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    /// Keeps a session. Returns one of the same caller that must end for it, if they have too many, or the session
    /// itself if everybody together has.
    pub(crate) fn keep(
        &self,
        session: Arc<Session>,
        limits: &GatewayLimits,
    ) -> Result<Option<Arc<Session>>, Arc<Session>> {
        let mut by_id = self.lock();
        let mut own: Vec<&Arc<Session>> = by_id
            .values()
            .filter(|other| other.principal == session.principal)
            .collect();
        own.sort_by_key(|other| other.idle_since());
        let surplus = (own.len() >= limits.sessions_per_caller)
            .then(|| own.first().map(|&oldest| Arc::clone(oldest)))
            .flatten();
        if by_id.len() >= limits.sessions && surplus.is_none() {
            return Err(session);
        }
        if let Some(oldest) = &surplus {
            by_id.remove(&oldest.id);
        }
        by_id.insert(session.id.clone(), session);
        Ok(surplus)
    }

    /// The session of that id, if it is this caller's and leads there.
    pub(crate) fn find(
        &self,
        id: &str,
        caller: &Caller,
        server: Option<&ServerName>,
    ) -> Option<Arc<Session>> {
        let by_id = self.lock();
        let session = by_id.get(id)?;
        if session.principal != Principal::of(caller) || session.server.as_ref() != server {
            return None;
        }
        session.touch(caller);
        Some(Arc::clone(session))
    }

    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().remove(id)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    /// Takes out the sessions that were idle for so long.
    pub(crate) fn take_idle(&self, idle: Duration) -> Vec<Arc<Session>> {
        let mut by_id = self.lock();
        let idle: Vec<String> = by_id
            .values()
            .filter(|session| session.idle_since().elapsed() >= idle)
            .map(|session| session.id.clone())
            .collect();
        idle.iter().filter_map(|id| by_id.remove(id)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 random bits as hexadecimal digits.
pub(crate) fn random_id(entropy: &dyn Entropy) -> Result<String, EntropyError> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}
