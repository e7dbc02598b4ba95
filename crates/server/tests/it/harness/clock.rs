//! The vault's clock: the system's, moved forward by a test.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{Clock, SystemClock};

#[derive(Default)]
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    /// Moves the vault's time forward.
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * SECOND, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0.load(Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        let moved = self.0.load(Ordering::SeqCst);
        SystemClock.instant() + Duration::from_micros(moved.try_into().unwrap())
    }
}
