//! Storing what stood in a client's file: secrets, and a key for each client's server.

use serde::Deserialize;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::Scope;
use toolvault_core::terminal::shell_word;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::Method;
use toolvault_vault::SecretInfo;

use super::plan::{Plan, PlannedSecret, SecretValue};
use crate::api::keys::{IssuedKey, NewKey};
use crate::api::{Api, Body, secrets};
use crate::failure::Failure;

/// Refuses a caller who may not make a key for a client.
pub(super) async fn require_key_maker(api: &Api<'_>) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Me {
        scopes: Vec<String>,
        tools: Vec<String>,
    }
    let me: Me = api
        .fetch(Method::GET, &api.url(&["me"]), Body::Nothing)
        .await?;
    let has = |scope: &str| me.scopes.iter().any(|own| own == scope);
    if has("manage") && has("use") && me.tools.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(
        "a key for a client is made with a key that has the scopes 'manage' and 'use' and is not limited to tools",
    )
    .hint(
        "make one with: toolvault key create --user NAME --scope manage,use; or use --key-env, and the client reads its key from a variable",
    ))
}

/// The stored secret that a planned one is or becomes; `None` if it is new. Fails with the reason why it can be neither.
pub(super) fn find<'a>(
    plan: &Plan,
    planned: &PlannedSecret,
    stored: &'a [SecretInfo],
) -> Result<Option<&'a SecretInfo>, String> {
    let name = &planned.name;
    let mut named = stored.iter().filter(|secret| secret.secret_name == *name);
    let (found, more) = (named.next(), named.next());
    let tool = pattern(&plan.name);
    let is_same = |secret: &&SecretInfo| {
        secret.tool_name.as_ref() == Some(&tool)
            && secret.tool_arg.as_ref() == Some(&planned.argument)
    };
    if more.is_some() || found.is_some_and(|secret| !is_same(&secret)) {
        return Err(format!(
            "there is another secret '{name}', and a reference would be ambiguous; rename that one, or the server in the file"
        ));
    }
    Ok(found)
}

/// Stores a secret, or gives the one that there is this value.
pub(super) async fn store(
    api: &Api<'_>,
    plan: &Plan,
    planned: &PlannedSecret,
    stored: Option<&SecretInfo>,
) -> anyhow::Result<()> {
    let SecretValue::Literal(value) = &planned.value else {
        return Ok(());
    };
    api.warn_about(&planned.name);
    if let Some(secret) = stored {
        let change = secrets::Change::default();
        api.change_secret(secret.clone(), change, Some(value))
            .await?;
        return Ok(());
    }
    let new = secrets::New {
        name: &planned.name,
        tool: Some(&pattern(&plan.name)),
        argument: Some(&planned.argument),
        is_default: false,
    };
    secrets::store(api, &new, value).await?;
    Ok(())
}

/// The command that stores a secret.
pub(super) fn command(plan: &Plan, planned: &PlannedSecret) -> Option<String> {
    let name = shell_word(&planned.name)?;
    let tool = shell_word(&pattern(&plan.name))?;
    let argument = shell_word(&planned.argument)?;
    Some(format!(
        "toolvault secret create {name} --tool {tool} --arg {argument}"
    ))
}

/// Makes the key with which a client calls the tools of one server.
pub(super) async fn make_key(api: &Api<'_>, server: &ServerName) -> Result<IssuedKey, Failure> {
    let name = format!("mcp import {server}");
    api.warn_about(&name);
    let new = NewKey {
        name: &name,
        scopes: [Scope::Use].into_iter().collect(),
        tools: &[pattern(server)],
        expires_at: None,
        any_user: false,
        user_id: None,
    };
    api.create_key(&new).await
}

/// Ends a key that no client has received.
pub(super) async fn revoke(api: &Api<'_>, key: &IssuedKey) {
    // The error that led here tells more than one of this would.
    let _ = api.revoke_key(key.info.key_id).await;
}

/// Whether a stored secret is a default of any tool of a server.
pub(super) fn is_default_for(secret: &SecretInfo, server: &ServerName) -> bool {
    let tools = secret.tool_name.as_deref().map(ToolPattern::parse);
    secret.is_default_for_tool
        && tools
            .is_some_and(|tools| tools.is_ok_and(|tools| tools.may_match_after(&server.prefix())))
}

/// All tools of a server.
pub(super) fn pattern(server: &ServerName) -> String {
    format!("{}*", server.prefix())
}
