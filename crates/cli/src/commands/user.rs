//! `toolvault user`: users, in the store or through its running server.

use clap::{Args, Subcommand};
use serde::Serialize;
use toolvault_core::identity::UserId;
use toolvault_vault::UserInfo;

use crate::api::Api;
use crate::config::StoreOptions;
use crate::confirm::confirm;
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
    Disable(DisableOptions),
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
pub(crate) struct DisableOptions {
    /// Name or ID of the user
    name: String,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct DeleteOptions {
    /// Name or ID of the user
    name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
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
        UserCommand::Disable(options) => disable(options, context).await?,
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
    say("Created", &user, context.printer)
}

async fn list(options: ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let users = Api::with_store(options.store, context, async |api| {
        api.list_users(None).await
    })
    .await?;
    if options.json {
        return context.printer.json(&users);
    }
    let mut table = Table::new(&["NAME", "ID", "ORIGIN", "STATE", "CREATED"]);
    for user in &users {
        let state = if user.disabled { "disabled" } else { "enabled" };
        let (id, created) = (user.user_id.to_string(), user.created_at.to_string());
        table.row([&user.name, &id, &user.origin, state, &created]);
    }
    Ok(context.printer.table(&table)?)
}

async fn disable(options: DisableOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.name).await?;
        api.disable_user(user.user_id).await
    })
    .await?;
    say("Disabled", &user, context.printer)
}

async fn delete(options: DeleteOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let name = &options.name;
    let question = format!("Delete the user {name} with all their secrets and keys?");
    confirm(&question, options.yes, context.printer)?;
    let user = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(name).await?;
        api.delete_user(user.user_id).await?;
        Ok(user)
    })
    .await?;
    say("Deleted", &user, context.printer)
}

fn say(done: &str, user: &UserInfo, printer: &Printer) -> anyhow::Result<()> {
    let line = format!("{done} the user {} ({}).", user.name, user.user_id);
    Ok(printer.line(&line)?)
}
