//! Ships audit records to a receiver elsewhere as they are written. A use never waits for it.
//!
//! This has a loop of its own: [`Runner`](super::Runner) does work that is due now and then. After a failure it waits
//! longer each time, and it never leaves a record out.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_core::entropy::Entropy as _;
use toolvault_gateway::shipping::{DeliveryError, Receiver};
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{Caller, Lead, SystemEntropy, Unshipped, Vault};

use crate::config::Shipping;
use crate::failure::with_causes;
use crate::store::own_uid;

/// How often to look for new records.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const LONGEST: Duration = Duration::from_mins(1);

pub(super) struct Shipper<'a> {
    pub(super) vault: &'a Vault,
    pub(super) server: &'a ServerHandle,
    pub(super) stop: &'a CancellationToken,
    pub(super) settings: &'a Shipping,
    pub(super) receiver: &'a Receiver,
}

/// Why records were not shipped.
struct Failure {
    why: String,
    /// How long the receiver wants to be left alone.
    retry_after: Option<Duration>,
    /// Whether trying again soon is of no use.
    is_final: bool,
}

impl Shipper<'_> {
    /// Ships until the server stops. What is being sent then is sent again after the next start.
    pub(super) async fn run(&self) {
        let mut lead = self.vault.lead(Job::Ship.name());
        let jobs = self.server.jobs();
        jobs.found(Job::Ship, None);
        let mut failures = 0_u32;
        while !self.stop.is_cancelled() {
            let step = async {
                match self.step(&mut lead).await {
                    Ok(pause) => {
                        if failures > 0 {
                            jobs.succeeded(Job::Ship, self.vault.clock().now());
                        }
                        failures = 0;
                        pause
                    }
                    Err(failure) => {
                        self.failed(&failure.why);
                        failures = if failure.is_final {
                            u32::MAX
                        } else {
                            failures.saturating_add(1)
                        };
                        wait(failures, failure.retry_after, random())
                    }
                }
            };
            let pause = tokio::select! {
                pause = step => pause,
                () = self.stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Ships the oldest records that wait, and returns how long to pause.
    async fn step(&self, lead: &mut Lead) -> Result<Duration, Failure> {
        let jobs = self.server.jobs();
        let counts = jobs.shipping();
        let leads = lead.is_held().await.map_err(|error| Failure::of(&error))?;
        jobs.leads(Job::Ship, leads, lead.holder());
        if !leads {
            counts.waits(0, None);
            return Ok(LOOK_EVERY);
        }
        let caller = Caller::local(own_uid(), None);
        let unshipped = self.vault.unshipped(&caller).await;
        let unshipped = unshipped.map_err(|error| Failure::of(&error))?;
        let oldest = unshipped
            .pages
            .first()
            .and_then(|page| page.records.first());
        counts.waits(unshipped.waiting, oldest.map(|(record, _)| record.at));
        if unshipped.pages.is_empty() {
            return Ok(LOOK_EVERY);
        }
        self.deliver(&caller, unshipped).await?;
        Ok(Duration::ZERO)
    }

    async fn deliver(&self, caller: &Caller, unshipped: Unshipped) -> Result<(), Failure> {
        let headers = self.settings.destination.headers().await;
        let headers = headers.map_err(Failure::of_text)?;
        let now = self.vault.clock().now();
        let (installation, pages) = (self.vault.installation(), &unshipped.pages);
        let delivered = self
            .receiver
            .deliver(installation, pages, &headers, now)
            .await;
        let rejected = delivered.map_err(|error| Failure::of_delivery(&error))?;
        let records: usize = pages.iter().map(|page| page.records.len()).sum();
        let lost = unshipped.lost;
        let noted = self.vault.note_shipped(caller, unshipped).await;
        noted.map_err(|error| Failure::of(&error))?;
        let jobs = self.server.jobs();
        jobs.succeeded(Job::Ship, now);
        jobs.shipping().acknowledged(records as u64, rejected);
        if rejected > 0 {
            self.failed(&format!(
                "the receiver rejected {rejected} records for good; its own log should say why"
            ));
        }
        if lost > 0 {
            self.failed(&format!(
                "{lost} records were pruned before they were shipped"
            ));
        }
        Ok(())
    }

    fn failed(&self, why: &str) {
        tracing::error!(error = why, "audit records were not shipped");
        self.server.jobs().failed(Job::Ship, why);
    }
}

impl Failure {
    fn of(error: &dyn std::error::Error) -> Self {
        Self::of_text(with_causes(error))
    }

    const fn of_text(why: String) -> Self {
        Self {
            why,
            retry_after: None,
            is_final: false,
        }
    }

    fn of_delivery(error: &DeliveryError) -> Self {
        Self {
            why: with_causes(error),
            retry_after: error.retry_after(),
            is_final: error.is_final(),
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
