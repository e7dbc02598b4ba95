//! What is counted, without names.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use toolvault_core::audit::record::Decision;

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0,
];

/// What the relay has done so far, and what it holds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Open sessions.
    pub sessions: u64,
    /// Running programs.
    pub processes: u64,
    /// Tool calls by outcome.
    pub calls: Vec<(&'static str, u64)>,
    /// Messages in which a value was found and replaced.
    pub redactions: u64,
    /// How long tool calls took.
    pub durations: Durations,
}

/// A histogram of durations.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// The sum of all, in seconds.
    pub sum: f64,
    /// How many there were.
    pub count: u64,
    /// Upper bounds in seconds, ascending, each with how many lie under it but over the one before.
    pub buckets: Vec<(f64, u64)>,
}

#[derive(Default)]
pub(crate) struct Counters(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    allowed: u64,
    denied: u64,
    redactions: u64,
    seconds: f64,
    buckets: [u64; BOUNDS.len()],
}

impl Counters {
    pub(crate) fn called(&self, decision: Decision, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let mut counts = self.lock();
        match decision {
            Decision::Allowed => counts.allowed += 1,
            Decision::Denied => counts.denied += 1,
        }
        counts.seconds += seconds;
        let place = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(bucket) = place.and_then(|place| counts.buckets.get_mut(place)) {
            *bucket += 1;
        }
    }

    pub(crate) fn redacted(&self) {
        self.lock().redactions += 1;
    }

    pub(crate) fn read(&self, sessions: usize, processes: usize) -> Figures {
        let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let counts = self.lock();
        Figures {
            sessions: whole(sessions),
            processes: whole(processes),
            calls: vec![("allowed", counts.allowed), ("denied", counts.denied)],
            redactions: counts.redactions,
            durations: Durations {
                sum: counts.seconds,
                count: counts.allowed + counts.denied,
                buckets: BOUNDS.into_iter().zip(counts.buckets).collect(),
            },
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
