//! `toolvault doctor`: what is wrong with the installation, and what mends it.

mod findings;
mod host;
mod programs;
mod stored;

use clap::Args;
use serde::Serialize;
use toolvault_server::control::{LocalAnswer, LocalCommand};
use toolvault_vault::{Clock as _, SystemClock};

use self::findings::Findings;
use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::store::{Access, unexpected_answer};

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
            examine(&configuration, &mut findings).await?;
        }
        Err(failure) => findings.bad(
            "configuration",
            &failure.to_string(),
            "mend the settings; toolvault config shows where each came from",
        ),
    }
    findings.print(options.json, context.printer)?;
    Ok(if findings.is_sound() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

async fn examine(configuration: &Configuration, findings: &mut Findings) -> anyhow::Result<()> {
    let now = SystemClock.now();
    host::check_secret_files(configuration, findings);
    host::check_clock(now, findings);
    programs::check(&configuration.server.gateway, findings).await?;
    let access = match Access::open(configuration).await {
        Ok(access) => access,
        Err(failure) => {
            let failure = Failure::from(failure);
            let fix = failure.hint.as_deref();
            let fix = fix.unwrap_or("read the message; it names what failed");
            findings.bad("store", &failure.to_string(), fix);
            return Ok(());
        }
    };
    findings.good("store", "it opens with this root key");
    host::check_server(configuration, access.is_server(), findings);
    let answer = access.run(LocalCommand::Diagnose).await;
    access.close().await;
    match answer {
        Ok(LocalAnswer::Diagnosed(report)) => stored::check(&report, now, findings),
        Ok(_) => return Err(unexpected_answer()),
        Err(failure) => findings.bad("store", &failure.to_string(), "run: toolvault audit verify"),
    }
    Ok(())
}

/// How grave a finding is. Only `Bad` makes the exit status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Good,
    Notice,
    Bad,
}
