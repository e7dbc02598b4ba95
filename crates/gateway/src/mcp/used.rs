//! When something was last used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use toolvault_vault::Clock;

/// When something was last used, by the clock of the gateway.
pub(crate) struct Used {
    clock: Arc<dyn Clock>,
    at: Mutex<Instant>,
}

impl Used {
    /// Something that is used now.
    pub(crate) fn now(clock: &Arc<dyn Clock>) -> Self {
        Self {
            at: Mutex::new(clock.instant()),
            clock: Arc::clone(clock),
        }
    }

    /// Notes that it is used now.
    pub(crate) fn note(&self) {
        *self.at.lock() = self.clock.instant();
    }

    /// When it was last used.
    pub(crate) fn at(&self) -> Instant {
        *self.at.lock()
    }

    /// For how long it has not been used.
    pub(crate) fn idle(&self) -> Duration {
        self.clock.instant().saturating_duration_since(self.at())
    }
}
