//! The current time and randomness, as arguments of the vault.

use std::time::Instant;

use toolvault_core::entropy::{Entropy, EntropyError};
use toolvault_core::timestamp::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// The current moment.
    fn now(&self) -> Timestamp;

    /// The current moment to measure durations with, which no correction of the system's time changes.
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let elapsed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_microseconds(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness, `getrandom(2)` on each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}
