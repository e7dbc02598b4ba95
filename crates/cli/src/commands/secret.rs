//! `toolvault secret`: secrets, through the API.

mod bind;
mod binding;
mod create;
mod delete;
mod export;
mod import;
mod list;
mod policy;
mod rename;
mod restore;
mod set;
mod show;
mod status;
mod unused;
mod uses;
mod versions;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
#[command(
    after_help = "The server and the key are those of the profile in use (toolvault login), \
    unless TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE is set."
)]
pub(crate) enum SecretCommand {
    /// List secrets, without their values
    List(list::ListOptions),
    /// Store a secret
    Create(create::CreateOptions),
    /// Change a secret: its value, unless only other options are given
    Set(set::SetOptions),
    /// Show a secret, without its value
    Show(show::ShowOptions),
    /// Store the secrets of a file: dotenv, JSON, YAML, or another secret manager's export
    Import(import::ImportOptions),
    /// Print all secrets with their policies as JSON, without values
    Export(export::ExportOptions),
    /// Give a secret another name
    Rename(rename::RenameOptions),
    /// Change which tool and argument get a secret
    Bind(bind::BindOptions),
    /// List the versions of a secret's value
    Versions(versions::VersionsOptions),
    /// Make an older value the newest version
    Restore(restore::RestoreOptions),
    /// Show or change the policy of a secret
    Policy(policy::PolicyOptions),
    /// Delete a secret permanently
    Delete(delete::DeleteOptions),
}

pub(crate) async fn run(
    command: SecretCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        SecretCommand::List(options) => list::run(&options, context).await?,
        SecretCommand::Create(options) => create::run(&options, context).await?,
        SecretCommand::Set(options) => set::run(&options, context).await?,
        SecretCommand::Show(options) => show::run(&options, context).await?,
        SecretCommand::Import(options) => import::run(&options, context).await?,
        SecretCommand::Export(options) => export::run(&options, context).await?,
        SecretCommand::Rename(options) => rename::run(&options, context).await?,
        SecretCommand::Bind(options) => bind::run(&options, context).await?,
        SecretCommand::Versions(options) => versions::run(&options, context).await?,
        SecretCommand::Restore(options) => restore::run(&options, context).await?,
        SecretCommand::Policy(options) => policy::run(&options, context).await?,
        SecretCommand::Delete(options) => delete::run(&options, context).await?,
    }
    Ok(ExitStatus::Success)
}
