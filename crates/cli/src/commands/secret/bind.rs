//! `toolvault secret bind`.

use clap::Args;

use super::binding::Binding;
use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;

#[derive(Args)]
#[command(
    mut_group("Binding", |group| group.required(true)),
    after_help = "\
Example:
  toolvault secret bind linear-prod --tool 'linear__*' --arg api_token --default

What is left out stays as it is. The value stays too: `toolvault secret set` replaces it.")]
pub(crate) struct BindOptions {
    /// Name or ID of the secret
    name: String,
    #[command(flatten)]
    binding: Binding,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &BindOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let secret = api
        .change_secret(secret, options.binding.change(), None)
        .await?;
    print(&secret, options.json, context.printer)
}
