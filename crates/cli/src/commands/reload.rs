//! `toolvault reload`: makes the running server reload its configuration.

use std::path::PathBuf;

use clap::Args;
use toolvault_vault::DatabaseLocation;

use crate::api::Api;
use crate::config::{self, ServeOptions, StoreOptions};
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
    let serve = ServeOptions::from(options.store);
    let configuration = config::load(&serve, &context.environment, context.printer)?;
    if let DatabaseLocation::Postgres(_) = &configuration.vault.database {
        let why = "this reaches the server on an embedded database; those on PostgreSQL reload on SIGHUP, each on its own";
        return Err(Failure::refused(why)
            .hint("on each machine: systemctl reload toolvault; or: kill -HUP and the ID of its process")
            .into());
    }
    let api = Api::open(&configuration, context.printer).await?;
    let report = if api.served_directory().is_some() {
        api.reload().await
    } else {
        Err(Failure::refused("no server runs on this data directory")
            .hint("a server reads its configuration when it starts: toolvault serve"))
    };
    api.close().await;
    let report = report?;
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
