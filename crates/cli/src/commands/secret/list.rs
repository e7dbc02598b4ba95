//! `toolvault secret list`.

use clap::Args;

use super::yes_or_no;
use crate::api::Api;
use crate::commands::Context;
use crate::printer::Table;

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let secrets = Api::connect(context)?.list_secrets(None).await?;
    if options.json {
        return context.printer.json(&secrets);
    }
    let mut table = Table::new(&[
        "NAME", "ID", "TOOL", "ARGUMENT", "DEFAULT", "VALUE", "UPDATED",
    ]);
    for secret in &secrets {
        table.row([
            &secret.secret_name,
            &secret.secret_id.to_string(),
            secret.tool_name.as_deref().unwrap_or_default(),
            secret.tool_arg.as_deref().unwrap_or_default(),
            yes_or_no(secret.is_default_for_tool),
            secret.display.as_deref().unwrap_or_default(),
            &secret.updated_at.to_string(),
        ]);
    }
    Ok(context.printer.table(&table)?)
}
