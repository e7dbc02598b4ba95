//! How long to wait before a program that ended is started again.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// After so long a run, earlier failures are forgotten.
const WELL: Duration = Duration::from_mins(1);

/// How often one program failed. A program that was stopped on purpose is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// The program ended by itself after it had run for `ran`, zero if it could not be started.
    pub(crate) fn ended(&mut self, ran: Duration, now: Instant) {
        let failures = if ran >= WELL { 0 } else { self.failures };
        let factor = 2_u32.saturating_pow(failures);
        self.not_before = now.checked_add(FIRST.saturating_mul(factor).min(LONGEST));
        self.failures = failures.saturating_add(1);
    }

    /// For how long it must not be started yet.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |moment| {
            moment.saturating_duration_since(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::LONGEST;
    use crate::stdio::Backoff;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.wait(now), Duration::ZERO);
        let waits: Vec<u128> = (0..11)
            .map(|_| {
                backoff.ended(Duration::from_secs(1), now);
                backoff.wait(now).as_millis()
            })
            .collect();
        assert_eq!(
            waits,
            [
                100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000
            ]
        );
        assert_eq!(
            backoff.wait(now + Duration::from_secs(29)),
            Duration::from_secs(1)
        );
        assert_eq!(backoff.wait(now + Duration::from_secs(31)), Duration::ZERO);
    }

    #[test]
    fn it_never_overflows() {
        let now = Instant::now();
        let mut backoff = Backoff {
            failures: u32::MAX,
            not_before: None,
        };
        backoff.ended(Duration::ZERO, now);
        assert_eq!(backoff.wait(now), LONGEST);
    }

    #[test]
    fn a_minute_of_running_well_is_forgiven() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.ended(Duration::from_secs(59), now);
        }
        assert_eq!(backoff.wait(now), Duration::from_millis(1_600));
        backoff.ended(Duration::from_mins(1), now);
        assert_eq!(backoff.wait(now), Duration::from_millis(100));
        backoff.ended(Duration::ZERO, now);
        assert_eq!(backoff.wait(now), Duration::from_millis(200));
    }
}
