//! `toolvault secret show`.

use clap::Args;
use toolvault_vault::{Clock as _, SecretInfo, SystemClock};

use super::status::{self, WithStatus};
use super::uses;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::printer::{Printer, Table};

#[derive(Args)]
pub(crate) struct ShowOptions {
    /// Name or ID of the secret
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ShowOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let standings = status::all(&api).await?;
    let status = status::describe(&standings, &secret, SystemClock.now());
    let mut known = uses::all(&api).await?;
    let used = known.remove(&secret.secret_id).unwrap_or_default();
    if options.json {
        return context.printer.json(&WithStatus {
            secret: &secret,
            used,
            status,
        });
    }
    let mut table = table(&secret);
    table.row(["version", &used.version()]);
    table.row(["last used", &used.last_used()]);
    if used.last_used_at.is_some() {
        table.row(["used for", used.last_tool.as_deref().unwrap_or_default()]);
        table.row(["used by", used.last_actor.as_deref().unwrap_or_default()]);
    }
    if !status.is_empty() {
        table.row(["status", &status]);
    }
    Ok(context.printer.table(&table)?)
}

/// Prints everything about one secret except its value.
pub(super) fn print(secret: &SecretInfo, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(secret);
    }
    Ok(printer.table(&table(secret))?)
}

fn table(secret: &SecretInfo) -> Table {
    let mut table = Table::plain();
    table.row(["name", &secret.secret_name]);
    table.row(["id", &secret.secret_id.to_string()]);
    table.row(["tool", secret.tool_name.as_deref().unwrap_or_default()]);
    table.row(["argument", secret.tool_arg.as_deref().unwrap_or_default()]);
    table.row(["default", yes_or_no(secret.is_default_for_tool)]);
    table.row(["value", secret.display.as_deref().unwrap_or_default()]);
    table.row(["created", &secret.created_at.whole_second().to_string()]);
    table.row(["updated", &secret.updated_at.whole_second().to_string()]);
    table
}

pub(super) const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
