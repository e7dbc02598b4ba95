//! `toolvault audit verify`: verifies the trail against evidence, and shows how far it is.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use toolvault_vault::{Evidence, Progress, Verification};

use super::checkpoints;
use crate::api::Api;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Table};
use crate::progress::ProgressLine;

#[derive(Args)]
pub(crate) struct VerifyOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// First public key of the trail, printed at set-up. Without it, the replacement of the whole trail is not detected
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
    /// File with checkpoints, or a directory in which a server wrote them. The trail must still contain everything that
    /// it contained then. Can be repeated
    #[arg(long = "checkpoint", value_name = "PATH")]
    checkpoints: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) async fn run(
    options: VerifyOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let evidence = Evidence {
        public_key: options.public_key,
        checkpoints: checkpoints::read_all(&options.checkpoints)?,
    };
    let shows_progress = !options.json && context.printer.shows_progress();
    let report = Api::with_store(options.store, context, async |api| {
        let verifying = api.verify_audit(&evidence);
        if shows_progress {
            with_progress(verifying, api, context.printer, show_progress).await
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

/// Shows how far the work has come until it ends.
pub(super) async fn with_progress<T>(
    work: impl Future<Output = T>,
    api: &Api<'_>,
    printer: &Printer,
    show: impl Fn(Progress, &mut ProgressLine<'_>),
) -> T {
    let mut work = pin!(work);
    let mut line = ProgressLine::new(printer);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    // The first tick is immediate.
    ticks.tick().await;
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => {
                if let Ok(progress) = api.audit_progress().await {
                    show(progress, &mut line);
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
    if let Some(pruned) = &report.pruned {
        let (records, at, actor) = (pruned.records, pruned.at, &pruned.actor);
        let text = format!("the first {records} records, last at {at} by {actor}");
        table.row(["pruned", &text]);
        if pruned.checkpoints > 0 {
            let text = format!("{} are genuine, of pruned pages", pruned.checkpoints);
            table.row(["checkpoints", &text]);
        }
    }
    table.row(["public key", &report.public_key]);
    printer.table(&table)?;
    if report.ok && !is_key_given {
        printer.error_line("hint: pass --public-key with the key from set-up to prove that the whole trail was not replaced");
    }
    Ok(())
}
