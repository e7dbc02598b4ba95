//! The one door to the relay.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::mpsc;
use toolvault_core::entropy::Entropy;
use toolvault_core::json::Tree;
use toolvault_core::scope::Scope;
use toolvault_vault::{Caller, Clock, Denial, SecretInfo, Vault};
use zeroize::Zeroizing;

use super::access::Access;
use super::call::record_ended;
use super::context::Context;
use super::downstream::{Downstream, Purpose};
use super::figures::Figures;
use super::janitor;
use super::link::Link;
use super::pending::{PendingSecret, SetError};
use super::protocol::headers::{NAME, PROTOCOL_VERSION};
use super::protocol::{Era, Malformed, Message, Shape, is_modern};
use super::refusal::Refusal;
use super::reply::McpReply;
use super::request::McpRequest;
use super::server::Server;
use super::shared::{Rules, Shared};
use super::tasks::NOBODYS_TASK;
use super::{legacy, modern, together};
use crate::http::HttpError;
use crate::settings::GatewaySettings;

/// How many calls may wait to be recorded; any more are recorded one by one.
const ENDED_CALLS: usize = 4_096;

/// The relay between agents and tool servers. Cheap to clone; all clones are the same.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "what it holds is confidential"
)]
pub struct Gateway(Arc<Shared>);

/// One request and what belongs to it.
pub(crate) struct Visit {
    pub(crate) shared: Arc<Shared>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) request: McpRequest,
}

impl Visit {
    /// The way back from a server to the client of this request.
    pub(crate) fn way_back(
        &self,
        link: &Arc<Link>,
        purpose: Purpose,
        id: Option<&str>,
        context: Context,
    ) -> Downstream {
        Downstream {
            shared: Arc::clone(&self.shared),
            caller: self.request.caller.clone(),
            link: Arc::clone(link),
            purpose,
            id: id.map(str::to_owned),
            context,
            is_shared: self.request.server.is_none(),
            session: None,
            tool: None,
        }
    }
}

/// Where a request leads.
pub(crate) enum Destination {
    One(Arc<Server>),
    All,
}

impl Gateway {
    /// A relay to the servers of `settings`. Must be made inside a runtime.
    pub fn new(
        vault: Vault,
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HttpError> {
        let (sender, ended) = mpsc::channel(ENDED_CALLS);
        let shared = Shared::new(vault, settings, clock, entropy, sender)?;
        let shared = Arc::new(shared);
        shared.tasks.spawn(record_ended(Arc::clone(&shared), ended));
        shared.tasks.spawn(janitor::run(Arc::clone(&shared)));
        Ok(Self(shared))
    }

    /// Answers one request. The caller needs `use`.
    pub async fn handle(&self, request: McpRequest) -> McpReply {
        let visit = Visit {
            shared: Arc::clone(&self.0),
            rules: self.0.rules(),
            request,
        };
        visit.answer().await
    }

    /// Takes other settings from here on. What was built on what has changed ends.
    pub fn reload(&self, settings: GatewaySettings) -> Result<(), HttpError> {
        let before = self.0.rules();
        let rules = Rules::new(settings, Some(&before))?;
        let is_shut_in_otherwise = rules.shuts_in_otherwise(&before);
        self.0.set_rules(rules);
        janitor::end_outdated(&self.0, is_shut_in_otherwise);
        Ok(())
    }

    /// Ends streams, sessions and programs, and waits for what is still to be recorded.
    pub async fn close(&self) {
        self.0.stop.cancel();
        janitor::end_all(&self.0).await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// What the relay has done so far, and what it holds.
    pub fn figures(&self) -> Figures {
        self.0
            .figures
            .read(self.0.sessions.len(), self.0.places.taken())
    }

    /// The secret that a call of this very user needed; none if it is not known any more.
    pub fn pending(&self, caller: &Caller, id: &str) -> Option<PendingSecret> {
        self.0.pending.find(caller, id, self.0.clock.now())
    }

    /// Sets it, once. The caller needs `manage`.
    pub async fn set_pending(
        &self,
        caller: &Caller,
        id: &str,
        value: Zeroizing<String>,
    ) -> Result<SecretInfo, SetError> {
        self.0.pending.set(&self.0, caller, id, value).await
    }
}

impl Visit {
    async fn answer(self) -> McpReply {
        match Box::pin(self.try_answer()).await {
            Ok(reply) => reply,
            Err((refusal, id)) => {
                refusal.log(self.request.server.as_deref());
                let mut reply = McpReply::refused(&refusal, id.as_deref());
                // Only a request gets an error in an answer that is itself in order.
                if id.is_none() && reply.status == StatusCode::OK {
                    reply.status = StatusCode::BAD_GATEWAY;
                }
                reply
            }
        }
    }

    async fn try_answer(&self) -> Result<McpReply, (Refusal, Option<String>)> {
        let nameless = |refusal: Refusal| (refusal, None);
        let caller = &self.request.caller;
        if !caller.scopes().contains(Scope::Use) {
            let denial = Denial::MissingScope(Scope::Use);
            return Err(nameless(Refusal::Vault(denial.into())));
        }
        let destination = match &self.request.server {
            None => Destination::All,
            Some(name) => {
                let server = self.rules.server(caller, name).map_err(nameless)?;
                Destination::One(Arc::clone(server))
            }
        };
        if self.request.method != Method::POST {
            let version = self.request.header(PROTOCOL_VERSION);
            if version.is_some_and(is_modern) {
                return Ok(McpReply::empty(StatusCode::METHOD_NOT_ALLOWED));
            }
            return legacy::without_message(self, &destination)
                .await
                .map_err(nameless);
        }
        let message = Message::parse(&self.request.body).map_err(|bad| nameless(bad.into()))?;
        let shape = message.shape().map_err(|bad| nameless(bad.into()))?;
        let id = match &shape {
            Shape::Request(id, _) => Some(id.raw().to_owned()),
            _ => None,
        };
        // Anything else without an id would go past all that is done to requests.
        if let Shape::Notification(method) = &shape
            && !method.starts_with("notifications/")
        {
            return Err(nameless(Malformed::NotMessage.into()));
        }
        let era = Era::of(&message, &self.request.headers);
        let answered = match (era, &destination) {
            (Era::Legacy, _) => legacy::post(self, &destination, message, shape).await,
            (Era::Modern, Destination::One(server)) => {
                modern::post(self, server, message, shape).await
            }
            (Era::Modern, Destination::All) => together::modern::post(self, message, shape).await,
        };
        answered.map_err(|refusal| (refusal, id))
    }
}

/// Leaves a task that is not the caller's own, begun by a tool within the reach of their key, to be unknown: the server
/// is asked for one that nobody has, and says in its own words that there is none.
pub(crate) fn keep_to_own_tasks(
    caller: &Caller,
    access: &Access,
    method: &str,
    request: &mut Tree<'_>,
    headers: &mut HeaderMap,
) -> Result<(), Refusal> {
    let refused = |_| Refusal::InvalidParams("'params' cannot be read");
    if !method.starts_with("tasks/") {
        return Ok(());
    }
    let Some(params) = request.get_mut("params").map_err(refused)? else {
        return Ok(());
    };
    let id = match params.get_mut("taskId").map_err(refused)? {
        Some(id) => id.as_text(),
        None => return Ok(()),
    };
    let tool = id.and_then(|id| access.tasks.tool(&id));
    let tool = tool.and_then(|tool| access.server.name.tool(&tool));
    if tool.is_some_and(|tool| caller.reaches_tool(&tool)) {
        return Ok(());
    }
    if headers.contains_key(NAME) {
        headers.insert(NAME, HeaderValue::from_static(NOBODYS_TASK));
    }
    params
        .set("taskId", Tree::text(NOBODYS_TASK))
        .map_err(refused)
}

/// Whether a key for only some of a server's tools may use a method: what is about tools, and about the connection
/// itself. Everything else is about the whole server.
pub(crate) fn permit(caller: &Caller, server: &Server, method: &str) -> Result<(), Refusal> {
    const OF_TOOLS: [&str; 7] = [
        "initialize",
        "ping",
        "logging/setLevel",
        "server/discover",
        "subscriptions/listen",
        "tools/call",
        "tools/list",
    ];
    let is_permitted = OF_TOOLS.contains(&method)
        || method.starts_with("tasks/")
        || method.starts_with("notifications/");
    if is_permitted || caller.reaches_all_of(&server.name.prefix()) {
        Ok(())
    } else {
        Err(Refusal::WholeServerOnly)
    }
}
