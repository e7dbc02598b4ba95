//! Messages that another gateway relays. It asks here before it sends a request to a server, and before it passes the
//! result on: hidden arguments are taken out of lists, secrets are put into calls, values are taken out of results.
//!
//! What was asked about a request is not needed for its result. But values are found only where they were put in, so the
//! result of a call is refused where none of this caller's calls to the server was completed.

mod call;
mod tools;

use std::sync::Arc;

use ::http::{HeaderMap, Method};
use bytes::Bytes;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Tree, parse};
use toolvault_core::scope::Scope;
use toolvault_vault::{Caller, Denial};

use super::access::Access;
use super::protocol::Malformed;
use super::refusal::{Refusal, RefusalKind, UpstreamError};
use super::repeats::Found;
use super::rules::{is_about_tools, permit};
use super::state::{McpRequest, State, Visit};

/// What another gateway asks about.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub struct ExternalMessage {
    /// Whose message it is.
    pub caller: Caller,
    /// The names of the servers that it goes to, or comes from.
    pub servers: Vec<String>,
    /// The method of the request.
    pub method: String,
    /// `params` of the request or `result` of its answer, as JSON.
    pub content: Option<Bytes>,
    /// Scheme and authority of our pages.
    pub base_url: String,
}

/// What to do with a message.
#[expect(missing_debug_implementations, reason = "a message may hold anything")]
pub enum Checked {
    /// It goes on as it is.
    Unchanged,
    /// This goes on in place of its content.
    Changed(Wiped<Vec<u8>>),
}

/// Why a message does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalRefusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// What is wrong, and what to do about it.
    pub text: String,
}

/// A message on its way through another gateway.
struct External {
    visit: Visit,
    servers: Vec<String>,
    method: String,
    content: Option<Bytes>,
}

/// Answers for a request. The caller needs `use`.
pub(super) async fn request(
    state: &Arc<State>,
    message: ExternalMessage,
) -> Result<Checked, ExternalRefusal> {
    let checked = External::new(state, message).request().await;
    checked.map_err(|refusal| refused(&refusal))
}

/// Answers for a result. The caller needs `use`.
pub(super) async fn result(
    state: &Arc<State>,
    message: ExternalMessage,
) -> Result<Checked, ExternalRefusal> {
    let checked = External::new(state, message).result().await;
    checked.map_err(|refusal| refused(&refusal))
}

impl External {
    fn new(state: &Arc<State>, message: ExternalMessage) -> Self {
        let request = McpRequest {
            caller: message.caller,
            server: None,
            method: Method::POST,
            headers: HeaderMap::new(),
            body: Wiped::default(),
            base_url: message.base_url,
        };
        Self {
            visit: Visit {
                state: Arc::clone(state),
                rules: state.rules(),
                request,
                found: Found::default(),
            },
            servers: message.servers,
            method: message.method,
            content: message.content,
        }
    }

    async fn request(&self) -> Result<Checked, Refusal> {
        let accesses = self.accesses()?;
        if self.method == "tools/call" {
            return self.call(&accesses).await;
        }
        let Some(content) = &self.content else {
            return Ok(Checked::Unchanged);
        };
        let sent = parse(content).map_err(|_| Malformed::NotJson)?;
        for access in &accesses {
            let tool = &access.server.tool;
            self.visit.allow(tool)?;
            self.visit.search(access, tool, sent).await?;
        }
        Ok(Checked::Unchanged)
    }

    async fn result(&self) -> Result<Checked, Refusal> {
        let broken = || Refusal::Upstream(UpstreamError::NotMcp);
        let accesses = self.accesses()?;
        let content = self.content.as_deref().ok_or_else(broken)?;
        let result = parse(content).map_err(|_| broken())?;
        if ends_call(&self.method) && !accesses.iter().all(|access| access.has_completed()) {
            return Err(Refusal::NotCompleted);
        }
        let mut changed = None;
        if self.method == "tools/list" {
            let shown = self.tools(&accesses, result).await?;
            let mut tree = Tree::from(result);
            tree.set("tools", Tree::Array(shown))
                .map_err(|_| broken())?;
            changed = Some(tree.to_json());
        }
        for access in &accesses {
            let text = changed.as_deref().map_or(content, Vec::as_slice);
            let (text, is_found) = access
                .values
                .redacted(parse(text).map_err(|_| broken())?)
                .await;
            if is_found {
                self.visit.state.metrics.redacted();
                changed = Some(text);
            }
        }
        Ok(changed.map_or(Checked::Unchanged, Checked::Changed))
    }

    /// What the caller reaches of the servers. Those that the key does not reach are left out where what they list can be
    /// told apart; any other message is then refused.
    fn accesses(&self) -> Result<Vec<Arc<Access>>, Refusal> {
        let (visit, caller) = (&self.visit, self.visit.caller());
        if !caller.scopes().contains(Scope::Use) {
            return Err(Refusal::Vault(Denial::MissingScope(Scope::Use).into()));
        }
        let mut accesses = Vec::with_capacity(self.servers.len());
        for name in &self.servers {
            let server = match visit.rules.server(caller, name) {
                Ok(server) => server,
                Err(_) if is_about_tools(&self.method) => continue,
                Err(refusal) => return Err(refusal),
            };
            permit(caller, server, &self.method)?;
            accesses.push(Arc::clone(&visit.upstream(server).access));
        }
        if accesses.is_empty() {
            return Err(Refusal::NoSuchServer);
        }
        Ok(accesses)
    }
}

/// Whether a result of this method is the answer to a call, or may be that of its task.
fn ends_call(method: &str) -> bool {
    matches!(method, "tools/call" | "tasks/get" | "tasks/result")
}

fn refused(refusal: &Refusal) -> ExternalRefusal {
    refusal.log(None);
    ExternalRefusal {
        kind: refusal.kind(),
        text: refusal.text(),
    }
}
