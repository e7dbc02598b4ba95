//! `toolvault mcp remove`.

use clap::Args;
use serde_json::json;
use toolvault_gateway::ServerName;

use super::file::{FileOptions, HOW_IT_TAKES_EFFECT, parse_name};
use crate::config::ConfigurationFile;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct RemoveOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileOptions,
}

pub(super) fn run(options: &RemoveOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let mut file = ConfigurationFile::open(options.file.config.as_deref(), &context.environment)?;
    let (name, path) = (&options.name, file.path().display().to_string());
    if !file.remove_server(name) {
        let message = format!("there is no server '{name}' in {path}");
        return Err(Failure::refused(message)
            .hint("toolvault mcp list shows them")
            .into());
    }
    file.save()?;
    if options.json {
        return context
            .printer
            .json(&json!({"name": name.as_str(), "file": path}));
    }
    let line = format!("Removed the server {name} from {path}. Its secrets are kept.");
    context.printer.line(&line)?;
    Ok(context.printer.line(HOW_IT_TAKES_EFFECT)?)
}
