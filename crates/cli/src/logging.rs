//! Structured logs on standard error. No log line holds a value.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;
use crate::environment::{self, Environment};
use crate::failure::Failure;

/// The default filter. Libraries that see requests and statements stay at `warn` or `info` even if `TOOLVAULT_LOG` sets
/// a plain level: only their own names enable more.
const FILTER: &str = "info,sqlx=warn,hyper=info,hyper_util=info,h2=info,rustls=info,tower=info";

/// Starts logging for the server.
pub(crate) fn start(format: LogFormat, environment: &Environment) -> Result<(), Failure> {
    let filter = filter(environment.get(environment::LOG))?;
    let is_json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = fmt::Subscriber::builder()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // Otherwise a line that cannot be written, as to a closed pipe or a full disk, is reported on standard error too,
        // where that panics.
        .log_internal_errors(false);
    let started = if is_json {
        let subscriber = builder.json().flatten_event(true).finish();
        tracing::subscriber::set_global_default(subscriber)
    } else {
        tracing::subscriber::set_global_default(builder.finish())
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
