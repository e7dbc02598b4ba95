//! `toolvault secret`: secrets, through the API.

mod create;
mod delete;
mod list;
mod policy;
mod set;
mod show;
mod status;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
#[command(
    after_help = "The server is at TOOLVAULT_URL [default: http://127.0.0.1:8710]; \
    the key is in TOOLVAULT_API_KEY or in the file that TOOLVAULT_API_KEY_FILE names."
)]
pub(crate) enum SecretCommand {
    /// List all secrets, without their values
    List(list::ListOptions),
    /// Store a secret
    Create(create::CreateOptions),
    /// Change a secret: its value, unless only other options are given
    Set(set::SetOptions),
    /// Show a secret, without its value
    Show(show::ShowOptions),
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
        SecretCommand::Policy(options) => policy::run(&options, context).await?,
        SecretCommand::Delete(options) => delete::run(&options, context).await?,
    }
    Ok(ExitStatus::Success)
}
