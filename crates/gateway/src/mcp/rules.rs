//! The configuration as one request sees it. A request takes one snapshot and hands it on; a reload makes another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use toolvault_vault::{Caller, Within};

use super::refusal::Refusal;
use super::server::Server;
use crate::http::HttpError;
use crate::settings::{GatewayLimits, GatewaySettings, ServerName, Transport};

/// The configuration and the servers made from it.
pub(crate) struct Rules {
    pub(crate) settings: GatewaySettings,
    pub(crate) servers: BTreeMap<ServerName, Arc<Server>>,
}

/// How large and how late an answer of a server may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerLimits {
    pub(crate) message_bytes: usize,
    pub(crate) silence: Duration,
}

impl AnswerLimits {
    fn of(limits: &GatewayLimits) -> Self {
        Self {
            message_bytes: limits.message_bytes,
            silence: limits.silence,
        }
    }
}

impl Rules {
    /// The rules of these settings. A server whose entry did not change stays the same `Arc`.
    pub(crate) fn new(settings: GatewaySettings, before: Option<&Self>) -> Result<Self, HttpError> {
        // Connections were made with the limits for answers. The other limits concern no server.
        let limits = AnswerLimits::of(&settings.limits);
        let before = before.filter(|before| before.limits() == limits);
        let mut servers = BTreeMap::new();
        for (name, server) in &settings.servers {
            let kept = before
                .and_then(|before| before.servers.get(name))
                .filter(|kept| kept.settings == *server);
            let server = match kept {
                Some(kept) => Arc::clone(kept),
                None => Arc::new(Server::new(name.clone(), server.clone(), &settings.limits)?),
            };
            servers.insert(name.clone(), server);
        }
        Ok(Self { settings, servers })
    }

    /// Whether programs are sandboxed in another way than before.
    pub(crate) fn sandboxes_otherwise(&self, before: &Self) -> bool {
        let (now, before) = (&self.settings, &before.settings);
        now.sandbox != before.sandbox
            || now.concealed != before.concealed
            || now.inherited != before.inherited
    }

    /// Which defaults apply behind a server.
    pub(crate) fn within(&self, server: &ServerName) -> Within {
        Within((!self.settings.allow_broad_patterns).then(|| server.prefix()))
    }

    pub(crate) fn limits(&self) -> AnswerLimits {
        AnswerLimits::of(&self.settings.limits)
    }

    /// The server of that name, if the caller reaches any of its tools.
    pub(crate) fn server(&self, caller: &Caller, name: &str) -> Result<&Arc<Server>, Refusal> {
        let name: ServerName = name.parse().map_err(|_| Refusal::NoSuchServer)?;
        self.servers
            .get(&name)
            .filter(|server| caller.reaches_some_of(&server.name.prefix()))
            .ok_or(Refusal::NoSuchServer)
    }

    /// All servers of which the caller reaches any tool through this gateway.
    pub(crate) fn reachable(&self, caller: &Caller) -> Vec<Arc<Server>> {
        let servers = self.servers.values();
        servers
            .filter(|server| server.settings.transport != Transport::Elsewhere)
            .filter(|server| caller.reaches_some_of(&server.name.prefix()))
            .cloned()
            .collect()
    }
}

/// Whether a method is about tools, or about the connection itself. Everything else is about a whole server.
pub(crate) fn is_about_tools(method: &str) -> bool {
    const OF_TOOLS: [&str; 7] = [
        "initialize",
        "ping",
        "logging/setLevel",
        "server/discover",
        "subscriptions/listen",
        "tools/call",
        "tools/list",
    ];
    OF_TOOLS.contains(&method)
        || method.starts_with("tasks/")
        || method.starts_with("notifications/")
}

/// Refuses a method that is about a whole server to a key for only some of its tools.
pub(crate) fn permit(caller: &Caller, server: &Server, method: &str) -> Result<(), Refusal> {
    if is_about_tools(method) || caller.reaches_all_of(&server.name.prefix()) {
        Ok(())
    } else {
        Err(Refusal::WholeServerOnly)
    }
}
