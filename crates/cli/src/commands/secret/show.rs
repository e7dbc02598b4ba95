//! `toolvault secret show`.

use clap::Args;

use crate::api::Api;
use crate::commands::Context;

#[derive(Args)]
pub(crate) struct ShowOptions {
    /// Name or id of the secret
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &ShowOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let secret = Api::connect(context)?.find_secret(&options.name).await?;
    super::print(&secret, options.json, context.printer)
}
