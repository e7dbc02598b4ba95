//! `toolvault secret bind`.

use clap::Args;

use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Change;
use crate::context::Context;

#[derive(Args)]
#[command(
    group = clap::ArgGroup::new("binding").args(["tool", "arg", "default", "no_default"]).multiple(true).required(true),
    after_help = "\
Example:
  toolvault secret bind linear-prod --tool 'linear__*' --arg api_token --default

What is left out stays as it is. The value stays too: `toolvault secret set` replaces it.")]
pub(crate) struct BindOptions {
    /// Name or ID of the secret
    name: String,
    /// Tool that gets the secret; * matches any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// Argument of the tool that gets the secret
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

pub(super) async fn run(options: &BindOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let change = Change {
        tool_name: options.tool.as_deref(),
        tool_arg: options.arg.as_deref(),
        is_default_for_tool: (options.default || options.no_default).then_some(options.default),
        ..Change::default()
    };
    let secret = api.change_secret(secret, change, None).await?;
    print(&secret, options.json, context.printer)
}
