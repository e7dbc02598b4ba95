//! `toolvault mcp`: the servers behind the gateway, and the gateway as a client sees it.

mod add;
mod import;
mod list;
mod remove;
mod stdio;
mod test;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use toolvault_gateway::ServerName;

use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::ExitStatus;

/// What is said after the file of a server that runs was changed.
const HOW_IT_TAKES_EFFECT: &str = "Restart the server, or run `toolvault reload`, to apply this.";

#[derive(Subcommand)]
#[command(
    after_help = "import, test and stdio send requests to the server at TOOLVAULT_URL [default: http://127.0.0.1:8710]; \
    the key is in TOOLVAULT_API_KEY or in the file that TOOLVAULT_API_KEY_FILE names."
)]
pub(crate) enum McpCommand {
    /// Add a server to the configuration file
    Add(add::AddOptions),
    /// List the servers of the configuration
    List(list::ListOptions),
    /// Import a client's MCP servers and the keys in its file
    Import(import::ImportOptions),
    /// Test a server through the gateway, and show which secrets its tools get
    Test(test::TestOptions),
    /// Connect a client that starts programs to the gateway, over standard input and output
    Stdio(stdio::StdioOptions),
    /// Remove a server from the configuration file
    Remove(remove::RemoveOptions),
}

/// Which file the servers are in.
#[derive(Args)]
pub(crate) struct FileOptions {
    /// Configuration file [default: `TOOLVAULT_CONFIG`, else the platform's]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) async fn run(command: McpCommand, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        McpCommand::Add(options) => add::run(&options, context)?,
        McpCommand::List(options) => list::run(&options, context)?,
        McpCommand::Import(options) => return import::run(&options, context).await,
        McpCommand::Test(options) => return test::run(&options, context).await,
        McpCommand::Stdio(options) => stdio::run(&options, context).await?,
        McpCommand::Remove(options) => remove::run(&options, context)?,
    }
    Ok(ExitStatus::Success)
}

/// Whether the file names a server of that name.
fn is_configured(name: &ServerName, file: &FileOptions, context: &Context<'_>) -> bool {
    let configuration = load(file, context);
    configuration.is_ok_and(|configuration| configuration.server.gateway.servers.contains_key(name))
}

fn load(file: &FileOptions, context: &Context<'_>) -> anyhow::Result<Configuration> {
    let store = StoreOptions {
        config: file.config.clone(),
        ..StoreOptions::default()
    };
    let options = ServeOptions::from(store);
    Ok(config::load(
        &options,
        &context.environment,
        context.printer,
    )?)
}

/// Makes the program of a command, if it is a path, one that does not depend on where the gateway runs: it is taken
/// from `folder`, where it starts.
fn absolute_program(command: &mut [String], folder: &Path) {
    if let Some(program) = command.first_mut()
        && program.contains('/')
        && let Ok(path) = std::path::absolute(folder.join(&*program))
        && let Some(path) = path.to_str()
    {
        path.clone_into(program);
    }
}

fn parse_name(text: &str) -> Result<ServerName, String> {
    text.parse()
        .map_err(|error: toolvault_gateway::settings::ServerNameError| error.to_string())
}
