//! A job that goes on all the time, and waits longer after each failure.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_core::entropy::Entropy as _;
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{Lead, SystemEntropy, Vault};

use crate::failure::with_causes;

/// How often to look for new records.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const LONGEST: Duration = Duration::from_mins(1);

/// The job, and where it is reported.
pub(super) struct Retry<'a> {
    pub(super) job: Job,
    pub(super) vault: &'a Vault,
    pub(super) server: &'a ServerHandle,
    pub(super) stop: &'a CancellationToken,
    /// What a failure means, for the log.
    pub(super) failed: &'static str,
}

/// Why a step failed.
pub(super) struct Failure {
    why: String,
    /// How long the receiver wants to be left alone.
    retry_after: Option<Duration>,
    /// Whether trying again soon is of no use.
    is_final: bool,
    /// Whether the step did some of its work before it failed.
    has_progressed: bool,
}

impl Retry<'_> {
    /// Does steps until the server stops. Each returns how long to pause. What is being sent then is sent again after
    /// the next start.
    pub(super) async fn run(&self, mut step: impl AsyncFnMut() -> Result<Duration, Failure>) {
        let jobs = self.server.jobs();
        jobs.found(self.job, None);
        let mut failures = 0_u32;
        while !self.stop.is_cancelled() {
            let stepping = async {
                match step().await {
                    Ok(pause) => {
                        if failures > 0 {
                            jobs.succeeded(self.job, self.vault.clock().now());
                        }
                        failures = 0;
                        pause
                    }
                    Err(failure) => {
                        self.failed(&failure.why);
                        failures = failure.follows(failures);
                        wait(failures, failure.retry_after, random())
                    }
                }
            };
            let pause = tokio::select! {
                pause = stepping => pause,
                () = self.stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Whether this server does the job, of those on its database.
    pub(super) async fn leads(&self, lead: &mut Lead) -> Result<bool, Failure> {
        let leads = lead.is_held().await.map_err(|error| Failure::of(&error))?;
        self.server.jobs().leads(self.job, leads, lead.holder());
        Ok(leads)
    }

    pub(super) fn failed(&self, why: &str) {
        tracing::error!(error = why, "{}", self.failed);
        self.server.jobs().failed(self.job, why);
    }
}

impl Failure {
    pub(super) fn of(error: &dyn std::error::Error) -> Self {
        Self::of_text(with_causes(error))
    }

    pub(super) const fn of_text(why: String) -> Self {
        Self {
            why,
            retry_after: None,
            is_final: false,
            has_progressed: false,
        }
    }

    /// One after which the receiver wants to be left alone, or that will not change by itself.
    pub(super) const fn of_receiver(
        why: String,
        retry_after: Option<Duration>,
        is_final: bool,
    ) -> Self {
        Self {
            why,
            retry_after,
            is_final,
            has_progressed: false,
        }
    }

    /// The same of a step that did some of its work before it failed: a receiver that takes a few at a time is not away.
    pub(super) const fn after_progress(mut self, has_progressed: bool) -> Self {
        self.has_progressed = has_progressed;
        self
    }

    /// How many failures there are in a row with this one.
    const fn follows(&self, failures: u32) -> u32 {
        match (self.is_final, self.has_progressed) {
            (true, _) => u32::MAX,
            (false, true) => 1,
            (false, false) => failures.saturating_add(1),
        }
    }
}

/// How long to wait after so many failures: longer each time, at most [`LONGEST`], and a random part of it less, so that
/// several servers do not return to a receiver at once.
fn wait(failures: u32, retry_after: Option<Duration>, random: u8) -> Duration {
    let doubled = LOOK_EVERY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let longest = doubled.min(LONGEST);
    let less = longest.mul_f64(f64::from(random) / 512.0);
    longest
        .saturating_sub(less)
        .max(retry_after.unwrap_or_default().min(LONGEST))
}

fn random() -> u8 {
    let mut byte = [0];
    // Without randomness the wait is the longest one.
    let _ = SystemEntropy.fill(&mut byte);
    let [byte] = byte;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_takes_a_few_at_a_time_is_soon_tried_again() {
        let failure = || Failure::of_receiver("busy".to_owned(), None, false);
        assert_eq!(failure().follows(7), 8);
        assert_eq!(failure().after_progress(false).follows(7), 8);
        assert_eq!(failure().after_progress(true).follows(7), 1);
        let last = Failure::of_receiver("gone".to_owned(), None, true);
        assert_eq!(last.after_progress(true).follows(1), u32::MAX);
    }

    #[test]
    fn waits_double_up_to_a_minute_and_respect_the_receiver() {
        let seconds: Vec<_> = (1..9)
            .map(|failures| wait(failures, None, 0).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(u32::MAX, None, 0), LONGEST);
        for random in 0..=u8::MAX {
            let waited = wait(3, None, random);
            assert!(waited > Duration::from_secs(2) && waited <= Duration::from_secs(4));
        }
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(wait(1, asked(7), 255), Duration::from_secs(7));
        assert_eq!(wait(1, asked(1 << 40), 0), LONGEST);
        assert_eq!(wait(4, asked(7), 0), Duration::from_secs(8));
    }
}
