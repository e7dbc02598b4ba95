//! `toolvault init`: makes a service of the server, takes over the servers of all clients on this machine, and tests them.

mod service;
mod system;
mod systemd;
mod unit;

use std::collections::BTreeSet;

use clap::Args;

use super::mcp::file::FileOptions;
use super::mcp::import::{Found, ImportOptions, Outcome, find, show, take_over};
use super::mcp::test::{self, TestOptions};
use super::reload::{self, ReloadOptions};
use crate::api::connection::{ConnectionOptions, require_own_machine};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;

#[derive(Args)]
#[command(after_help = "\
It looks for the files of Claude Code, Claude Desktop, Codex, Cursor, Gemini CLI, opencode, VS Code, Windsurf and Zed in \
your home directory and in this folder, and asks before it changes one. See `toolvault mcp import --help`.

If no server runs on this machine, it offers to make a service of your user (systemd --user), which also runs after a \
restart, and sets up a new store and a profile for it. Without systemd, start `toolvault serve` first.")]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct InitOptions {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Make the service without asking, and fail if it cannot be made
    #[arg(long, conflicts_with = "no_service")]
    service: bool,
    /// Make no service
    #[arg(long)]
    no_service: bool,
    /// As root: make a service of the system that has its own user, and do nothing else
    #[arg(long, conflicts_with_all = ["service", "no_service", "config"])]
    system: bool,
    #[command(flatten)]
    file: FileOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(crate) async fn run(
    options: &InitOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    if options.system {
        system::make(options, context).await?;
        return Ok(ExitStatus::Success);
    }
    service::offer(options, context).await?;
    let found = find(printer);
    if found.is_empty() {
        printer.line("No file of a client with MCP servers was found.")?;
        printer.line("Add a server with: toolvault mcp add")?;
        return Ok(ExitStatus::Success);
    }
    let (file, connection) = (&options.file, &options.connection);
    require_own_machine(connection, &context.environment)?;
    show(&found, printer)?;
    let import = ImportOptions::for_all(options.yes, file.clone(), connection.clone());
    let mut is_complete = true;
    let (mut servers, mut clients) = (BTreeSet::new(), BTreeSet::new());
    for client in &found {
        printer.line("")?;
        printer.line(&format!("{}, {}:", client.client, client.file()))?;
        let outcome = go_on(
            take_over(&client.path, &import, context).await,
            client,
            printer,
        )?;
        is_complete &= outcome.status == ExitStatus::Success;
        if !outcome.servers.is_empty() {
            clients.insert(client.client);
        }
        servers.extend(outcome.servers);
    }
    if servers.is_empty() {
        return Ok(status(is_complete));
    }
    printer.line("")?;
    reload::run(ReloadOptions::of(file.config.clone()), context).await?;
    for server in servers {
        printer.line("")?;
        let options = TestOptions::of(server, file.clone(), connection.clone());
        let tested = test::run(&options, context).await;
        is_complete &= report(tested, printer)? == ExitStatus::Success;
    }
    printer.line("")?;
    let clients: Vec<&str> = clients.into_iter().collect();
    printer.line(&format!(
        "Restart to use the gateway: {}.",
        clients.join(", ")
    ))?;
    Ok(status(is_complete))
}

/// What became of a file. If it was refused, the others are still asked about.
fn go_on(
    outcome: anyhow::Result<Outcome>,
    client: &Found,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    outcome.or_else(|error| {
        refused(&error, printer).map_or(Err(error), |()| {
            printer.line(&format!("{} stays as it is.", client.path.display()))?;
            Ok(Outcome::without_servers(ExitStatus::Refused))
        })
    })
}

/// The result of a test. If it was refused, the other servers are still tested.
fn report(tested: anyhow::Result<ExitStatus>, printer: &Printer) -> anyhow::Result<ExitStatus> {
    tested
        .or_else(|error| refused(&error, printer).map_or(Err(error), |()| Ok(ExitStatus::Refused)))
}

/// Prints an error that the caller can correct.
fn refused(error: &anyhow::Error, printer: &Printer) -> Option<()> {
    let failure = error.downcast_ref::<Failure>()?;
    if failure.status != ExitStatus::Refused {
        return None;
    }
    printer.error_line(&format!("error: {failure}"));
    if let Some(hint) = &failure.hint {
        printer.error_line(&format!("hint: {hint}"));
    }
    Some(())
}

const fn status(is_complete: bool) -> ExitStatus {
    if is_complete {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    }
}
