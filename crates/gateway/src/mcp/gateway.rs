//! The relay as the server sees it. [`way`] says which way a request takes.

mod way;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::registry::Registry;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::Entropy;
use toolvault_vault::{Call, Caller, Clock, Connection, SecretInfo, Vault};

use super::answer::McpReply;
use super::connect::{self, BegunConnection, ConnectError};
use super::explain::{self, GatewayExplanation};
use super::external::{self, Checked, ExternalMessage, ExternalRefusal};
use super::janitor;
use super::last_call::ServerState;
use super::links::Slots;
use super::metrics::Count;
use super::overview::{self, ServerOverview};
use super::pending::{PendingSecret, SetError};
use super::pins::ListedPin;
use super::repeats::Found;
use super::rules::Rules;
use super::server::Server;
use super::session::Sessions;
use super::state::{GatewayError, McpRequest, State, Visit};
use crate::oauth::AuthorizationAnswer;
use crate::settings::{GatewaySettings, ServerName, Transport};

/// The relay between agents and tool servers. Cheap to clone; all clones are the same.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what it holds is confidential"
)]
pub struct Gateway(Arc<State>);

impl Gateway {
    /// A relay to the servers of `settings`. Must be made inside a runtime.
    pub fn new(
        vault: Vault,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, GatewayError> {
        let state = Arc::new(State::new(vault, settings, clock, entropy)?);
        state.tasks.spawn(janitor::run(Arc::clone(&state)));
        Ok(Self(state))
    }

    /// Answers one request. The caller needs `use`.
    pub async fn handle(&self, request: McpRequest) -> McpReply {
        let visit = Visit {
            state: Arc::clone(&self.0),
            rules: self.0.rules(),
            request,
            found: Found::default(),
        };
        visit.answer().await
    }

    /// Decides about a request that another gateway is about to send. The caller needs `use`.
    ///
    /// What goes on holds values of secrets: it must not reach the caller.
    pub async fn check_request(
        &self,
        message: ExternalMessage,
    ) -> Result<Checked, ExternalRefusal> {
        Box::pin(external::request(&self.0, message)).await
    }

    /// Decides about a result that another gateway is about to pass on. The caller needs `use`.
    pub async fn check_result(&self, message: ExternalMessage) -> Result<Checked, ExternalRefusal> {
        Box::pin(external::result(&self.0, message)).await
    }

    /// Says what would become of calls through the gateway, without values. `None` if a tool lies behind no server that
    /// the caller reaches. The caller needs `manage`, `resolve` or `use`; with `use` the servers are asked for their tools.
    pub async fn explain(
        &self,
        caller: &Caller,
        calls: Vec<Call>,
    ) -> Vec<Result<Option<GatewayExplanation>, toolvault_vault::Error>> {
        let mut silent = HashSet::new();
        let mut explained = Vec::with_capacity(calls.len());
        for call in calls {
            let explanation = explain::explain(&self.0, caller, call, &mut silent);
            explained.push(Box::pin(explanation).await);
        }
        explained
    }

    /// What is known of the servers that the caller reaches, without values. The caller needs `use` or `manage`; with
    /// `use` the servers are asked for their tools.
    pub async fn overview(
        &self,
        caller: &Caller,
    ) -> Result<Vec<ServerOverview>, toolvault_vault::Error> {
        Box::pin(overview::overview(&self.0, caller)).await
    }

    /// Changes the settings. Sessions, streams and programs of servers whose settings changed end.
    pub fn reload(&self, settings: GatewaySettings) -> Result<(), GatewayError> {
        let before = self.0.rules();
        let rules = Rules::new(settings, Some(&before))?;
        let is_sandboxed_otherwise = rules.sandboxes_otherwise(&before);
        self.0.set_rules(rules);
        janitor::end_outdated(&self.0, is_sandboxed_otherwise);
        janitor::end_idle(&self.0);
        Ok(())
    }

    /// Ends streams, sessions and programs, and waits until all calls are recorded.
    pub async fn close(&self) {
        self.0.stop.cancel();
        janitor::end_all(&self.0).await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The configured servers, and how the last call to each ended.
    pub fn servers(&self) -> Vec<ServerState> {
        let rules = self.0.rules();
        let servers = rules.servers.values();
        let state = |server: &Arc<Server>| ServerState {
            name: server.name.to_string(),
            is_program: matches!(server.settings.transport, Transport::Stdio(_)),
            wants_sign_in: server.wants_sign_in.load(Ordering::Relaxed),
            last_call: server.noted.last(),
        };
        servers.map(state).collect()
    }

    /// Adds the metrics of the gateway to a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
        registry.register_collector(Box::new(Count {
            name: "mcp_sessions",
            help: "Sessions of agents",
            of: Arc::clone(&self.0.sessions),
            read: Sessions::len,
        }));
        registry.register_collector(Box::new(Count {
            name: "mcp_processes",
            help: "Programs that serve tools",
            of: Arc::clone(&self.0.slots),
            read: Slots::used,
        }));
    }

    /// The secret that a call of this user needed; `None` if it is unknown or has expired.
    pub fn pending(&self, caller: &Caller, id: &str) -> Option<PendingSecret> {
        self.0.pending.find(caller, id)
    }

    /// Sets it, once. The caller needs `manage`.
    pub async fn set_pending(
        &self,
        caller: &Caller,
        id: &str,
        value: Wiped<String>,
    ) -> Result<SecretInfo, SetError> {
        self.0.pending.set(caller, id, value).await
    }

    /// What the tools of a server are pinned as, by name; empty for a server that never listed one. The error is
    /// [`Error::NotFound`](toolvault_vault::Error::NotFound) if no server can have the name. The caller needs `admin`.
    pub async fn pins(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Vec<ListedPin>, toolvault_vault::Error> {
        self.0.pins.list(caller, server_name(server)?).await
    }

    /// Accepts the last change of a tool, which has this SHA-256. The caller needs `admin`.
    ///
    /// The error is [`Error::NotFound`](toolvault_vault::Error::NotFound) if the tool has no change, and
    /// [`Error::PreconditionFailed`](toolvault_vault::Error::PreconditionFailed) if it is another one.
    pub async fn accept_tool(
        &self,
        caller: &Caller,
        server: &str,
        tool: &str,
        hash: [u8; 32],
    ) -> Result<ListedPin, toolvault_vault::Error> {
        let server = server_name(server)?;
        self.0.pins.accept(caller, server, tool, hash).await
    }
}

impl Gateway {
    /// Begins a sign-in of the caller at a server, which ends at `redirect_uri`: an https URL, or one of this machine. With
    /// `scopes` these are asked for, beside those that were granted before. The caller needs `manage`.
    ///
    /// The answer holds all that is known of the sign-in, for ten minutes: nothing is stored.
    pub async fn begin_connection(
        &self,
        caller: &Caller,
        server: &str,
        redirect_uri: &str,
        scopes: Option<Vec<String>>,
    ) -> Result<BegunConnection, ConnectError> {
        let begun = connect::begin(&self.0, caller, server, redirect_uri, scopes);
        Box::pin(begun).await
    }

    /// Completes a sign-in that the caller's user began, with what the browser brought back. The caller needs `manage`.
    pub async fn complete_connection(
        &self,
        caller: &Caller,
        server: &str,
        flow: &str,
        answer: AuthorizationAnswer,
    ) -> Result<Connection, ConnectError> {
        let completed = connect::complete(&self.0, caller, server, flow, answer);
        let connection = Box::pin(completed).await?;
        janitor::end_changed(&self.0, caller, server).await;
        Ok(connection)
    }

    /// Deletes the caller's connection to a server, then gives its tokens back to their issuer: false if that did not take
    /// them, `None` if they are unknown because the stored connection was tampered with. The caller needs `manage`.
    ///
    /// The error holds [`Error::NotFound`](toolvault_vault::Error::NotFound) if there is no connection.
    pub async fn disconnect(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Option<bool>, ConnectError> {
        let disconnected = Box::pin(connect::disconnect(&self.0, caller, server)).await?;
        janitor::end_changed(&self.0, caller, server).await;
        Ok(disconnected)
    }

    /// The servers that the caller reaches and at which people sign in: those with settings for it, and those that asked
    /// for it since the process began.
    pub fn oauth_servers(&self, caller: &Caller) -> Vec<ServerName> {
        let servers = self.0.rules().reachable(caller).into_iter();
        let servers = servers.filter(|server| {
            let wants_sign_in = server.wants_sign_in.load(Ordering::Relaxed);
            server.takes_sign_ins() && (wants_sign_in || server.has_oauth_settings())
        });
        servers.map(|server| server.name.clone()).collect()
    }
}

fn server_name(text: &str) -> Result<ServerName, toolvault_vault::Error> {
    text.parse().map_err(|_| toolvault_vault::Error::NotFound)
}
