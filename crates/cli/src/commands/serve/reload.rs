//! Reloads the configuration on SIGHUP and for `toolvault reload`.
//!
//! Changes of the gateway and of the TLS certificate take effect at once. Other settings need a restart.

use std::collections::BTreeMap;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use toml::Value;
use toolvault_server::{ReloadReport, ReloadRequest, ServerHandle};

use crate::config::{self, ServeOptions};
use crate::context::Context;
use crate::failure::{Failure, with_causes};

/// The tables whose settings take effect without a restart.
const APPLIED: [&str; 2] = ["gateway.", "tls."];

/// The effective values, by key.
type Known = BTreeMap<String, Value>;

/// The requests to reload.
pub(super) struct Requests {
    server: ServerHandle,
    hangup: Signal,
    commands: mpsc::Receiver<ReloadRequest>,
    known: Known,
}

impl Requests {
    /// Collects requests from now on. [`follow`] handles them.
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

/// Reloads on each request, and never returns. An unusable configuration changes nothing.
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
                "the configuration was reloaded"
            ),
            Err(failure) => tracing::error!(
                error = with_causes(failure),
                "cannot reload the configuration; the old one stays in use"
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
    // A setting that needs a restart keeps its old value here, so that each reload reports it again until the restart.
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
