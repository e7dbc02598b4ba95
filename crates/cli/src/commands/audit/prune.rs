//! `toolvault audit prune`: deletes the oldest part of the trail.

use clap::Args;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::Progress;

use super::verify::with_progress;
use crate::api::Api;
use crate::config::StoreOptions;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::progress::ProgressLine;

#[derive(Args)]
pub(crate) struct PruneOptions {
    /// Delete records from before this time, which is at least a day ago, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    before: Timestamp,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) async fn run(
    options: PruneOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let question = format!(
        "Delete the audit records from before {} permanently?",
        options.before
    );
    confirm(&question, options.yes, printer)?;
    let shows_progress = !options.json && printer.shows_progress();
    let pruned = Api::with_store(options.store, context, async |api| {
        let pruning = api.prune_audit(options.before);
        if shows_progress {
            with_progress(pruning, api, printer, show_progress).await
        } else {
            pruning.await
        }
    })
    .await?;
    if options.json {
        printer.json(&pruned)?;
    } else {
        let (records, pages) = (pruned.records, pruned.pages);
        printer.line(&format!(
            "Deleted records: {records}. Deleted pages: {pages}."
        ))?;
        if pruned.waits_for_shipping {
            printer.line("Older records stay until they are shipped. See: toolvault status")?;
        }
    }
    Ok(ExitStatus::Success)
}

/// First the trail is verified, then pages are deleted.
fn show_progress(Progress { pages, of }: Progress, line: &mut ProgressLine<'_>) {
    line.part(pages, of, "pages");
}
