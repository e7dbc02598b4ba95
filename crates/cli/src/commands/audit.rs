//! `toolvault audit`: prints records and checkpoints. [`verify`] verifies the trail, and [`prune`] deletes its oldest part.

mod checkpoints;
mod prune;
mod verify;

use clap::{Args, Subcommand};
use toolvault_core::audit::record::{Decision, Record};

use self::prune::PruneOptions;
use self::verify::VerifyOptions;
use crate::api::Api;
use crate::api::local::PORTION;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the whole trail, and every row of the store against it
    Verify(VerifyOptions),
    /// Print a signed checkpoint, to keep elsewhere
    ///
    /// With it, `audit verify --checkpoint` finds out whether the trail was truncated later, or set back to an earlier
    /// state.
    Checkpoint(CheckpointOptions),
    /// Print the newest records
    Tail(TailOptions),
    /// Print all records as JSON, one per line, newest first
    Export(ExportOptions),
    /// Delete the oldest records
    ///
    /// The rest still verifies with the first public key, and a record says who deleted what. Verify the trail with
    /// your checkpoints first: afterwards there is no way to tell whether the deleted part had been changed.
    Prune(PruneOptions),
}

#[derive(Args)]
pub(crate) struct CheckpointOptions {
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct TailOptions {
    /// Number of records
    #[arg(short = 'n', value_name = "N", default_value_t = 20)]
    count: usize,
    /// Print JSON, one record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Args)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    store: StoreOptions,
}

/// Which records.
#[derive(Args)]
struct FilterOptions {
    /// Only records from this time on, such as 2026-11-29T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only records up to this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only records of this action, such as secret.used
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only records of the secret with this ID
    #[arg(long, value_name = "ID")]
    secret: Option<String>,
    /// Only records of this tool, or of this exact pattern
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
}

impl FilterOptions {
    /// As parameters of the API.
    fn parameters(self) -> Vec<(&'static str, String)> {
        let parameters = [
            ("since", self.since),
            ("until", self.until),
            ("action", self.action),
            ("secret_id", self.secret),
            ("tool", self.tool),
        ];
        let given = parameters.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

pub(crate) async fn run(
    command: AuditCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        AuditCommand::Verify(options) => verify::run(options, context).await,
        AuditCommand::Checkpoint(options) => checkpoint(options, context).await,
        AuditCommand::Tail(options) => tail(options, context).await,
        AuditCommand::Export(options) => export(options, context).await,
        AuditCommand::Prune(options) => prune::run(options, context).await,
    }
}

async fn checkpoint(
    options: CheckpointOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let checkpoint = Api::with_store(options.store, context, async |api| api.checkpoint().await);
    context.printer.json_line(&checkpoint.await?)?;
    Ok(ExitStatus::Success)
}

async fn tail(options: TailOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let filter = options.filter.parameters();
    let records = Api::with_store(options.store, context, async |api| {
        api.newest_records(&filter, options.count).await
    })
    .await?;
    for record in &records {
        if options.json {
            context.printer.json_line(record)?;
        } else {
            context.printer.line(&line(record))?;
        }
    }
    Ok(ExitStatus::Success)
}

async fn export(options: ExportOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let filter = options.filter.parameters();
    let printed = Api::with_store(options.store, context, async |api| {
        let mut cursor = None;
        loop {
            let page = api.records(&filter, PORTION, cursor).await?;
            let mut records = page.data.iter();
            let printed = records.try_for_each(|record| context.printer.json_line(record));
            cursor = page.next_cursor;
            if cursor.is_none() || printed.is_err() {
                return Ok(printed);
            }
        }
    })
    .await?;
    // Outside, where the cause is kept: a reader that wants no more, such as `head`, is no error.
    printed.map(|()| ExitStatus::Success)
}

/// One record: time, action, actor and details.
fn line(record: &Record) -> String {
    let mut line = format!(
        "{} {} {} by {}",
        record.sequence, record.at, record.action, record.actor
    );
    if record.decision == Decision::Denied {
        line.push_str(" denied");
    }
    let details = [
        ("user", record.user_id.map(|id| id.to_string())),
        ("subject", record.subject.clone()),
        ("secret", record.secret_id.map(|id| id.to_string())),
        ("name", record.secret_name.clone()),
        ("version", record.version.map(|version| version.to_string())),
        ("tool", record.tool.clone()),
        ("argument", record.argument.clone()),
        ("reason", record.reason.clone()),
        ("source", record.source.clone()),
        ("count", record.count.map(|count| count.to_string())),
    ];
    for (name, detail) in details {
        if let Some(detail) = detail {
            line.extend([" ", name, "=", &detail]);
        }
    }
    line
}
