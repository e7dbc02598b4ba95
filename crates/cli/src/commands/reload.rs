//! `toolvault reload`: makes the running server reload its configuration.

use std::path::PathBuf;

use clap::Args;

use crate::api::Api;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};

#[derive(Args)]
pub(crate) struct ReloadOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

impl ReloadOptions {
    /// For the server that uses the store of this configuration file.
    pub(crate) fn of(config: Option<PathBuf>) -> Self {
        let store = StoreOptions {
            config,
            ..StoreOptions::default()
        };
        Self { json: false, store }
    }
}

pub(crate) async fn run(
    options: ReloadOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let report = Api::with_store(options.store, context, async |api| {
        if api.served_directory().is_some() {
            api.reload().await
        } else {
            Err(
                Failure::refused("no server with a control socket uses this store")
                    .hint("toolvault serve starts one; a server on PostgreSQL reloads on SIGHUP"),
            )
        }
    })
    .await?;
    let printer = context.printer;
    if options.json {
        printer.json(&report)?;
        return Ok(ExitStatus::Success);
    }
    for key in &report.applied {
        printer.line(&format!("applied: {key}"))?;
    }
    if report.certificate {
        printer.line("applied: the TLS certificate")?;
    }
    for key in &report.restart {
        printer.line(&format!("needs a restart: {key}"))?;
    }
    if report.applied.is_empty() && report.restart.is_empty() && !report.certificate {
        printer.line("Nothing has changed.")?;
    }
    Ok(ExitStatus::Success)
}
