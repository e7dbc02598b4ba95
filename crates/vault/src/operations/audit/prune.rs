//! `audit prune`: deletes the oldest pages of the trail, so that the rest still verifies from the first public key.
//!
//! The trail is verified first: times that are not signed must not decide what is deleted. Then the pages go in steps,
//! a transaction each, which also moves the cut, saves what is kept of the pages, and records the cut in the trail.

mod step;

use serde::{Deserialize, Serialize};
use toolvault_core::audit::page::Head;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};

use self::step::Pruner;
use super::ship::{Position, Reader};
use super::verify::Progress;
use super::verify::trail::{Trail, Verified};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::transaction::Tx;
use crate::store::{audit, dialect};
use crate::vault::Vault;

/// The records of the last day stay, in microseconds.
const SHORTEST: i64 = 24 * 3_600 * SECOND;
/// How many pages one step deletes at most. The other changes wait for it.
const STEP_PAGES: i64 = 1_024;
/// Fewer are, if they have so many bytes.
const STEP_BYTES: usize = 8 << 20;

/// What was pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// How many pages were deleted.
    pub pages: i64,
    /// How many records they had.
    pub records: i64,
    /// Whether pages that are old enough stay because they were not shipped yet.
    #[serde(default)]
    pub waits_for_shipping: bool,
}

impl Vault {
    /// Deletes the pages of the trail at its beginning in which every record is older than `before`, which is at least
    /// a day ago. Needs `admin`.
    ///
    /// If it is stopped, the steps that were done stay done, and the next call goes on.
    pub async fn prune_audit(&self, caller: &Caller, before: Timestamp) -> Result<Pruned, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        if before > self.shared.clock.now().plus(-SHORTEST) {
            let message = "The records of the last day cannot be pruned. Name an earlier time.";
            return Err(Error::invalid("too_recent", &["body", "before"], message));
        }
        self.fold().await;
        let pruned = self.prune(caller, before).await;
        self.note_refusal(caller, pruned).await
    }

    async fn prune(&self, caller: &Caller, before: Timestamp) -> Result<Pruned, Error> {
        let mut done = Pruned::default();
        let Some((mut pruner, plan)) = self.plan_prune(caller, before).await? else {
            return Ok(done);
        };
        done.waits_for_shipping = plan.waits_for_shipping;
        let steps = plan.steps;
        let start = pruner.start().page;
        let of = steps.last().map_or(0, |last| last.page - start);
        for to in steps {
            let from = pruner.start().clone();
            pruner = pruner.step(self, to).await?;
            done.pages += pruner.start().page - from.page;
            done.records += pruner.start().sequence - from.sequence;
            *self.shared.verifying.lock() = Progress {
                pages: done.pages,
                of,
            };
        }
        Ok(done)
    }

    /// Verifies the trail. Returns what to prune; `None` if no page is old enough.
    async fn plan_prune(
        &self,
        caller: &Caller,
        before: Timestamp,
    ) -> Result<Option<(Pruner, Plan)>, Error> {
        let mut tx = self.shared.database.read().await?;
        dialect::take_time(&mut tx).await?;
        let oldest = audit::pages_after(&mut tx, i64::MIN, 1).await?;
        if oldest.iter().all(|(_, (_, last))| *last >= before) {
            return Ok(None);
        }
        let head = audit::find_head(&mut tx).await?.ok_or(Error::Integrity)?;
        let journal = self.shared.journal.as_ref();
        let needed = journal.and_then(|journal| journal.needs_after());
        let mut plan = Plan {
            before,
            // A trail has at least one page, and a start reads pages for what the journal has.
            last: needed.unwrap_or(i64::MAX).min(head.page - 1),
            shipped: self.shipped_page(&mut tx).await?,
            waits_for_shipping: false,
            steps: Vec::new(),
            pages: 0,
            bytes: 0,
            is_over: false,
        };
        let pruner = Pruner::new(self, caller, &mut tx).await?;
        let trail = Trail {
            first_key: None,
            checkpoints: Vec::new(),
            see: &mut |page| plan.see(page),
        };
        let (verification, _) = self.verify_trail(&mut tx, trail).await?;
        if !verification.faults.is_empty() {
            tracing::error!(
                "the audit trail is not sound, so it is not pruned; run toolvault audit verify"
            );
            return Err(Error::Integrity);
        }
        Ok(Some((pruner, plan)))
    }

    /// The last page that may go because it was shipped.
    async fn shipped_page(&self, tx: &mut Tx) -> Result<i64, Error> {
        if !self.shared.settings.ships_audit {
            return Ok(i64::MAX);
        }
        let position = Position::find(tx, &self.shared.keyring, Reader::Shipping).await?;
        Ok(position.map_or(0, |position| position.head.page))
    }
}

/// Which pages go, and in which steps.
struct Plan {
    before: Timestamp,
    /// The last page that may go.
    last: i64,
    /// The last page that was shipped.
    shipped: i64,
    /// Whether a page would go that was not shipped.
    waits_for_shipping: bool,
    /// The position after each step.
    steps: Vec<Head>,
    /// How many pages and bytes the last step has.
    pages: i64,
    bytes: usize,
    /// Whether a page was seen that stays.
    is_over: bool,
}

impl Plan {
    fn see(&mut self, page: &Verified) {
        let (_, newest) = page.span;
        self.is_over |= newest >= self.before || page.head.page > self.last;
        if !self.is_over && page.head.page > self.shipped {
            self.waits_for_shipping = true;
            self.is_over = true;
        }
        if self.is_over {
            return;
        }
        let is_full = self.pages == STEP_PAGES || self.bytes + page.bytes > STEP_BYTES;
        if self.pages > 0 && !is_full {
            self.steps.pop();
        } else {
            (self.pages, self.bytes) = (0, 0);
        }
        self.steps.push(page.head.clone());
        self.pages += 1;
        self.bytes += page.bytes;
    }
}
