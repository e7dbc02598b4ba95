//! Reading the configuration again: on SIGHUP, and for `toolvault reload`.
//!
//! The gateway and the TLS certificate take what has changed. Every other setting needs a restart.

use std::collections::BTreeMap;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use toml::Value;
use toolvault_server::{ReloadReport, ReloadRequest, ServerHandle};

use crate::config::{self, ServeOptions};
use crate::context::Context;
use crate::failure::{Failure, with_causes};

/// The tables whose settings are taken without a restart.
const APPLIED: [&str; 2] = ["gateway.", "tls."];

/// The values that were read last, by key.
type Known = BTreeMap<String, Value>;

/// What asks for a reload.
pub(super) struct Requests {
    server: ServerHandle,
    hangup: Signal,
    commands: mpsc::Receiver<ReloadRequest>,
    known: Known,
}

impl Requests {
    /// Keeps requests from here on; they are done in [`follow`].
    pub(super) fn catch(
        server: ServerHandle,
        options: &ServeOptions,
        context: &Context<'_>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            commands: server.reload_requests(),
            server,
            known: config::collect(options, &context.environment).values(),
        })
    }
}

/// Reloads as often as it is asked to, and never ends. What cannot be used changes nothing.
pub(super) async fn follow(
    mut requests: Requests,
    options: &ServeOptions,
    context: &Context<'_>,
) -> std::convert::Infallible {
    loop {
        let request = tokio::select! {
            Some(()) = requests.hangup.recv() => None,
            Some(request) = requests.commands.recv() => Some(request),
            else => std::future::pending().await,
        };
        let outcome = reload(options, context, &requests.server, &mut requests.known);
        match &outcome {
            Ok(report) => tracing::info!(
                applied = report.applied.join(" "),
                restart = report.restart.join(" "),
                certificate = report.certificate,
                "the configuration was read again"
            ),
            Err(failure) => tracing::error!(
                error = with_causes(failure),
                "the configuration cannot be used; everything stays as it was"
            ),
        }
        if let Some(request) = request {
            request.answer(outcome.map_err(|failure| failure.to_string()));
        }
    }
}

fn reload(
    options: &ServeOptions,
    context: &Context<'_>,
    server: &ServerHandle,
    known: &mut Known,
) -> Result<ReloadReport, Failure> {
    let configuration = config::load(options, &context.environment, context.printer)?;
    let settings = configuration.server;
    let certificate = server
        .reload(settings.gateway, settings.tls.as_ref())
        .map_err(|error| Failure::refused(with_causes(&error)))?;
    let values = config::collect(options, &context.environment).values();
    let mut report = ReloadReport {
        certificate,
        ..ReloadReport::default()
    };
    for key in changed(known, &values) {
        if APPLIED.iter().any(|table| key.starts_with(table)) {
            report.applied.push(key.clone());
        } else {
            report.restart.push(key.clone());
        }
    }
    // What needs a restart differs from what the server uses for as long as it runs.
    known.retain(|key, _| report.restart.contains(key));
    for (key, value) in values {
        if !report.restart.contains(&key) {
            known.insert(key, value);
        }
    }
    Ok(report)
}

/// The keys whose values differ, in order.
fn changed(before: &Known, after: &Known) -> Vec<String> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    keys.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(pairs: &[(&str, i64)]) -> Known {
        let pairs = pairs.iter();
        pairs
            .map(|&(key, value)| (key.to_owned(), Value::Integer(value)))
            .collect()
    }

    #[test]
    fn what_is_new_other_or_gone_has_changed() {
        let before = known(&[("a", 1), ("b", 1), ("d", 1)]);
        let after = known(&[("a", 1), ("b", 2), ("c", 1)]);
        assert_eq!(changed(&before, &after), ["b", "c", "d"]);
        assert!(changed(&before, &before).is_empty());
    }
}
