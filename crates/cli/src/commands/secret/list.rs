//! `toolvault secret list`.

use clap::{Args, ValueEnum};
use toolvault_core::timestamp::SECOND;
use toolvault_vault::{Clock as _, SecretInfo, SystemClock};

use super::show::yes_or_no;
use super::status::{self, WithStatus};
use super::{unused, uses};
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Filter;
use crate::context::Context;
use crate::duration;
use crate::printer::Table;

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault secret list --tool linear__get_issue
  toolvault secret list --due
  toolvault secret list --unused 90d --sort updated

LAST USED is empty for a secret that was not used in the last 30 days.")]
pub(crate) struct ListOptions {
    /// Only secrets whose pattern matches this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Only secrets that are due for rotation, expired, or expire within 14 days
    #[arg(long)]
    due: bool,
    /// Only secrets that were not used for so long: a number and s, m, h, d or w. The key needs the scope audit
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    unused: Option<i64>,
    /// Order, ascending
    #[arg(long, value_enum, value_name = "ORDER", default_value = "created")]
    sort: Order,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    Created,
    Updated,
    Name,
    Tool,
}

impl Order {
    /// The API lists by creation. Equal ones stay in that order.
    fn sort(self, secrets: &mut [SecretInfo]) {
        match self {
            Self::Created => {}
            Self::Updated => secrets.sort_by_key(|secret| secret.updated_at),
            Self::Name => secrets.sort_by(|a, b| a.secret_name.cmp(&b.secret_name)),
            Self::Tool => secrets
                .sort_by(|a, b| (&a.tool_name, &a.tool_arg).cmp(&(&b.tool_name, &b.tool_arg))),
        }
    }
}

pub(super) async fn run(options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let filter = Filter {
        tool: options.tool.as_deref(),
        ..Filter::default()
    };
    let mut secrets = api.list_secrets(filter).await?;
    let standings = status::all(&api).await?;
    let mut known = uses::all(&api).await?;
    let now = SystemClock.now();
    if let Some(seconds) = options.unused {
        unused::retain(&api, &mut secrets, now.plus(-seconds * SECOND)).await?;
    }
    options.sort.sort(&mut secrets);
    let listed: Vec<WithStatus<'_>> = secrets
        .iter()
        .map(|secret| WithStatus {
            secret,
            used: known.remove(&secret.secret_id).unwrap_or_default(),
            status: status::describe(&standings, secret, now),
        })
        .filter(|listed| !options.due || !listed.status.is_empty())
        .collect();
    if options.json {
        return context.printer.json(&listed);
    }
    let empty = if options.due || options.unused.is_some() || options.tool.is_some() {
        "No secret fits."
    } else {
        "There are no secrets yet. Store one with: toolvault secret create NAME --tool PATTERN --arg ARGUMENT --default"
    };
    Ok(context.printer.table_or(&table(&listed), empty)?)
}

fn table(listed: &[WithStatus<'_>]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "ID",
        "TOOL",
        "ARGUMENT",
        "DEFAULT",
        "VALUE",
        "VERSION",
        "UPDATED",
        "LAST USED",
        "STATUS",
    ])
    .sparing(&["ID", "VERSION", "UPDATED", "VALUE", "DEFAULT", "LAST USED"]);
    for WithStatus {
        secret,
        used,
        status,
    } in listed
    {
        table.row([
            &secret.secret_name,
            &secret.secret_id.to_string(),
            secret.tool_name.as_deref().unwrap_or_default(),
            secret.tool_arg.as_deref().unwrap_or_default(),
            yes_or_no(secret.is_default_for_tool),
            secret.display.as_deref().unwrap_or_default(),
            &used.version(),
            &secret.updated_at.whole_second().to_string(),
            &used.last_used(),
            status,
        ]);
    }
    table
}
