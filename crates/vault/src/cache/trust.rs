//! How long the caches may be used while other processes change the same database.
//!
//! Each process sends itself a heartbeat through the database's notification channel, which delivers in the order of
//! commits. When a heartbeat returns, every change committed before it was sent has arrived. The caches are therefore
//! valid until [`WINDOW`] after the heartbeat was *sent*.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The maximum age of the newest heartbeat that returned.
const WINDOW: Duration = Duration::from_millis(800);

pub(crate) enum Trust {
    /// This is the only process, so its caches are always valid.
    Alone,
    /// Every use reads the database.
    Never,
    /// Other processes change the database, too.
    Heartbeat(Heartbeat),
}

pub(crate) struct Heartbeat {
    began: Instant,
    /// Microseconds after `began` until which the caches are valid.
    until: AtomicI64,
}

impl Trust {
    pub(crate) fn is_given(&self) -> bool {
        match self {
            Self::Alone => true,
            Self::Never => false,
            Self::Heartbeat(heartbeat) => {
                heartbeat.elapsed() < heartbeat.until.load(Ordering::Acquire)
            }
        }
    }
}

impl Heartbeat {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            until: AtomicI64::new(0),
        }
    }

    /// Microseconds since this process started counting: the content of a heartbeat.
    pub(crate) fn elapsed(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// A heartbeat that was sent at `sent` has returned. Anyone who may connect to the database can send one, so the time
    /// is at most that of now.
    pub(crate) fn returned(&self, sent: i64) {
        let sent = sent.min(self.elapsed());
        let window = i64::try_from(WINDOW.as_micros()).unwrap_or(0);
        self.until
            .fetch_max(sent.saturating_add(window), Ordering::AcqRel);
    }

    /// The channel was lost, so announcements may have been missed.
    pub(crate) fn lost(&self) {
        self.until.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_heartbeat_gives_trust_for_longer_than_the_window() {
        let heartbeat = Heartbeat::new();
        heartbeat.returned(i64::MAX);
        let latest = heartbeat.elapsed() + i64::try_from(WINDOW.as_micros()).unwrap();
        assert!(heartbeat.until.load(Ordering::Acquire) <= latest);
    }
}
