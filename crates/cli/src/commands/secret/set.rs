//! `toolvault secret set`.

use std::path::PathBuf;

use clap::Args;

use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Change;
use crate::context::Context;
use crate::value;

#[derive(Args)]
pub(crate) struct SetOptions {
    /// Name or ID of the secret
    name: String,
    /// Read the new value from this file, or from standard input if it is -. Without it, and with nothing else to
    /// change, ask on a terminal, else read standard input. A single line loses its line break
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// New name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// New tool; * matches any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// New argument of the tool
    #[arg(long, value_name = "ARGUMENT")]
    arg: Option<String>,
    /// Fill the argument when a call omits it
    #[arg(long, conflicts_with = "no_default")]
    default: bool,
    /// Do not fill the argument when a call omits it
    #[arg(long)]
    no_default: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &SetOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let change = Change {
        secret_name: options.new_name.as_deref(),
        secret_value: None,
        tool_name: options.tool.as_deref(),
        tool_arg: options.arg.as_deref(),
        is_default_for_tool: (options.default || options.no_default).then_some(options.default),
    };
    let value = if options.value_file.is_some() || change.is_empty() {
        Some(value::read(options.value_file.as_deref(), context.printer)?)
    } else {
        None
    };
    let secret = api
        .change_secret(secret, change, value.as_deref().map(String::as_str))
        .await?;
    print(&secret, options.json, context.printer)
}
