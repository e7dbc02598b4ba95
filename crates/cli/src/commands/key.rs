//! `toolvault key`: API keys, in the store or through its running server.

mod create;

use std::collections::HashMap;

use clap::{Args, Subcommand};
use serde_json::json;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Clock as _, KeyInfo, SystemClock};

use self::create::CreateOptions;
use crate::api::Api;
use crate::api::keys::{IssuedKey, key_id};
use crate::config::StoreOptions;
use crate::confirm::confirm_on_terminal;
use crate::context::Context;
use crate::duration;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Table};

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key; it is shown once
    Create(CreateOptions),
    /// List API keys (never the secret part)
    List(ListOptions),
    /// Revoke a key, and all keys that were created with it
    Revoke(RevokeOptions),
    /// Replace a key with one that has the same rights
    Rotate(RotateOptions),
}

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Only the keys of this user (name or ID)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct RevokeOptions {
    /// ID of the key: the 8 letters and digits after tvk_
    id: String,
    /// Do not ask on a terminal
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct RotateOptions {
    /// ID of the key: the 8 letters and digits after tvk_
    id: String,
    /// How long the old key stays valid, at most 7d
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = duration::parse)]
    overlap: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(command: KeyCommand, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        KeyCommand::Create(options) => create::run(options, context).await?,
        KeyCommand::List(options) => list(options, context).await?,
        KeyCommand::Revoke(options) => revoke(options, context).await?,
        KeyCommand::Rotate(options) => rotate(options, context).await?,
    }
    Ok(ExitStatus::Success)
}

async fn list(options: ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (keys, users) = Api::with_store(options.store, context, async |api| {
        let user = match &options.user {
            Some(user) => Some(api.find_user(user).await?.user_id),
            None => None,
        };
        Ok((api.list_keys(user).await?, api.list_users(None).await?))
    })
    .await?;
    if options.json {
        return context.printer.json(&keys);
    }
    let now = SystemClock.now();
    let names = users.iter().map(|user| (user.user_id, user.name.as_str()));
    let names: HashMap<UserId, &str> = names.collect();
    let mut table = Table::new(&[
        "ID",
        "NAME",
        "USER",
        "SCOPES",
        "TOOLS",
        "STATE",
        "EXPIRES",
        "LAST USED",
    ])
    .sparing(&["USER", "TOOLS", "LAST USED", "EXPIRES"]);
    for key in &keys {
        let name = names.get(&key.user_id).copied().unwrap_or_default();
        let user = if key.any_user {
            format!("{name} (any)")
        } else {
            name.to_owned()
        };
        let last_used = key.last_used_at.map(|at| at.whole_second().to_string());
        table.row([
            key.key_id.as_str(),
            &key.name,
            &user,
            &scopes(key),
            &tools(key),
            state(key, now),
            &expires(key),
            &last_used.unwrap_or_default(),
        ]);
    }
    let empty =
        "There are no keys yet. Create one with: toolvault key create --user NAME --scope SCOPE";
    Ok(context.printer.table_or(&table, empty)?)
}

async fn revoke(options: RevokeOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let id = key_id(&options.id)?;
    Api::with_store(options.store, context, async |api| {
        let keys = api.list_keys(None).await?;
        let name = keys.iter().find(|key| key.key_id == id);
        let name = name.map_or_else(String::new, |key| format!(" ({})", key.name));
        let question =
            format!("Revoke the key {id}{name}, and all keys that were created with it?");
        confirm_on_terminal(&question, options.yes, context.printer)?;
        api.revoke_key(id).await
    })
    .await?;
    if options.json {
        return context.printer.json(&json!({ "key_id": id }));
    }
    Ok(context.printer.line(&format!("Revoked the key {id}."))?)
}

async fn rotate(options: RotateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let id = key_id(&options.id)?;
    let issued = Api::with_store(options.store, context, async |api| {
        api.rotate_key(id, options.overlap).await
    })
    .await?;
    show_issued(&issued, options.json, context.printer)
}

/// Prints a key that was just created: the key object with `key` as JSON, or a few lines of text.
fn show_issued(issued: &IssuedKey, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(issued);
    }
    let info = &issued.info;
    let mut table = Table::plain();
    table.row(["key", &issued.key]);
    table.row(["id", info.key_id.as_str()]);
    table.row(["name", &info.name]);
    table.row(["user", &info.user_id.to_string()]);
    table.row(["scopes", &scopes(info)]);
    table.row(["tools", &tools(info)]);
    table.row(["expires", &expires(info)]);
    printer.table(&table)?;
    printer.error_line("The key is not shown again.");
    Ok(())
}

fn scopes(key: &KeyInfo) -> String {
    let names: Vec<&str> = key.scopes.iter().map(Scope::as_str).collect();
    names.join(",")
}

fn tools(key: &KeyInfo) -> String {
    let patterns: Vec<&str> = key.tools.iter().map(ToolPattern::as_str).collect();
    if patterns.is_empty() {
        "all".to_owned()
    } else {
        patterns.join(",")
    }
}

fn state(key: &KeyInfo, now: Timestamp) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        (None, _) => "active",
    }
}

fn expires(key: &KeyInfo) -> String {
    let end = key.expires_at.map(|at| at.whole_second().to_string());
    end.unwrap_or_else(|| "never".to_owned())
}
