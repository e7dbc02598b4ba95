//! `toolvault user`: users, beside the server or through it.

use clap::{Args, Subcommand};
use serde::Serialize;
use toolvault_core::identity::UserId;
use toolvault_server::control::{LocalAnswer, LocalCommand};
use toolvault_vault::UserInfo;

use crate::config::StoreOptions;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::Table;
use crate::store::{self, unexpected_answer};

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user
    Create(CreateOptions),
    /// List all users
    List(ListOptions),
    /// Refuse a user's keys and tokens from now on
    Disable(DisableOptions),
    /// Erase a user with all their secrets and keys
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
    /// Name or id of the user
    name: String,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct DeleteOptions {
    /// Name or id of the user
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// What machines are told about a user who was just made.
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
    let command = LocalCommand::CreateUser { name: options.name };
    let user = run_for_user(options.store, context, command).await?;
    if options.json {
        return context.printer.json(&Created {
            user_id: user.user_id,
            name: &user.name,
        });
    }
    let line = format!("Created the user {} ({}).", user.name, user.user_id);
    Ok(context.printer.line(&line)?)
}

async fn list(options: ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let answer = store::run(options.store, context, LocalCommand::ListUsers).await?;
    let LocalAnswer::Users(users) = answer else {
        return Err(unexpected_answer());
    };
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
    let command = LocalCommand::DisableUser { user: options.name };
    let user = run_for_user(options.store, context, command).await?;
    let line = format!("Disabled the user {} ({}).", user.name, user.user_id);
    Ok(context.printer.line(&line)?)
}

async fn delete(options: DeleteOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let name = &options.name;
    let question = format!("Erase the user {name} with all their secrets and keys?");
    confirm(&question, options.yes, context.printer)?;
    let command = LocalCommand::DeleteUser { user: options.name };
    let user = run_for_user(options.store, context, command).await?;
    let line = format!("Deleted the user {} ({}).", user.name, user.user_id);
    Ok(context.printer.line(&line)?)
}

async fn run_for_user(
    options: StoreOptions,
    context: &Context<'_>,
    command: LocalCommand,
) -> anyhow::Result<UserInfo> {
    match store::run(options, context, command).await? {
        LocalAnswer::User(user) => Ok(user),
        _ => Err(unexpected_answer()),
    }
}
