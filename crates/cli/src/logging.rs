//! Structured logs on standard error. No log line holds a value.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::traces::{Traces, is_for_traces};

/// The default filter. Libraries that see requests and statements stay at `warn` or `info` even if `TOOLVAULT_LOG` sets
/// a plain level: only their own names enable more.
/// Spans of traces belong in no log line.
const FILTER: &str =
    "info,sqlx=warn,hyper=info,hyper_util=info,h2=info,rustls=info,tower=info,toolvault_traces=off";

/// Starts logging for the server, and traces if there is a collector.
pub(crate) fn start(
    format: LogFormat,
    environment: &Environment,
    traces: Option<Traces>,
) -> Result<(), Failure> {
    let filter = filter(environment.get(environment::LOG))?;
    let is_json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // Otherwise a line that cannot be written, as to a closed pipe or a full disk, is reported on standard error too,
        // where that panics.
        .log_internal_errors(false);
    let lines = if is_json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.boxed()
    };
    let subscriber = tracing_subscriber::registry();
    let started = match traces {
        // A filter of each layer costs each line and span something, so only with both layers.
        Some(traces) => {
            let traces = traces.with_filter(filter_fn(is_for_traces));
            let both = subscriber.with(lines.with_filter(filter)).with(traces);
            tracing::subscriber::set_global_default(both)
        }
        None => tracing::subscriber::set_global_default(subscriber.with(lines).with(filter)),
    };
    started.map_err(|error| Failure::failed(error.to_string()))
}

fn filter(wanted: Option<&str>) -> Result<EnvFilter, Failure> {
    let text = match wanted {
        Some(wanted) => format!("{FILTER},{wanted}"),
        None => FILTER.to_owned(),
    };
    EnvFilter::try_new(text).map_err(|error| {
        Failure::refused(format!("TOOLVAULT_LOG: {error}"))
            .hint("for example: debug, or toolvault_vault=trace")
    })
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_bare_level_leaves_statement_logging_off() {
        let filter = filter(Some("trace")).unwrap().to_string();
        let directives: Vec<&str> = filter.split(',').collect();
        assert!(directives.contains(&"trace"), "{filter}");
        assert!(directives.contains(&"sqlx=warn"), "{filter}");
        assert!(!directives.contains(&"info"), "{filter}");
    }

    #[test]
    fn a_library_is_turned_on_by_name() {
        let filter = filter(Some("sqlx=debug")).unwrap().to_string();
        let directives: Vec<&str> = filter.split(',').collect();
        assert!(directives.contains(&"sqlx=debug"), "{filter}");
        assert!(!directives.contains(&"sqlx=warn"), "{filter}");
        assert!(super::filter(Some("=!=")).is_err());
    }
}
