//! `toolvault secret list`.

use clap::Args;
use toolvault_vault::{Clock as _, SystemClock};

use super::show::yes_or_no;
use super::status::{self, WithStatus};
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::printer::Table;

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context)?;
    let secrets = api.list_secrets(None).await?;
    let standings = status::all(&api).await?;
    let now = SystemClock.now();
    if options.json {
        let secrets = secrets.iter().map(|secret| WithStatus {
            secret,
            status: status::describe(&standings, secret, now),
        });
        return context.printer.json(&secrets.collect::<Vec<_>>());
    }
    let mut table = Table::new(&[
        "NAME", "ID", "TOOL", "ARGUMENT", "DEFAULT", "VALUE", "UPDATED", "STATUS",
    ]);
    for secret in &secrets {
        let status = status::describe(&standings, secret, now);
        table.row([
            &secret.secret_name,
            &secret.secret_id.to_string(),
            secret.tool_name.as_deref().unwrap_or_default(),
            secret.tool_arg.as_deref().unwrap_or_default(),
            yes_or_no(secret.is_default_for_tool),
            secret.display.as_deref().unwrap_or_default(),
            &secret.updated_at.to_string(),
            &status,
        ]);
    }
    Ok(context.printer.table(&table)?)
}
