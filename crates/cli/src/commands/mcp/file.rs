//! What the commands on the servers of the configuration file share.

use std::path::{Path, PathBuf};

use clap::Args;
use toolvault_gateway::ServerName;
use toolvault_gateway::settings::ServerNameError;

use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;

/// Printed after a change of the file of a running server.
pub(super) const HOW_IT_TAKES_EFFECT: &str =
    "Restart the server, or run `toolvault reload`, to apply this.";

/// Which file the servers are in.
#[derive(Args, Clone)]
pub(crate) struct FileOptions {
    /// Configuration file [default: `TOOLVAULT_CONFIG`, else the platform's]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Whether the file names a server of that name.
pub(super) fn is_configured(name: &ServerName, file: &FileOptions, context: &Context<'_>) -> bool {
    let configuration = load(file, context);
    configuration.is_ok_and(|configuration| configuration.server.gateway.servers.contains_key(name))
}

pub(crate) fn load(file: &FileOptions, context: &Context<'_>) -> anyhow::Result<Configuration> {
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
pub(super) fn absolute_program(command: &mut [String], folder: &Path) {
    if let Some(program) = command.first_mut()
        && program.contains('/')
        && let Ok(path) = std::path::absolute(folder.join(&*program))
        && let Some(path) = path.to_str()
    {
        path.clone_into(program);
    }
}

pub(super) fn parse_name(text: &str) -> Result<ServerName, String> {
    text.parse()
        .map_err(|error: ServerNameError| error.to_string())
}
