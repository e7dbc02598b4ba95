//! What every part of the gateway shares: the vault, the servers, and who has built what.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::entropy::Entropy;
use toolvault_vault::{Caller, Clock, Vault, Within};

use super::access::{Access, Principal};
use super::call::EndedCall;
use super::figures::Counters;
use super::link::Limits;
use super::pending::PendingSecrets;
use super::program::Programs;
use super::program::places::Places;
use super::refusal::Refusal;
use super::server::Server;
use super::session::Sessions;
use crate::http::HttpError;
use crate::settings::{GatewaySettings, ServerName};

pub(crate) struct Shared {
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    rules: RwLock<Arc<Rules>>,
    accesses: Mutex<HashMap<(Principal, ServerName), Arc<Access>>>,
    pub(crate) sessions: Sessions,
    pub(crate) places: Arc<Places>,
    pub(crate) pending: PendingSecrets,
    pub(crate) figures: Counters,
    /// Calls that are to be recorded.
    pub(crate) ended_calls: mpsc::Sender<EndedCall>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// The configuration that holds now.
pub(crate) struct Rules {
    pub(crate) settings: GatewaySettings,
    pub(crate) servers: BTreeMap<ServerName, Arc<Server>>,
}

impl Rules {
    /// The rules of these settings. A server whose entry is as it was before stays the same one.
    pub(crate) fn new(settings: GatewaySettings, before: Option<&Self>) -> Result<Self, HttpError> {
        let mut servers = BTreeMap::new();
        let has_same_limits =
            before.is_some_and(|before| before.settings.limits == settings.limits);
        for (name, server) in &settings.servers {
            let kept = before
                .and_then(|before| before.servers.get(name))
                .filter(|kept| has_same_limits && kept.settings == *server);
            let server = match kept {
                Some(kept) => Arc::clone(kept),
                None => Arc::new(Server::new(name.clone(), server.clone(), &settings.limits)?),
            };
            servers.insert(name.clone(), server);
        }
        Ok(Self { settings, servers })
    }

    /// Whether programs run under other conditions than before.
    pub(crate) fn shuts_in_otherwise(&self, before: &Self) -> bool {
        let (now, before) = (&self.settings, &before.settings);
        now.sandbox != before.sandbox
            || now.concealed != before.concealed
            || now.inherited != before.inherited
    }

    /// Which defaults apply behind a server.
    pub(crate) fn within(&self, server: &ServerName) -> Within {
        Within((!self.settings.allow_broad_patterns).then(|| server.prefix()))
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            message_bytes: self.settings.limits.message_bytes,
            silence: self.settings.limits.silence,
        }
    }

    /// The server of that name, if the caller reaches any of its tools.
    pub(crate) fn server(&self, caller: &Caller, name: &str) -> Result<&Arc<Server>, Refusal> {
        let name: ServerName = name.parse().map_err(|_| Refusal::NoSuchServer)?;
        self.servers
            .get(&name)
            .filter(|server| caller.reaches_some_of(&server.name.prefix()))
            .ok_or(Refusal::NoSuchServer)
    }

    /// All servers of which the caller reaches any tool.
    pub(crate) fn reachable(&self, caller: &Caller) -> Vec<Arc<Server>> {
        let servers = self.servers.values();
        servers
            .filter(|server| caller.reaches_some_of(&server.name.prefix()))
            .cloned()
            .collect()
    }
}

impl Shared {
    pub(crate) fn new(
        vault: Vault,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        ended_calls: mpsc::Sender<EndedCall>,
    ) -> Result<Self, HttpError> {
        let places = Arc::new(Places::new(&settings));
        Ok(Self {
            vault,
            clock,
            entropy,
            rules: RwLock::new(Arc::new(Rules::new(settings, None)?)),
            accesses: Mutex::new(HashMap::new()),
            sessions: Sessions::default(),
            places,
            pending: PendingSecrets::default(),
            figures: Counters::default(),
            ended_calls,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_rules(&self, rules: Rules) {
        self.places.set_limits(&rules.settings);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// What the caller has built at a server; begun if there is nothing yet, or if the server's configuration is
    /// another one now.
    pub(crate) fn access(&self, caller: &Caller, server: &Arc<Server>) -> Arc<Access> {
        let key = (Principal::of(caller), server.name.clone());
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = accesses
            .get(&key)
            .filter(|access| Arc::ptr_eq(&access.server, server));
        if let Some(access) = kept {
            access.touch(caller);
            return Arc::clone(access);
        }
        let programs = Arc::new(Programs::new(Arc::clone(&self.places), key.0.clone()));
        let access = Arc::new(Access::new(Arc::clone(server), caller, programs));
        if let Some(before) = accesses.insert(key, Arc::clone(&access)) {
            before.ended.cancel();
            self.tasks.spawn(async move { before.end().await });
        }
        access
    }

    pub(crate) fn accesses(&self) -> Vec<Arc<Access>> {
        let accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        accesses.values().cloned().collect()
    }

    /// Forgets what a caller had built, and ends it.
    pub(crate) async fn end(&self, access: &Arc<Access>) {
        access.ended.cancel();
        {
            let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
            accesses.retain(|_, other| !Arc::ptr_eq(other, access));
        }
        access.end().await;
    }
}
