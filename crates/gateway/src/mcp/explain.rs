//! What would become of a call on its way through the gateway, without any value. What decides is what makes calls.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use toolvault_core::pattern::ToolName;
use toolvault_core::scope::Scope;
use toolvault_vault::{Approved, Call, Caller, Error, Explained};

use super::access::Access;
use super::call::{Target, take_out};
use super::links::{Context, Upstream};
use super::protocol::INITIALIZED;
use super::refusal::{Refusal, UpstreamError};
use super::rules::Rules;
use super::server::Server;
use super::state::State;
use super::tools::{Catalogue, innermost};
use crate::settings::ServerName;

/// How long a server may take to list its tools.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many declared arguments are named.
const NAMED: usize = 10;
/// What we begin a session of the earlier era with.
const OPENING: &str = concat!(
    r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"toolvault","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}"#
);

/// What would become of a call through the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayExplanation {
    /// The server that has the tool.
    pub server: ServerName,
    /// Whether the call would go to the server with all its secrets.
    pub would_succeed: bool,
    /// Whether the caller must sign in at the server first.
    pub needs_sign_in: bool,
    /// Whether the server's own schema of the tool decided. If not, because the server cannot be asked or the caller lacks
    /// `use`, every argument counts as declared.
    pub schema_known: bool,
    /// The hidden arguments, those that secrets almost serve, and the credentials of the server that would fail. For
    /// `<server>__`, a name without a tool, all credentials of the server.
    pub arguments: Vec<Explained>,
}

/// What would become of a call of the tool with these arguments. `None` if the tool lies behind no server that the caller
/// reaches. The server is asked for its tools, unless it was in the last seconds or is one of the `silent`, which did not
/// answer before.
pub(super) async fn explain(
    state: &State,
    caller: &Caller,
    call: Call,
    silent: &mut HashSet<ServerName>,
) -> Result<Option<GatewayExplanation>, Error> {
    let rules = state.rules();
    let Some((name, own)) = call.tool.as_str().split_once("__") else {
        return Ok(None);
    };
    let Ok(server) = rules.server(caller, name) else {
        return Ok(None);
    };
    let vault = &state.vault;
    let credentials = vault.explain_credentials(caller, &server.tool, &server.wanted);
    let credentials = credentials.await?;
    let mut explanation = GatewayExplanation {
        server: server.name.clone(),
        would_succeed: !credentials.iter().any(is_error),
        needs_sign_in: false,
        schema_known: false,
        arguments: Vec::new(),
    };
    if own.is_empty() {
        explanation.arguments = credentials;
        return Ok(Some(explanation));
    }
    let may_use = caller.scopes().contains(Scope::Use);
    let catalogue = if may_use && !silent.contains(&server.name) {
        catalogue(state, &rules, caller, server).await.ok()
    } else {
        None
    };
    if catalogue.is_none() {
        silent.insert(server.name.clone());
        explanation.needs_sign_in =
            may_use && state.upstreams.find(caller, server).access.needs_sign_in();
        explanation.would_succeed &= !explanation.needs_sign_in;
    }
    explanation.schema_known = catalogue.is_some();
    let tool = call.tool.clone();
    let planned = match catalogue {
        None => Some((without_schema(server, call), String::new())),
        Some(catalogue) => {
            let access = &state.upstreams.find(caller, server).access;
            match target(state, &rules, access, caller, tool, &catalogue).await {
                Ok(target) => Some(plan(access, &target, call)),
                Err(Refusal::Vault(error)) => return Err(error),
                // The tool is withheld.
                Err(_) => None,
            }
        }
    };
    let Some((call, not_accepted)) = planned else {
        explanation.would_succeed = false;
        return Ok(Some(explanation));
    };
    let within = rules.within(&server.name);
    let explained = vault.explain_injection(caller, call, &within, &not_accepted);
    let explained = explained.await?;
    explanation.would_succeed &= explained.would_succeed;
    explanation.arguments = explained.arguments;
    let failing = credentials.into_iter().filter(is_error);
    explanation.arguments.extend(failing);
    Ok(Some(explanation))
}

async fn target(
    state: &State,
    rules: &Rules,
    access: &Access,
    caller: &Caller,
    tool: ToolName,
    catalogue: &Catalogue,
) -> Result<Target, Refusal> {
    let (vault, server) = (&state.vault, &access.server);
    let pinned = state.pins.check(caller, access, catalogue).await?;
    Target::find(vault, rules, caller, server, tool, catalogue, &pinned).await
}

/// The call as it would be completed, and why other arguments get nothing.
fn plan(access: &Access, target: &Target, mut call: Call) -> (Call, String) {
    let server = &access.server;
    take_out(
        &mut call.args,
        &target.hidden,
        server.settings.allow_override,
    );
    let not_accepted = match &target.tool {
        None => "the server does not list the tool".to_owned(),
        Some(tool) => {
            let declared = &tool.definition.declared;
            // A server may have put a value that it was given into a name.
            let names = declared.iter().map(String::as_str).take(NAMED);
            let names = names.filter(|name| access.values.is_harmless(name));
            let names: Vec<_> = names.collect();
            let more = if declared.len() > NAMED { ", …" } else { "" };
            match names.as_slice() {
                [] if declared.is_empty() => "the tool declares no argument".to_owned(),
                [] => "the tool does not declare this argument".to_owned(),
                names => format!(
                    "the tool does not declare this argument, only {}{more}",
                    names.join(", ")
                ),
            }
        }
    };
    (target.call(server, call.args), not_accepted)
}

/// The call as it would be completed if the tool declared every argument.
fn without_schema(server: &Server, mut call: Call) -> Call {
    let credentials = innermost(server.settings.credential_arguments.iter());
    take_out(&mut call.args, &credentials, server.settings.allow_override);
    Call {
        bindings: BTreeMap::new(),
        accepts: None,
        require: credentials,
        approved: Some(Approved::default()),
        ..call
    }
}

pub(super) fn is_error(explained: &Explained) -> bool {
    !matches!(
        explained.outcome,
        "received" | "default" | "binding" | "none"
    )
}

/// The tools of a server for a caller with `use`. The server is asked, unless it was in the last seconds.
pub(super) async fn catalogue(
    state: &State,
    rules: &Arc<Rules>,
    caller: &Caller,
    server: &Arc<Server>,
) -> Result<Arc<Catalogue>, Refusal> {
    let upstream = state.upstreams.find(caller, server);
    if let Some(catalogue) = upstream.access.listed() {
        return Ok(catalogue);
    }
    let listing = Box::pin(list(state, rules, caller, &upstream));
    let listed = tokio::time::timeout(PATIENCE, listing).await;
    match listed.unwrap_or(Err(UpstreamError::Silent.into())) {
        Ok(catalogue) => {
            upstream.access.note_listed(&catalogue);
            Ok(catalogue)
        }
        Err(refusal) => {
            refusal.log(Some(server.name.as_str()));
            Err(refusal)
        }
    }
}

/// Lists the tools in the later era or, if that gives none, in the earlier one.
async fn list(
    state: &State,
    rules: &Arc<Rules>,
    caller: &Caller,
    upstream: &Upstream,
) -> Result<Arc<Catalogue>, Refusal> {
    let context = Context::own();
    let stateless = async {
        let link = upstream
            .stateless(&state.accounts, caller, &context, rules)
            .await?;
        link.catalogue(&context).await
    };
    let first = stateless.await;
    if first
        .as_ref()
        .is_ok_and(|catalogue| catalogue.tools().next().is_some())
    {
        return first;
    }
    let started = upstream
        .initialize(&state.accounts, caller, OPENING, rules)
        .await;
    let Ok(Some(link)) = started.map(|started| started.link) else {
        return first;
    };
    if link.program().is_none() {
        link.notify(INITIALIZED).await?;
    }
    let second = link.catalogue(&Context::default()).await;
    link.close().await;
    second
}
