//! What the gateway knows of its servers for one caller, without any value.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use toolvault_core::json::{Value, parse};
use toolvault_core::policy::Approval;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Caller, Error};

use super::access::Access;
use super::explain::{catalogue, is_error};
use super::refusal::{Refusal, UpstreamError};
use super::rules::Rules;
use super::server::Server;
use super::state::State;
use super::tools::{Catalogue, Tool, hidden};
use crate::settings::{ServerName, Transport};

/// A server that the caller reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOverview {
    /// Its name.
    pub name: ServerName,
    /// Whether it is a program on this machine.
    pub is_program: bool,
    /// Whether it lists its tools.
    pub listing: Listing,
    /// The server's own credentials that no secret of the caller serves: `headers.<Name>`, `env.<NAME>` or `url`.
    pub missing: Vec<String>,
    /// The tools that the caller reaches.
    pub tools: Vec<ToolOverview>,
}

/// Whether a server lists its tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It does, and did so then.
    Listed(Timestamp),
    /// It does not, because the caller must sign in there.
    NeedsSignIn,
    /// It does not, and why.
    Failing(String),
    /// It was not asked: the caller lacks `use`.
    Unknown,
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOverview {
    /// Its full name, with which secrets are matched.
    pub full_name: String,
    /// Its name, as its server knows it.
    pub name: String,
    /// Its title for people, if its server gives one.
    pub title: Option<String>,
    /// What its schema declares, in order.
    pub arguments: Vec<String>,
    /// What a model is not shown.
    pub hidden: Vec<String>,
    /// The credentials among these that no default of the caller serves.
    pub missing: Vec<String>,
    /// Which calls of it a person must allow, as the configuration says.
    pub approval: Option<Approval>,
}

/// The servers that the caller reaches, each asked for its tools at the same time. The caller needs `use` or `manage`;
/// without `use` no server is asked.
pub(super) async fn overview(state: &State, caller: &Caller) -> Result<Vec<ServerOverview>, Error> {
    caller
        .require(Scope::Use)
        .or_else(|_| caller.require(Scope::Manage))?;
    let rules = state.rules();
    let servers = rules.reachable(caller);
    let servers = servers
        .iter()
        .map(|server| one(state, &rules, caller, server));
    try_join_all(servers).await
}

async fn one(
    state: &State,
    rules: &Arc<Rules>,
    caller: &Caller,
    server: &Arc<Server>,
) -> Result<ServerOverview, Error> {
    let explained = state
        .vault
        .explain_credentials(caller, &server.tool, &server.wanted);
    let missing = explained.await?.into_iter().filter(is_error);
    let mut overview = ServerOverview {
        name: server.name.clone(),
        is_program: matches!(server.settings.transport, Transport::Stdio(_)),
        listing: Listing::Unknown,
        missing: missing.map(|credential| credential.arg).collect(),
        tools: Vec::new(),
    };
    if caller.require(Scope::Use).is_ok() {
        match catalogue(state, rules, caller, server).await {
            Ok(catalogue) => {
                let access = &state.upstreams.find(caller, server).access;
                let ago = access.listed_ago().unwrap_or_default().as_micros();
                let ago = i64::try_from(ago).unwrap_or(i64::MAX);
                overview.listing = Listing::Listed(state.clock.now().plus(-ago));
                match tools(state, rules, caller, access, &catalogue).await {
                    Ok(tools) => overview.tools = tools,
                    Err(Refusal::Vault(error)) => return Err(error),
                    Err(refusal) => overview.listing = Listing::Failing(refusal.text()),
                }
            }
            Err(Refusal::Vault(error @ (Error::Integrity | Error::Internal(_)))) => {
                return Err(error);
            }
            Err(Refusal::Upstream(UpstreamError::SignIn(_))) => {
                overview.listing = Listing::NeedsSignIn;
            }
            Err(refusal) => overview.listing = Listing::Failing(refusal.text()),
        }
    }
    Ok(overview)
}

async fn tools(
    state: &State,
    rules: &Rules,
    caller: &Caller,
    access: &Access,
    catalogue: &Catalogue,
) -> Result<Vec<ToolOverview>, Refusal> {
    let server = &access.server;
    let pinned = state.pins.check(caller, access, catalogue).await?;
    let reached = catalogue
        .tools()
        .filter(|tool| caller.reaches_tool(&tool.full_name));
    let reached: Vec<&Arc<Tool>> = reached.collect();
    let names: Vec<_> = reached.iter().map(|tool| tool.full_name.clone()).collect();
    let within = rules.within(&server.name);
    let defaults = state
        .vault
        .hidden_arguments(caller, &names, &within)
        .await?;
    let shown = reached.iter().zip(&defaults).filter_map(|(tool, served)| {
        let hidden = hidden(server, tool, served);
        let is_shown =
            tool.can_hide(&hidden) && pinned.require(server, tool, &hidden, served).is_ok();
        let overview = is_shown.then(|| describe(server, tool, hidden, served))?;
        overview.is_harmless(access).then_some(overview)
    });
    Ok(shown.collect())
}

impl ToolOverview {
    /// Whether no text in it holds a value that the server was given.
    fn is_harmless(&self, access: &Access) -> bool {
        let texts = [Some(&self.name), self.title.as_ref()];
        let mut texts = texts.into_iter().flatten().chain(&self.arguments);
        texts.all(|text| access.values.is_harmless(text))
    }
}

fn describe(
    server: &Server,
    tool: &Tool,
    hidden: BTreeSet<String>,
    supplied: &BTreeSet<String>,
) -> ToolOverview {
    let missing = hidden.difference(supplied).cloned();
    ToolOverview {
        full_name: tool.full_name.as_str().to_owned(),
        name: tool.definition.name.clone(),
        title: title(tool),
        arguments: tool.definition.declared.iter().cloned().collect(),
        missing: missing.collect(),
        hidden: hidden.into_iter().collect(),
        approval: server.settings.approval.of(&tool.definition.name),
    }
}

/// The title of a tool: its own, or that of its annotations, where earlier versions of the protocol have it.
fn title(tool: &Tool) -> Option<String> {
    let definition = parse(tool.raw.as_bytes()).ok()?.as_object()?;
    let annotations = definition.get("annotations").and_then(Value::as_object);
    let title = [Some(definition), annotations]
        .into_iter()
        .flatten()
        .find_map(|object| object.get("title")?.as_text())?;
    Some(title.ok()?.as_str().to_owned())
}
