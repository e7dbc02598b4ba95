//! `toolvault audit`: verifies the trail, and prints records.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::{Args, Subcommand};
use toolvault_core::audit::record::{Decision, Record};
use toolvault_vault::{Checkpoint, Evidence, Progress, Verification};

use crate::api::Api;
use crate::api::local::PORTION;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::printer::{Printer, Table};
use crate::progress::ProgressLine;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the whole trail, and every row of the store against it
    Verify(VerifyOptions),
    /// Print the newest records
    Tail(TailOptions),
    /// Print all records as JSON, one per line, newest first
    Export(ExportOptions),
}

#[derive(Args)]
pub(crate) struct VerifyOptions {
    /// Print JSON. Keep the output elsewhere to use it as a checkpoint later
    #[arg(long)]
    json: bool,
    /// First public key of the trail, printed at set-up. Without it, the replacement of the whole trail is not detected
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
    /// Output of an earlier `verify --json`. The trail must still contain everything that it contained then
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
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
        AuditCommand::Verify(options) => verify(options, context).await,
        AuditCommand::Tail(options) => tail(options, context).await,
        AuditCommand::Export(options) => export(options, context).await,
    }
}

async fn verify(options: VerifyOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let checkpoint = options
        .checkpoint
        .as_deref()
        .map(read_checkpoint)
        .transpose()?;
    let evidence = Evidence {
        public_key: options.public_key,
        checkpoint,
    };
    let shows_progress = !options.json && context.printer.shows_progress();
    let report = Api::with_store(options.store, context, async |api| {
        let verifying = api.verify_audit(&evidence);
        if shows_progress {
            with_progress(verifying, api, context.printer).await
        } else {
            verifying.await
        }
    })
    .await?;
    if options.json {
        context.printer.json(&report)?;
    } else {
        show_report(&report, evidence.public_key.is_some(), context.printer)?;
    }
    Ok(if report.ok {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

/// Shows how far the verification has come until it ends.
async fn with_progress<T>(
    verifying: impl Future<Output = T>,
    api: &Api<'_>,
    printer: &Printer,
) -> T {
    let mut verifying = pin!(verifying);
    let mut line = ProgressLine::new(printer);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    // The first tick is immediate.
    ticks.tick().await;
    loop {
        tokio::select! {
            verified = &mut verifying => return verified,
            _ = ticks.tick() => {
                if let Ok(progress) = api.audit_progress().await {
                    show_progress(progress, &mut line);
                }
            }
        }
    }
}

/// The rows are verified after the last page.
fn show_progress(progress: Progress, line: &mut ProgressLine<'_>) {
    let Progress { pages, of } = progress;
    let what = if pages < of {
        "pages"
    } else {
        "pages; verifying the rows"
    };
    line.part(pages, of, what);
}

fn show_report(report: &Verification, is_key_given: bool, printer: &Printer) -> anyhow::Result<()> {
    for fault in &report.faults {
        printer.line(&format!(
            "fault: {} {}: {}",
            fault.kind, fault.subject, fault.what
        ))?;
    }
    let verdict = if report.ok {
        "The audit trail is sound"
    } else {
        "The audit trail is NOT sound"
    };
    printer.line(&format!("{verdict}."))?;
    let mut table = Table::plain();
    table.row(["records", &report.records.to_string()]);
    table.row(["pages", &report.pages.to_string()]);
    table.row(["head", &report.head]);
    table.row(["public key", &report.public_key]);
    printer.table(&table)?;
    if report.ok && !is_key_given {
        printer.error_line("hint: pass --public-key with the key from set-up to prove that the whole trail was not replaced");
    }
    Ok(())
}

fn read_checkpoint(path: &Path) -> Result<Checkpoint, Failure> {
    let refused = |why: String| {
        Failure::refused(format!(
            "cannot use the checkpoint {}: {why}",
            path.display()
        ))
        .hint("a checkpoint is the output of: toolvault audit verify --json")
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
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
