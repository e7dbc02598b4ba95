//! Ships audit records to a receiver elsewhere as they are written. A use never waits for it.
//!
//! This has a loop of its own: [`Runner`](super::Runner) does work that is due now and then. It never leaves a record
//! out.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use toolvault_gateway::shipping::Receiver;
use toolvault_server::{Job, ServerHandle};
use toolvault_vault::{Caller, Lead, Reader, Unshipped, Vault};

use super::retry::{Failure, LOOK_EVERY, Retry};
use crate::config::Shipping;
use crate::failure::with_causes;
use crate::store::own_uid;

pub(super) struct Shipper<'a> {
    pub(super) vault: &'a Vault,
    pub(super) server: &'a ServerHandle,
    pub(super) stop: &'a CancellationToken,
    pub(super) settings: &'a Shipping,
    pub(super) receiver: &'a Receiver,
}

impl Shipper<'_> {
    /// Ships until the server stops.
    pub(super) async fn run(&self) {
        let mut lead = self.vault.lead(Job::Ship.name());
        self.retry().run(async || self.step(&mut lead).await).await;
    }

    const fn retry(&self) -> Retry<'_> {
        Retry {
            job: Job::Ship,
            vault: self.vault,
            server: self.server,
            stop: self.stop,
            failed: "audit records were not shipped",
        }
    }

    /// Ships the oldest records that wait, and returns how long to pause.
    async fn step(&self, lead: &mut Lead) -> Result<Duration, Failure> {
        let counts = self.server.jobs().shipping();
        if !self.retry().leads(lead).await? {
            counts.waits(0, None);
            return Ok(LOOK_EVERY);
        }
        let caller = Caller::local(own_uid(), None);
        let unshipped = self.vault.unshipped(&caller, Reader::Shipping).await;
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
        let rejected = delivered.map_err(|error| {
            Failure::of_receiver(with_causes(&error), error.retry_after(), error.is_final())
        })?;
        let records: usize = pages.iter().map(|page| page.records.len()).sum();
        let lost = unshipped.lost;
        let noted = self.vault.note_shipped(caller, unshipped).await;
        noted.map_err(|error| Failure::of(&error))?;
        let jobs = self.server.jobs();
        jobs.succeeded(Job::Ship, now);
        jobs.shipping().acknowledged(records as u64, rejected);
        if rejected > 0 {
            self.retry().failed(&format!(
                "the receiver rejected {rejected} records for good; its own log should say why"
            ));
        }
        if lost > 0 {
            self.retry().failed(&format!(
                "{lost} records were pruned before they were shipped"
            ));
        }
        Ok(())
    }
}
