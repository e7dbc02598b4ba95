//! A clock that moves only on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::Clock;

pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2026-01-02T03:04:05Z.
const BEGINNING: i64 = 1_767_323_045 * SECOND;

#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGINNING)))
    }

    /// Moves by this many microseconds, forward or back.
    pub(crate) fn advance(&self, microseconds: i64) {
        self.0.fetch_add(microseconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microseconds(self.0.load(Ordering::SeqCst))
    }
}
