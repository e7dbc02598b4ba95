//! What the gateway keeps between requests, and one request with the rules that it is answered by.

use std::sync::Arc;

use ::http::{HeaderMap, Method};
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::{Entropy, EntropyError};
use toolvault_core::json::{Value, parse, write_string};
use toolvault_core::pattern::ToolName;
use toolvault_core::redaction::Key;
use toolvault_vault::{Caller, Clock, Vault, Waiting};

use super::access::{Access, Budgets};
use super::accounts::Accounts;
use super::answer::Services;
use super::links::{Slots, Upstream, Upstreams};
use super::metrics::Metrics;
use super::pending::PendingSecrets;
use super::pins::Pins;
use super::protocol::headers::{METHOD, NAME, PARAMETER, PROTOCOL_VERSION};
use super::record::Recorder;
use super::refusal::{Refusal, UpstreamError};
use super::repeats::{Found, Repeats};
use super::rules::Rules;
use super::server::Server;
use super::session::Sessions;
use crate::http::HttpError;
use crate::settings::GatewaySettings;

pub(crate) struct State {
    pub(crate) vault: Vault,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    rules: RwLock<Arc<Rules>>,
    pub(crate) upstreams: Upstreams,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) pending: PendingSecrets,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Recorder,
    pub(crate) repeats: Repeats,
    pub(crate) pins: Arc<Pins>,
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
    pub body: Wiped<Vec<u8>>,
    /// Scheme and authority under which the client reached us.
    pub base_url: String,
}

/// One request, and the rules by which all of it is answered.
pub(crate) struct Visit {
    pub(crate) state: Arc<State>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) request: McpRequest,
    /// What it was found to repeat.
    pub(crate) found: Found,
}

impl State {
    pub(crate) fn new(
        vault: Vault,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, GatewayError> {
        let mut random = Wiped::new([0; 64]);
        entropy.fill(random.as_mut())?;
        let budgets = Budgets::new(Key::new(&random));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let slots = Arc::new(Slots::new(&settings));
        let metrics = Arc::new(Metrics::default());
        Ok(Self {
            rules: RwLock::new(Arc::new(Rules::new(settings, None)?)),
            upstreams: Upstreams::new(
                Arc::clone(&slots),
                budgets,
                tasks.clone(),
                Arc::clone(&clock),
            ),
            accounts: Arc::new(Accounts::new(
                vault.clone(),
                Arc::clone(&clock),
                Arc::clone(&entropy),
                tasks.clone(),
            )),
            sessions: Arc::default(),
            slots,
            pending: PendingSecrets::new(vault.clone(), Arc::clone(&clock), Arc::clone(&entropy)),
            recorder: Recorder::new(
                vault.clone(),
                Arc::clone(&metrics),
                tasks.clone(),
                stop.clone(),
            ),
            repeats: Repeats::new(vault.clone(), Arc::clone(&metrics)),
            pins: Arc::new(Pins::new(vault.clone())),
            metrics,
            vault,
            entropy,
            clock,
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
                // What a client says there may be anything, and is not to be logged.
                let mut value = value.clone();
                value.set_sensitive(true);
                headers.append(name.clone(), value);
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
            body: Wiped::default(),
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

    /// Where the client reaches our pages.
    pub(crate) fn base_url(&self) -> &str {
        let configured = self.rules.settings.public_url.as_deref();
        let base = configured.unwrap_or(&self.request.base_url);
        base.trim_end_matches('/')
    }

    /// The page on which a person decides about a call that waits, and what a client is told.
    pub(crate) fn where_to_decide(&self, waiting: &Waiting) -> (String, String) {
        let page = format!("{}/#/approvals/{}", self.base_url(), waiting.id);
        let text = format!(
            "A person must allow this call first. Open {page} to decide, until {}. Once it is allowed, repeat the same \
             call.",
            waiting.expires_at
        );
        (page, text)
    }

    /// A refusal because of a sign-in or an approval with the page for it; any other as it is.
    pub(crate) fn with_page(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Upstream(UpstreamError::SignIn(needed)) => {
                Refusal::SignIn(needed.text(&needed.page(self.base_url())))
            }
            Refusal::AwaitsApproval(waiting) => {
                let (_, text) = self.where_to_decide(&waiting);
                Refusal::NotApproved("approval_pending", text)
            }
            refusal => refusal,
        }
    }

    /// Refuses a tool to which the caller repeated too many values.
    pub(crate) fn allow(&self, tool: &ToolName) -> Result<(), Refusal> {
        self.state.repeats.allow(self.caller(), tool)
    }

    /// Records and counts values that the caller repeats to a server. Everything of the caller's that goes there is
    /// searched here: messages, and what our own requests say of the client.
    pub(crate) async fn search(
        &self,
        access: &Access,
        tool: &ToolName,
        sent: Value<'_>,
    ) -> Result<(), Refusal> {
        let (repeats, caller) = (&self.state.repeats, self.caller());
        let searching = repeats.note(caller, tool, &access.values, sent, &self.found);
        searching.await
    }

    /// As [`search`](Self::search), in headers that go on to the server. The client chooses names of them, too.
    pub(crate) async fn search_headers(
        &self,
        access: &Access,
        tool: &ToolName,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        // Room for the longest spelling, because a vector that grows leaves its bytes in freed memory.
        let room = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + 6 * value.len() + 6)
            .sum::<usize>();
        let mut texts = Wiped::new(Vec::with_capacity(room + 2));
        texts.push(b'[');
        for (name, value) in headers {
            for text in [name.as_ref(), value.as_bytes()] {
                if texts.len() > 1 {
                    texts.push(b',');
                }
                write_string(&String::from_utf8_lossy(text), &mut texts);
            }
        }
        texts.push(b']');
        match parse(&texts) {
            Ok(texts) => self.search(access, tool, texts).await,
            Err(_) => Ok(()),
        }
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
            found: self.found.clone(),
        }
    }

    pub(crate) fn services(&self) -> Services {
        Services {
            vault: self.state.vault.clone(),
            rules: Arc::clone(&self.rules),
            metrics: Arc::clone(&self.state.metrics),
            pins: Arc::clone(&self.state.pins),
            stop: self.state.stop.clone(),
        }
    }
}
