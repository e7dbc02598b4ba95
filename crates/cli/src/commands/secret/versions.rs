//! `toolvault secret versions`.

use clap::Args;

use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::printer::Table;

#[derive(Args)]
pub(crate) struct VersionsOptions {
    /// Name or ID of the secret
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &VersionsOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let versions = api.versions(&secret).await?;
    if options.json {
        return context.printer.json(&versions);
    }
    let mut table = Table::new(&["VERSION", "CREATED", "BY", "STATE"]);
    for version in &versions {
        table.row([
            &version.number.to_string(),
            &version.created_at.whole_second().to_string(),
            &version.created_by,
            &version.state,
        ]);
    }
    Ok(context.printer.table(&table)?)
}
