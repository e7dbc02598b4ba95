//! `toolvault doctor`: finds problems of the installation and suggests fixes.

mod findings;
mod host;
mod next_start;
mod programs;
mod scheduled;
mod stored;

use clap::Args;
use toolvault_vault::{Clock as _, SystemClock};

use self::findings::Findings;
use self::stored::Report;
use crate::api::Api;
use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::jobs;
use crate::printer::Printer;

#[derive(Args)]
pub(crate) struct DoctorOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(
    options: DoctorOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut findings = Findings::default();
    let serve_options = ServeOptions::from(options.store);
    match config::load(&serve_options, &context.environment, context.printer) {
        Ok(configuration) => {
            findings.good("configuration", "every setting can be used");
            examine(&configuration, context.printer, &mut findings).await?;
        }
        Err(failure) => findings.bad(
            "configuration",
            &failure.to_string(),
            "fix the settings; toolvault config shows where each came from",
        ),
    }
    findings.print(options.json, context.printer)?;
    Ok(if findings.is_sound() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

async fn examine(
    configuration: &Configuration,
    printer: &Printer,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let now = SystemClock.now();
    host::check_secret_files(configuration, findings);
    host::check_clock(now, findings);
    programs::check(&configuration.server.gateway, findings).await?;
    let api = match Api::open(configuration, printer).await {
        Ok(api) => api,
        Err(failure) => {
            let fix = failure.hint.as_deref();
            let fix = fix.unwrap_or("read the message; it names what failed");
            findings.bad("store", &failure.to_string(), fix);
            return Ok(());
        }
    };
    let is_served = api.served_directory().is_some();
    if is_served {
        next_start::check(configuration, &api, findings).await;
    } else {
        findings.good("store", "it opens with this root key");
    }
    host::check_server(configuration, is_served, findings);
    let (report, status) = (Report::of(&api).await, api.status().await);
    api.close().await;
    match report.and_then(|report| Ok((report, status?))) {
        Ok((report, status)) => {
            stored::check(&report, now, findings);
            let jobs = jobs::report(configuration, &status, now);
            scheduled::check(&jobs, findings);
        }
        Err(failure) => findings.bad("store", &failure.to_string(), "run: toolvault audit verify"),
    }
    Ok(())
}
