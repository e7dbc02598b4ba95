//! `toolvault status`: an overview of the installation.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::mcp::{LastCall, ServerState};
use toolvault_server::{Job, Status};
use toolvault_vault::{Clock as _, Consistency, DatabaseLocation, SystemClock};

use crate::api::Api;
use crate::config::{self, Configuration, RootKey, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::jobs::{self, JobReport};
use crate::printer::{Printer, Table};

/// How long a process on PostgreSQL listens for the others: several of their heartbeats.
const LISTEN: Duration = Duration::from_secs(1);
/// One day, in microseconds.
const DAY: i64 = 86_400_000_000;

#[derive(Args)]
pub(crate) struct StatusOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(
    options: StatusOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let serve_options = ServeOptions::from(options.store);
    let configuration = config::load(&serve_options, &context.environment, context.printer)?;
    let api = Api::open(&configuration, context.printer).await?;
    let is_served = api.served_directory().is_some();
    if !is_served && matches!(configuration.vault.database, DatabaseLocation::Postgres(_)) {
        tokio::time::sleep(LISTEN).await;
    }
    let status = api.status().await;
    api.close().await;
    let status = status?;
    let now = SystemClock.now();
    let jobs = jobs::report(&configuration, &status, now);
    let report = Report {
        status: &status,
        root_key: root_key(&configuration),
        jobs: &jobs,
        is_served,
        now,
    };
    if options.json {
        report.print_json(context.printer)?;
    } else {
        report.print(context.printer)?;
    }
    Ok(ExitStatus::Success)
}

struct Report<'a> {
    status: &'a Status,
    root_key: String,
    jobs: &'a [JobReport],
    /// Whether a server answered; else this process opened the store.
    is_served: bool,
    now: Timestamp,
}

fn root_key(configuration: &Configuration) -> String {
    match &configuration.root_key {
        RootKey::File(path) => format!("file {}", path.display()),
        RootKey::PassphraseFile(path) => format!("passphrase in {}", path.display()),
        // Its arguments may be confidential.
        RootKey::Command(words) => {
            let program = words.first().map(|word| word.to_string_lossy());
            format!("command {}", program.unwrap_or_default())
        }
        RootKey::Text(_) => "environment".to_owned(),
    }
}

impl Report<'_> {
    fn print_json(&self, printer: &Printer) -> anyhow::Result<()> {
        let server = self.is_served.then(|| {
            json!({
                "version": self.status.version,
                "started_at": self.status.started_at,
                "gateway": self.status.gateway,
            })
        });
        printer.json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "server": server,
            "store": self.status.store,
            "root_key": { "source": self.root_key, "since": self.status.store.root_key_since },
            "jobs": self.jobs,
        }))
    }

    fn print(&self, printer: &Printer) -> anyhow::Result<()> {
        let store = &self.status.store;
        let mut table = Table::plain();
        table.row(["version", env!("CARGO_PKG_VERSION")]);
        table.row(["server", &self.server()]);
        table.row(["store", &store.installation.to_string()]);
        let consistency = match store.consistency {
            Consistency::Bounded => "bounded",
            Consistency::Strict => "strict",
        };
        let (engine, version, schema) = (&store.engine, &store.engine_version, store.schema);
        let engine = format!("{engine} {version}, schema {schema}, {consistency} consistency");
        table.row(["engine", &engine]);
        let since = store.root_key_since.whole_second();
        let days = self.now.since(since) / DAY;
        let root_key = format!("{}, since {since} ({days} days)", self.root_key);
        table.row(["root key", &root_key]);
        let (due, expired) = (store.secrets_due, store.secrets_expired);
        let secrets = format!(
            "{}: {due} due for rotation, {expired} expired",
            store.secrets
        );
        table.row(["secrets", &secrets]);
        table.row(["users", &store.users.to_string()]);
        table.row(["keys", &store.keys.to_string()]);
        table.row(["audit records", &store.audit_records.to_string()]);
        table.row(["audit pages", &store.audit_pages.to_string()]);
        table.row(["last backup", &self.job(Job::Backup)]);
        table.row(["last checkpoint", &self.job(Job::Checkpoint)]);
        table.row(["audit shipping", &self.shipping()]);
        table.row(["last alarm", &self.alarms()]);
        for replica in &store.replicas {
            let at = replica.url.as_ref().map(|url| format!(", at {url}"));
            let at = at.unwrap_or_default();
            let heard = format!(
                "{}, heard {} ms ago{at}",
                replica.process, replica.silent_ms
            );
            table.row(["replica", &heard]);
        }
        let gateway = self.is_served.then_some(self.status.gateway.as_slice());
        for server in gateway.unwrap_or_default() {
            table.row(["gateway", &format!("{}: {}", server.name, state(server))]);
        }
        Ok(printer.table(&table)?)
    }

    fn server(&self) -> String {
        let version = &self.status.version;
        let since = self.status.started_at.whole_second();
        match (self.is_served, self.status.store.engine.as_str()) {
            (true, _) => format!("version {version}, running since {since}"),
            (false, "SQLite") => "not running".to_owned(),
            (false, _) => "each server on this database knows its own gateway".to_owned(),
        }
    }

    fn shipping(&self) -> String {
        match self.status.store.shipping {
            None => "the server ships none".to_owned(),
            Some(shipping) => {
                let waiting = shipping.waiting;
                format!(
                    "{waiting} records wait; last acknowledged: {}",
                    self.job(Job::Ship)
                )
            }
        }
    }

    fn alarms(&self) -> String {
        let alarms = self.jobs.iter().find(|report| report.job == Job::Alarms);
        match alarms {
            None => "the server sends none".to_owned(),
            Some(report) if report.last.is_none() && report.fault.is_none() && self.is_served => {
                "none since the server started".to_owned()
            }
            Some(_) => self.job(Job::Alarms),
        }
    }

    fn job(&self, job: Job) -> String {
        let Some(report) = self.jobs.iter().find(|report| report.job == job) else {
            return "the server makes none".to_owned();
        };
        let last = match report.last {
            Some(last) => last.whole_second().to_string(),
            None => "unknown".to_owned(),
        };
        let fault = report.fault.as_ref().map(|fault| format!("; {fault}"));
        let done_by = report.done_by.as_ref();
        let done_by = done_by.map(|holder| format!("; done by {holder}"));
        [Some(last), fault, done_by].into_iter().flatten().collect()
    }
}

/// What the last call to a server of the gateway showed, and whether it asks people to sign in.
fn state(server: &ServerState) -> String {
    let last = last_call(server);
    if server.wants_sign_in {
        let name = &server.name;
        format!("{last}; each user signs in: toolvault mcp connect {name}")
    } else {
        last
    }
}

fn last_call(server: &ServerState) -> String {
    match &server.last_call {
        None => "no call yet".to_owned(),
        Some(LastCall { at, failure: None }) => format!("answered at {}", at.whole_second()),
        Some(LastCall {
            at,
            failure: Some(failure),
        }) => format!("{failure} at {}", at.whole_second()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_wants_sign_ins_is_said_with_the_command() {
        let server = ServerState {
            name: "linear".to_owned(),
            is_program: false,
            wants_sign_in: true,
            last_call: None,
        };
        assert_eq!(
            state(&server),
            "no call yet; each user signs in: toolvault mcp connect linear"
        );
    }
}
