//! `toolvault mcp`: the servers behind the gateway, and the gateway as a client sees it.

mod add;
mod connect;
mod connections;
mod disconnect;
pub(crate) mod file;
pub(crate) mod import;
mod list;
mod pins;
mod remove;
mod stdio;
pub(crate) mod test;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
#[command(
    after_help = "import, test, connect, connections, disconnect and stdio send requests to the server of the profile in use (toolvault login), \
    unless TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE is set."
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
    /// Show the pinned definitions of a server's tools, and accept a change
    Pins(pins::PinsOptions),
    /// Sign in at a server in the browser, so that your agents can use its tools
    Connect(connect::ConnectOptions),
    /// List the servers at which you are or can be signed in
    Connections(connections::ConnectionsOptions),
    /// Sign out at a server: delete its tokens, and revoke them there
    Disconnect(disconnect::DisconnectOptions),
    /// Connect a client that starts programs to the gateway, over standard input and output
    Stdio(stdio::StdioOptions),
    /// Remove a server from the configuration file
    Remove(remove::RemoveOptions),
}

pub(crate) async fn run(command: McpCommand, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    match command {
        McpCommand::Add(options) => add::run(&options, context)?,
        McpCommand::List(options) => list::run(&options, context)?,
        McpCommand::Import(options) => return import::run(&options, context).await,
        McpCommand::Test(options) => return test::run(&options, context).await,
        McpCommand::Pins(options) => pins::run(options, context).await?,
        McpCommand::Connect(options) => connect::run(&options, context).await?,
        McpCommand::Connections(options) => connections::run(&options, context).await?,
        McpCommand::Disconnect(options) => disconnect::run(&options, context).await?,
        McpCommand::Stdio(options) => stdio::run(&options, context).await?,
        McpCommand::Remove(options) => remove::run(&options, context)?,
    }
    Ok(ExitStatus::Success)
}
