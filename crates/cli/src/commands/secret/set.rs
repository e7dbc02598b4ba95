//! `toolvault secret set`.

use std::path::PathBuf;

use clap::Args;

use super::binding::Binding;
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
    #[command(flatten)]
    binding: Binding,
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
        ..options.binding.change()
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
