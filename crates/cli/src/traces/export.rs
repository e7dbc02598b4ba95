//! The collector's client, which sends the spans as long as the server runs.

use toolvault_core::identity::InstallationId;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::traces::{Exporter, Spans};
use toolvault_server::TraceSettings;

use super::Traces;
use crate::config::{Configuration, Tracing, read_headers};
use crate::failure::{Failure, with_causes};

/// What makes the spans, and what sends them, if there is a collector.
pub(crate) fn prepare(
    configuration: &mut Configuration,
) -> Result<Option<(Traces, Exporter)>, Failure> {
    let Some(settings) = &configuration.tracing else {
        return Ok(None);
    };
    let refused = |error| Failure::refused(format!("traces: {}", with_causes(&error)));
    let made = Spans::new(settings.url.clone(), settings.policy.clone());
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
        let sent = match headers(settings).await {
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

/// The headers for one request. Reading a file blocks, so not here.
async fn headers(settings: &Tracing) -> Result<HeaderMap, String> {
    let path = settings.headers_file.clone();
    let reading = tokio::task::spawn_blocking(move || read_headers(path.as_deref()));
    let read = reading.await.map_err(|error| error.to_string())?;
    read.map_err(|why| format!("traces.headers_file: {why}"))
}
