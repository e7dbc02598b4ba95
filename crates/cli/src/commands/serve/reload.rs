//! SIGHUP: the configuration is read again, and the gateway takes its part of it. All other settings hold until a restart.

use tokio::signal::unix::{SignalKind, signal};
use toolvault_server::ServerHandle;

use crate::config::{self, ServeOptions};
use crate::context::Context;
use crate::failure::with_causes;

/// Reloads as often as it is asked to. What cannot be used changes nothing. Ends only if signals cannot be caught.
pub(super) async fn on_hangup(
    options: &ServeOptions,
    context: &Context<'_>,
    server: ServerHandle,
) -> anyhow::Error {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return error.into(),
    };
    loop {
        if hangup.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        match config::load(options, &context.environment, context.printer) {
            Ok(configuration) => match server.reload_gateway(configuration.server.gateway) {
                Ok(()) => tracing::info!("the servers behind the gateway were read again"),
                Err(error) => tracing::error!(
                    error = with_causes(&error),
                    "the servers behind the gateway stay as they were"
                ),
            },
            Err(failure) => tracing::error!(
                error = with_causes(&failure),
                "the configuration cannot be used; the servers behind the gateway stay as they were"
            ),
        }
    }
}
