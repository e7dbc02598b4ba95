//! `toolvault workflow`: the files in which people keep their agents and the tools of these.

mod catalogue;
mod check;
mod document;
mod report;
mod wanted;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
#[command(
    after_help = "The server is at TOOLVAULT_URL [default: http://127.0.0.1:8710]; the key is in TOOLVAULT_API_KEY \
    or in the file that TOOLVAULT_API_KEY_FILE names."
)]
pub(crate) enum WorkflowCommand {
    /// Say which secret each tool of an iointel workflow would get, and what is missing
    Check(check::CheckOptions),
}

pub(crate) async fn run(
    command: WorkflowCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        WorkflowCommand::Check(options) => check::run(&options, context).await,
    }
}
