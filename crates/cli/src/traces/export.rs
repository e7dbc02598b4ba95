//! The collector's client, which sends the spans as long as the server runs.

use toolvault_core::identity::InstallationId;
use toolvault_gateway::traces::{Exporter, Spans};
use toolvault_server::TraceSettings;

use super::Traces;
use crate::config::{Configuration, Tracing};
use crate::failure::{Failure, with_causes};

/// What makes the spans, and what sends them, if there is a collector.
pub(crate) fn prepare(
    configuration: &mut Configuration,
) -> Result<Option<(Traces, Exporter)>, Failure> {
    let Some(settings) = &configuration.tracing else {
        return Ok(None);
    };
    let refused = |error| Failure::refused(format!("traces: {}", with_causes(&error)));
    let destination = &settings.destination;
    let made = Spans::new(destination.url.clone(), destination.policy.clone());
    let (spans, exporter) = made.map_err(refused)?;
    configuration.server.traces = Some(TraceSettings {
        continues: settings.continues,
        counts: spans.counts().clone(),
    });
    Ok(Some((Traces::new(spans, settings.percent), exporter)))
}

/// Sends spans for ever. Of failures in a row, the first one is logged.
pub(crate) async fn run(mut exporter: Exporter, installation: InstallationId, settings: &Tracing) {
    let mut has_failed = false;
    loop {
        let spans = exporter.next().await;
        if spans.is_empty() {
            // Nothing makes spans any more.
            return;
        }
        let sent = match settings.destination.headers().await {
            Ok(headers) => {
                let sent = exporter.send(installation, &spans, headers).await;
                sent.map_err(|error| with_causes(&error))
            }
            Err(why) => {
                exporter.drop_all(&spans);
                Err(why)
            }
        };
        match sent {
            Ok(()) => has_failed = false,
            Err(why) if !has_failed => {
                has_failed = true;
                tracing::error!(
                    error = why,
                    "spans were dropped: the collector did not take them"
                );
            }
            Err(_) => {}
        }
    }
}
