//! `toolvault user`: users, in the store or through its running server.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value, json};
use toolvault_core::identity::UserId;
use toolvault_vault::UserInfo;

use crate::api::Api;
use crate::config::StoreOptions;
use crate::confirm::confirm_on_terminal;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Table};

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user
    Create(CreateOptions),
    /// List all users
    List(ListOptions),
    /// Refuse a user's keys and tokens from now on
    Disable(NamedOptions),
    /// Accept a user's keys and tokens again
    Enable(NamedOptions),
    /// Sign a user out of the dashboard in all browsers; keys and tokens stay valid
    SignOut(NamedOptions),
    /// Show or set how much a user may store
    Quota(QuotaOptions),
    /// Delete a user with all their secrets and keys
    Delete(DeleteOptions),
}

#[derive(Args)]
pub(crate) struct CreateOptions {
    /// Name of the user
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct NamedOptions {
    /// Name or ID of the user
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct QuotaOptions {
    /// Name or ID of the user
    name: String,
    /// Number of secrets; `default` for what the configuration says
    #[arg(long, value_name = "NUMBER", value_parser = limit)]
    secrets: Option<Value>,
    /// Bytes of all current values; `default` for what the configuration says
    #[arg(long, value_name = "NUMBER", value_parser = limit)]
    bytes: Option<Value>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct DeleteOptions {
    /// Name or ID of the user
    name: String,
    /// Do not ask on a terminal
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// The JSON output about a user who was just created.
#[derive(Serialize)]
struct Created<'a> {
    user_id: UserId,
    name: &'a str,
}

pub(crate) async fn run(command: UserCommand, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        UserCommand::Create(options) => create(options, context).await?,
        UserCommand::List(options) => list(options, context).await?,
        UserCommand::Disable(options) => set_disabled(options, true, context).await?,
        UserCommand::Enable(options) => set_disabled(options, false, context).await?,
        UserCommand::SignOut(options) => sign_out(options, context).await?,
        UserCommand::Quota(options) => quota(options, context).await?,
        UserCommand::Delete(options) => delete(options, context).await?,
    }
    Ok(ExitStatus::Success)
}

async fn create(options: CreateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let user = Api::with_store(options.store, context, async |api| {
        api.create_user(&options.name).await
    })
    .await?;
    if options.json {
        return context.printer.json(&Created {
            user_id: user.user_id,
            name: &user.name,
        });
    }
    say("Created", &user, false, context.printer)
}

async fn list(options: ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let users = Api::with_store(options.store, context, async |api| {
        api.list_users(None).await
    })
    .await?;
    if options.json {
        return context.printer.json(&users);
    }
    let mut table =
        Table::new(&["NAME", "ID", "ORIGIN", "STATE", "CREATED"]).sparing(&["ID", "CREATED"]);
    for user in &users {
        let state = if user.disabled { "disabled" } else { "enabled" };
        let (id, created) = (user.user_id.to_string(), user.created_at.whole_second());
        table.row([&user.name, &id, &user.origin, state, &created.to_string()]);
    }
    Ok(context.printer.table(&table)?)
}

async fn set_disabled(
    options: NamedOptions,
    is_disabled: bool,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.name).await?;
        let change = json!({ "disabled": is_disabled });
        api.change_user(user.user_id, &change).await
    })
    .await?;
    let done = if is_disabled { "Disabled" } else { "Enabled" };
    say(done, &user, options.json, context.printer)
}

async fn sign_out(options: NamedOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.name).await?;
        api.end_sessions(user.user_id).await?;
        Ok(user)
    })
    .await?;
    say("Signed out", &user, options.json, context.printer)
}

async fn quota(options: QuotaOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let mut change = Map::new();
    for (name, limit) in [
        ("secrets_limit", options.secrets),
        ("bytes_limit", options.bytes),
    ] {
        change.extend(limit.map(|limit| (name.to_owned(), limit)));
    }
    let change = Value::Object(change);
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.name).await?;
        api.change_user(user.user_id, &change).await
    })
    .await?;
    if options.json {
        return context.printer.json(&user);
    }
    let text =
        |limit: Option<i64>| limit.map_or_else(|| "default".to_owned(), |limit| limit.to_string());
    let mut table = Table::plain();
    table.row(["secrets", &text(user.secrets_limit)]);
    table.row(["bytes", &text(user.bytes_limit)]);
    Ok(context.printer.table(&table)?)
}

/// A limit as the API takes it: null is the default.
fn limit(text: &str) -> Result<Value, String> {
    if text == "default" {
        return Ok(Value::Null);
    }
    let number: u32 = text
        .parse()
        .map_err(|_| format!("a limit is a number up to {}, or `default`", u32::MAX))?;
    Ok(number.into())
}

async fn delete(options: DeleteOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.name).await?;
        let (name, id) = (&user.name, user.user_id);
        let question = format!("Delete the user {name} ({id}) with all their secrets and keys?");
        confirm_on_terminal(&question, options.yes, context.printer)?;
        api.delete_user(user.user_id).await?;
        Ok(user)
    })
    .await?;
    say("Deleted", &user, options.json, context.printer)
}

fn say(done: &str, user: &UserInfo, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(user);
    }
    let line = format!("{done} the user {} ({}).", user.name, user.user_id);
    Ok(printer.line(&line)?)
}
