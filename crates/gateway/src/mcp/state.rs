//! What the gateway keeps between requests, and one request with the rules that it is answered by.

use std::sync::Arc;

use ::http::{HeaderMap, Method};
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::entropy::{Entropy, EntropyError};
use toolvault_core::redaction::Key;
use toolvault_vault::{Caller, Clock, Vault};
use zeroize::Zeroizing;

use super::access::Budgets;
use super::answer::Services;
use super::links::{Slots, Upstream, Upstreams};
use super::metrics::Metrics;
use super::pending::PendingSecrets;
use super::protocol::headers::{METHOD, NAME, PARAMETER, PROTOCOL_VERSION};
use super::record::Recorder;
use super::repeats::Repeats;
use super::rules::Rules;
use super::server::Server;
use super::session::Sessions;
use crate::http::HttpError;
use crate::settings::GatewaySettings;

pub(crate) struct State {
    pub(crate) vault: Vault,
    pub(crate) entropy: Arc<dyn Entropy>,
    rules: RwLock<Arc<Rules>>,
    pub(crate) upstreams: Upstreams,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) pending: PendingSecrets,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Recorder,
    pub(crate) repeats: Repeats,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// Why a gateway cannot be made with these settings.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The HTTP client for a server cannot be made.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The system gives no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// What a client sent.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct McpRequest {
    /// Who sent it.
    pub caller: Caller,
    /// The server of `/mcp/<server>`; `None` for `/mcp`.
    pub server: Option<String>,
    /// GET, POST or DELETE.
    pub method: Method,
    /// The headers. Only the protocol's own are read. The caller's credentials are never passed on.
    pub headers: HeaderMap,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// Scheme and authority under which the client reached us.
    pub base_url: String,
}

/// One request, and the rules by which all of it is answered.
pub(crate) struct Visit {
    pub(crate) state: Arc<State>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) request: McpRequest,
}

impl State {
    pub(crate) fn new(
        vault: Vault,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, GatewayError> {
        let mut random = Zeroizing::new([0; 64]);
        entropy.fill(random.as_mut())?;
        let budgets = Budgets::new(Key::new(&random));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let slots = Arc::new(Slots::new(&settings));
        let metrics = Arc::new(Metrics::default());
        Ok(Self {
            rules: RwLock::new(Arc::new(Rules::new(settings, None)?)),
            upstreams: Upstreams::new(Arc::clone(&slots), budgets, tasks.clone()),
            sessions: Arc::default(),
            slots,
            pending: PendingSecrets::new(vault.clone(), clock, Arc::clone(&entropy)),
            recorder: Recorder::new(
                vault.clone(),
                Arc::clone(&metrics),
                tasks.clone(),
                stop.clone(),
            ),
            repeats: Repeats::new(vault.clone(), Arc::clone(&metrics)),
            metrics,
            vault,
            entropy,
            tasks,
            stop,
        })
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    pub(crate) fn set_rules(&self, rules: Rules) {
        self.slots.set_limits(&rules.settings);
        *self.rules.write() = Arc::new(rules);
    }
}

impl McpRequest {
    /// The headers that go on to a server: the protocol's own, and nothing else that a client sends.
    pub(crate) fn protocol_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let is_own = matches!(name.as_str(), PROTOCOL_VERSION | METHOD | NAME)
                || name.as_str().starts_with(PARAMETER);
            if is_own {
                headers.append(name.clone(), value.clone());
            }
        }
        headers
    }

    pub(crate) fn without_body(&self) -> Self {
        Self {
            caller: self.caller.clone(),
            server: self.server.clone(),
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: Zeroizing::default(),
            base_url: self.base_url.clone(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Visit {
    pub(crate) fn caller(&self) -> &Caller {
        &self.request.caller
    }

    /// The caller's connections to a server.
    pub(crate) fn upstream(&self, server: &Arc<Server>) -> Arc<Upstream> {
        self.state.upstreams.find(self.caller(), server)
    }

    /// The same caller's request with the rules of now, for a stream that outlives them.
    pub(crate) fn renewed(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            rules: self.state.rules(),
            request: self.request.without_body(),
        }
    }

    pub(crate) fn services(&self) -> Services {
        Services {
            vault: self.state.vault.clone(),
            rules: Arc::clone(&self.rules),
            metrics: Arc::clone(&self.state.metrics),
            stop: self.state.stop.clone(),
        }
    }
}
