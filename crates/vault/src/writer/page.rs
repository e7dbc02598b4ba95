//! Writes the records of a group as the next pages of the audit trail.

use std::sync::Arc;

use toolvault_core::audit::epoch::Signer;
use toolvault_core::audit::page::{Head, Page, span};
use toolvault_core::audit::record::Record;
use toolvault_core::entropy::Entropy;
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::error::Error;
use crate::shared::Shared;
use crate::store::audit::{self, HeadRow};
use crate::store::transaction::Tx;

/// A new signing key begins after each page whose number is a multiple of this.
const EPOCH_PAGES: i64 = 1_024;
/// How long a signing key signs, in microseconds.
const EPOCH_DURATION: i64 = 600 * SECOND;

/// How many records one page has at most. A reader of the trail loads whole pages.
const PAGE_RECORDS: usize = 512;

/// Appends pages with all `records`, and returns the number of the last one. It locks the chain as late as possible, as
/// the last lock before the commit.
pub(crate) async fn append(
    shared: &Shared,
    tx: &mut Tx,
    records: &mut [Record],
) -> Result<i64, Error> {
    let row = audit::lock_head(tx).await?.ok_or(Error::Integrity)?;
    let signer = shared.signer(&row)?;
    let press = Press {
        keyring: &shared.keyring,
        entropy: shared.entropy.as_ref(),
        now: shared.clock.now(),
    };
    press.append(tx, &row, signer, records).await
}

/// What the next pages are made with.
pub(crate) struct Press<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) now: Timestamp,
}

impl Press<'_> {
    /// Appends pages after the locked head `row`, whose epoch has this signer.
    pub(crate) async fn append(
        &self,
        tx: &mut Tx,
        row: &HeadRow,
        mut signer: Arc<Signer>,
        records: &mut [Record],
    ) -> Result<i64, Error> {
        let mut head = row.head().ok_or(Error::Integrity)?;
        let installation = self.keyring.installation();
        let began_at = Timestamp::from_microseconds(row.epoch_began_at);
        let mut is_over = self.now.since(began_at) >= EPOCH_DURATION;
        for records in records.chunks_mut(PAGE_RECORDS) {
            if is_over || (head.page > 0 && head.page % EPOCH_PAGES == 0) {
                // Not cached, because this transaction may still fail: the next group opens it from the committed head.
                signer = Arc::new(self.begin_epoch(tx, &signer, &head).await?);
                is_over = false;
            }
            let page = Page::append(installation, &head, signer.number, signer.pair(), records)
                .map_err(Error::internal)?;
            let (first_at, last_at) = span(records).unwrap_or((self.now, self.now));
            audit::insert_page(tx, &page, first_at, last_at).await?;
            head = page.head();
        }
        audit::save_head(tx, &head).await?;
        Ok(head.page)
    }

    /// Replaces the signing key after the page at `head`.
    async fn begin_epoch(
        &self,
        tx: &mut Tx,
        signer: &Signer,
        head: &Head,
    ) -> Result<Signer, Error> {
        let installation = self.keyring.installation();
        let wrap = self.keyring.audit();
        let next = Signer::begin(installation, wrap, Some(signer), head, self.entropy)?;
        audit::insert_epoch(tx, &next.epoch).await?;
        audit::save_signing_key(tx, next.epoch.number, self.now, &next.wrapped).await?;
        Ok(next.signer)
    }
}
