//! `toolvault mcp import`: the servers of a client, taken over with the keys in its file.
//!
//! [`document`] is the file, [`client`] the program that reads it, [`given`] what it says about a server. [`sort`]
//! and [`plan`] decide what becomes of each server, [`describe`] shows it. [`work`] does it: first the secrets, then
//! the configuration, then the keys of the client, and last the file, so that nothing is lost where it stops.

mod client;
mod describe;
mod document;
mod finder;
mod git;
mod given;
mod left;
mod plan;
mod rewrite;
mod sort;
mod store;
mod work;

use std::path::{Path, PathBuf};

use clap::Args;
use toolvault_gateway::ServerName;

use self::document::Document;
pub(crate) use self::finder::{Found, find, show};
use self::git::Versioned;
use self::sort::Sorted;
use self::work::Work;
use super::file::{FileOptions, HOW_IT_TAKES_EFFECT};
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Filter;
use crate::config::ConfigurationFile;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::mcp::Endpoint;

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct ImportOptions {
    /// Client's configuration file, such as `.mcp.json`, `.cursor/mcp.json`, `~/.codex/config.toml` or
    /// `claude_desktop_config.json`. Without it, list the files that are found
    file: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Let the client read its key from the variable `TOOLVAULT_API_KEY` instead of writing one to the file; the
    /// default for a file under version control
    #[arg(long)]
    key_env: bool,
    /// For a client without HTTP: let it start `toolvault mcp stdio`
    #[arg(long)]
    stdio: bool,
    /// Keep a copy of the original file, with the keys in it
    #[arg(long)]
    keep_plaintext: bool,
    #[command(flatten)]
    configuration: FileOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What became of a file.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    /// The servers that were imported.
    pub(crate) servers: Vec<ServerName>,
}

impl Outcome {
    /// Of a file from which no server was imported.
    pub(crate) const fn without_servers(status: ExitStatus) -> Self {
        Self {
            status,
            servers: Vec::new(),
        }
    }
}

impl ImportOptions {
    /// For each file that is found.
    pub(crate) fn for_all(
        is_yes: bool,
        configuration: FileOptions,
        connection: ConnectionOptions,
    ) -> Self {
        Self {
            file: None,
            yes: is_yes,
            key_env: false,
            stdio: false,
            keep_plaintext: false,
            configuration,
            connection,
        }
    }
}

pub(super) async fn run(
    options: &ImportOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let Some(file) = &options.file else {
        let found = find(printer);
        if found.is_empty() {
            printer.line("No file of a client with MCP servers was found.")?;
        } else {
            show(&found, printer)?;
            printer
                .line("Import one with: toolvault mcp import FILE; or all with: toolvault init")?;
        }
        return Ok(ExitStatus::Success);
    };
    let outcome = take_over(file, options, context).await?;
    if !outcome.servers.is_empty() {
        printer.line(HOW_IT_TAKES_EFFECT)?;
    }
    Ok(outcome.status)
}

/// Takes over the servers of one file.
pub(crate) async fn take_over(
    file: &Path,
    options: &ImportOptions,
    context: &Context<'_>,
) -> anyhow::Result<Outcome> {
    let printer = context.printer;
    let home = directories::BaseDirs::new().map(|places| places.home_dir().to_owned());
    let document = Document::read(file, home)?;
    let api = Api::connect(&options.connection, context).await?;
    let gateway = Endpoint::connect(&options.connection, context, None)
        .await?
        .url()
        .to_string();
    let path = options.configuration.config.as_deref();
    let mut configuration = ConfigurationFile::open(path, &context.environment)?;
    let versioned = git::versioned(document.path());
    // A key in a file that others get would be a key of theirs.
    let is_key_in_variable = options.key_env || versioned != Versioned::No;

    let entries = document.entries();
    let mut sorted = Sorted::of(&entries, &document, &gateway)?;
    if !is_key_in_variable && !sorted.taken.is_empty() {
        store::require_key_maker(&api).await?;
    }
    let stored = api.list_secrets(Filter::default()).await?;
    sorted.leave_what_cannot_be_stored(&stored);
    sorted.configure(&mut configuration);
    describe::describe(
        &sorted,
        &stored,
        &configuration,
        &document,
        is_key_in_variable,
        printer,
    )?;
    if sorted.taken.is_empty() {
        printer.line("Nothing is changed.")?;
        return Ok(Outcome::without_servers(sorted.status()));
    }
    printer.line(&api.destination())?;
    if versioned != Versioned::No && !options.key_env {
        printer.line("The file is under version control, so no key is written into it.")?;
    }
    let overwritten = sorted.overwritten(&stored).len();
    confirm(&describe::question(overwritten), options.yes, printer)?;
    let mut work = Work {
        api: &api,
        gateway: &gateway,
        document: &document,
        configuration: &configuration,
        options,
        is_key_in_variable,
        done: Vec::new(),
    };
    work.run(&sorted.taken, &stored, context).await?;
    if versioned == Versioned::Tracked {
        printer.error_line("warning: git has the file, so every key that was in it is in its history: replace them where they were issued, and store the new ones with toolvault secret set");
    }
    let servers = sorted.taken.iter().map(|taken| taken.plan.name.clone());
    Ok(Outcome {
        status: sorted.status(),
        servers: servers.collect(),
    })
}
