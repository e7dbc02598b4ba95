//! One file for each command.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod key;
pub(crate) mod mcp;
pub(crate) mod openapi;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod shut_in;
pub(crate) mod user;
pub(crate) mod workflow;

use crate::arguments::Command;
use crate::environment::Environment;
use crate::failure::ExitStatus;
use crate::printer::Printer;

/// What every command is given.
pub(crate) struct Context<'a> {
    pub(crate) environment: Environment,
    pub(crate) printer: &'a Printer,
}

/// Does one command.
pub(crate) async fn run(command: Command, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Serve(options) => serve::run(options, context).await,
        Command::User(command) => user::run(command, context).await,
        Command::Key(command) => key::run(command, context).await,
        Command::Secret(command) => secret::run(command, context).await,
        Command::Explain(options) => explain::run(options, context).await,
        Command::Workflow(command) => workflow::run(command, context).await,
        Command::Mcp(command) => mcp::run(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Doctor(options) => doctor::run(options, context).await,
        Command::Openapi => openapi::run(context),
        Command::Config(options) => config::run(&options, context),
        Command::ShutIn(options) => shut_in::run(options),
    }
}

/// An answer of another kind than the command's is a defect.
pub(crate) fn unexpected_answer() -> anyhow::Error {
    anyhow::anyhow!("the server gave an answer to another command; is it another version?")
}
