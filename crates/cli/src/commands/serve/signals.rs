//! SIGTERM and SIGINT: the first makes the server finish, the second makes it stop at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals received.
pub(super) struct Signals {
    /// Finish requests in flight and stop.
    pub(super) stop: CancellationToken,
    /// Stop now.
    pub(super) stop_at_once: CancellationToken,
}

impl Signals {
    /// Handles the signals from now on.
    pub(super) fn catch() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let signals = Self {
            stop: CancellationToken::new(),
            stop_at_once: CancellationToken::new(),
        };
        let (stop, stop_at_once) = (signals.stop.clone(), signals.stop_at_once.clone());
        tokio::spawn(async move {
            for signal in [stop, stop_at_once] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                signal.cancel();
                tracing::info!("received a signal to stop");
            }
        });
        Ok(signals)
    }
}
