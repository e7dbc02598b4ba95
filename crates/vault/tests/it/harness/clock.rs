//! A clock that moves only on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::Clock;

pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2026-01-02T03:04:05Z.
const BEGINNING: i64 = 1_767_323_045 * SECOND;

#[derive(Clone)]
pub(crate) struct TestClock {
    now: Arc<AtomicI64>,
    /// All moves forward.
    passed: Arc<AtomicI64>,
    began: Instant,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::new(AtomicI64::new(BEGINNING)),
            passed: Arc::default(),
            began: Instant::now(),
        }
    }

    /// Moves by this many microseconds, forward or back.
    pub(crate) fn advance(&self, microseconds: i64) {
        self.now.fetch_add(microseconds, Ordering::SeqCst);
        self.passed.fetch_add(microseconds.max(0), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microseconds(self.now.load(Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        let passed = self.passed.load(Ordering::SeqCst);
        self.began + Duration::from_micros(passed.unsigned_abs())
    }
}
