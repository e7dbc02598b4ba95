//! What the gateway keeps between requests, and one request with the rules that it is answered by.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::entropy::Entropy;
use toolvault_vault::{Caller, Clock, Vault};

use super::answer::Services;
use super::links::{Slots, Upstream, Upstreams};
use super::metrics::Metrics;
use super::pending::PendingSecrets;
use super::record::Recorder;
use super::request::McpRequest;
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
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
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
    ) -> Result<Self, HttpError> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let slots = Arc::new(Slots::new(&settings));
        let metrics = Arc::new(Metrics::default());
        Ok(Self {
            rules: RwLock::new(Arc::new(Rules::new(settings, None)?)),
            upstreams: Upstreams::new(Arc::clone(&slots), tasks.clone()),
            sessions: Arc::default(),
            slots,
            pending: PendingSecrets::new(vault.clone(), clock, Arc::clone(&entropy)),
            recorder: Recorder::new(
                vault.clone(),
                Arc::clone(&metrics),
                tasks.clone(),
                stop.clone(),
            ),
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
