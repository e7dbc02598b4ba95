//! SIGTERM and SIGINT: the first asks the server to finish, the second to end at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the signals that came ask for.
pub(super) struct Signals {
    /// Finish what is in flight and end.
    pub(super) stop: CancellationToken,
    /// End now.
    pub(super) stop_at_once: CancellationToken,
}

impl Signals {
    /// Takes the signals over from here on.
    pub(super) fn catch() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let signals = Self {
            stop: CancellationToken::new(),
            stop_at_once: CancellationToken::new(),
        };
        let (stop, stop_at_once) = (signals.stop.clone(), signals.stop_at_once.clone());
        tokio::spawn(async move {
            for asked in [stop, stop_at_once] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::info!("told to stop");
                asked.cancel();
            }
        });
        Ok(signals)
    }
}
