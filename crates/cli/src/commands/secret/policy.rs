//! `toolvault secret policy`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use toolvault_core::identity::SecretId;
use toolvault_core::policy::{Approval, Policy};
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::http::{HeaderMap, Method, Url, header};
use toolvault_vault::{Clock as _, SecretInfo, SystemClock};

use super::show::yes_or_no;
use crate::api::connection::ConnectionOptions;
use crate::api::{Api, Body, read};
use crate::context::Context;
use crate::duration;
use crate::printer::{Printer, Table};

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct PolicyOptions {
    /// Name or ID of the secret
    name: String,
    /// Expire at this time, as in 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME|never", value_parser = parse_time)]
    expires_at: Option<Limit<Timestamp>>,
    /// Expire after this time: a number and s, m, h, d or w
    #[arg(long, value_name = "SPAN", value_parser = duration::parse, conflicts_with = "expires_at")]
    expires: Option<i64>,
    /// A new value is due this many days after the last one
    #[arg(long, value_name = "DAYS|never", value_parser = parse_days)]
    rotate_after: Option<Limit<u32>>,
    /// Use the secret only if this other argument of the tool is absent or matches: a URL with its whole origin, or
    /// any other text; * matches any characters. May be repeated, also for one argument
    #[arg(long, value_name = "ARGUMENT=PATTERN", value_parser = parse_condition)]
    when: Vec<(String, String)>,
    /// Remove all conditions that --when set
    #[arg(long)]
    no_when: bool,
    /// Forbid changes of its name, tool and argument; only the value can be replaced
    #[arg(long, conflicts_with = "unprotect")]
    protect: bool,
    /// Allow changes of its name, tool and argument
    #[arg(long)]
    unprotect: bool,
    /// Remove the value from the answers of tools
    #[arg(long, conflicts_with = "no_redact")]
    redact: bool,
    /// Leave the value in the answers of tools, because it is not confidential
    #[arg(long)]
    no_redact: bool,
    /// Ask a person before a call gets the secret: always, first (until the tool was allowed for a key), writes (unless
    /// the tool says that it only reads) or never. Then only calls through the gateway get it
    #[arg(long, value_name = "WHEN", value_parser = parse_approval)]
    approval: Option<Limit<Approval>>,
    /// Never use the secret, and set off an alarm if anyone tries to, or sends its value
    #[arg(long, conflicts_with = "no_canary")]
    canary: bool,
    /// Use the secret like others
    #[arg(long)]
    no_canary: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// A policy and its secret, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    secret_id: SecretId,
    secret_name: &'a str,
    #[serde(flatten)]
    policy: &'a Policy,
}

/// A limit that can be removed.
#[derive(Clone, Copy)]
enum Limit<T> {
    Never,
    Of(T),
}

impl<T> Limit<T> {
    fn get(self) -> Option<T> {
        match self {
            Self::Never => None,
            Self::Of(limit) => Some(limit),
        }
    }
}

pub(super) async fn run(options: &PolicyOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let url = url(&api, &secret);
    let response = api.send(Method::GET, &url, Body::Nothing).await?;
    let before: Policy = read(&response)?;
    let mut policy = before.clone();
    options.change(&mut policy, SystemClock.now());
    if policy != before {
        let body = Body::Json(serde_json::to_vec(&policy)?);
        // Refused if another changed it since it was read: what is sent would undo that.
        let tag = response.headers.get(header::ETAG);
        let headers = tag.map(|tag| (header::IF_MATCH, tag.clone()));
        let headers = HeaderMap::from_iter(headers);
        policy = read(&api.send_with(headers, Method::PUT, &url, body).await?)?;
    }
    if options.json {
        return context.printer.json(&Shown {
            secret_id: secret.secret_id,
            secret_name: &secret.secret_name,
            policy: &policy,
        });
    }
    Ok(print(&secret, &policy, context.printer)?)
}

impl PolicyOptions {
    /// Applies the given changes.
    fn change(&self, policy: &mut Policy, now: Timestamp) {
        if let Some(limit) = self.expires_at {
            policy.expires_at = limit.get();
        }
        if let Some(seconds) = self.expires {
            policy.expires_at = Some(now.plus(seconds * SECOND));
        }
        if let Some(limit) = self.rotate_after {
            policy.rotate_after_days = limit.get();
        }
        if self.no_when {
            policy.when.clear();
        }
        let mut when: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (argument, pattern) in &self.when {
            let patterns = when.entry(argument.clone()).or_default();
            patterns.push(pattern.clone());
        }
        policy.when.extend(when);
        if self.protect || self.unprotect {
            policy.protected = self.protect;
        }
        if self.redact || self.no_redact {
            policy.redact = self.redact;
        }
        if let Some(approval) = self.approval {
            policy.approval = approval.get();
        }
        if self.canary || self.no_canary {
            policy.canary = self.canary;
        }
    }
}

fn url(api: &Api<'_>, secret: &SecretInfo) -> Url {
    api.url(&["secrets", &secret.secret_id.to_string(), "policy"])
}

fn print(secret: &SecretInfo, policy: &Policy, printer: &Printer) -> std::io::Result<()> {
    let mut table = Table::plain();
    table.row(["name", &secret.secret_name]);
    table.row(["id", &secret.secret_id.to_string()]);
    let expires = policy.expires_at.map(|at| at.whole_second().to_string());
    table.row(["expires", expires.as_deref().unwrap_or("never")]);
    let rotation = policy.rotate_after_days.map(|days| format!("{days} d"));
    table.row(["rotate after", rotation.as_deref().unwrap_or("never")]);
    for (argument, patterns) in &policy.when {
        table.row([&format!("when {argument}"), &patterns.join(" or ")]);
    }
    table.row(["protected", yes_or_no(policy.protected)]);
    table.row(["redacted", yes_or_no(policy.redact)]);
    let approval = policy.approval.map_or("never", Approval::as_str);
    table.row(["approval", approval]);
    if policy.canary {
        table.row(["canary", "yes: it is never used"]);
    }
    printer.table(&table)
}

fn parse_time(text: &str) -> Result<Limit<Timestamp>, String> {
    if text == "never" {
        return Ok(Limit::Never);
    }
    text.parse()
        .map(Limit::Of)
        .map_err(|_| "a time with an offset, as in 2027-01-31T00:00:00Z, or never".to_owned())
}

fn parse_days(text: &str) -> Result<Limit<u32>, String> {
    if text == "never" {
        return Ok(Limit::Never);
    }
    text.parse()
        .map(Limit::Of)
        .map_err(|_| "a number of days, or never".to_owned())
}

fn parse_approval(text: &str) -> Result<Limit<Approval>, String> {
    if text == "never" {
        return Ok(Limit::Never);
    }
    let mut approvals = Approval::ALL.into_iter();
    let named = approvals.find(|approval| approval.as_str() == text);
    named
        .map(Limit::Of)
        .ok_or_else(|| "always, first, writes or never".to_owned())
}

fn parse_condition(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((argument, pattern)) if !argument.is_empty() && !pattern.is_empty() => {
            Ok((argument.to_owned(), pattern.to_owned()))
        }
        _ => Err("an argument and a pattern, as in base_url=https://api.example.com/*".to_owned()),
    }
}
