//! Writes the records of a group as the next page of the audit trail.

use std::sync::Arc;

use toolvault_core::audit::epoch::Signer;
use toolvault_core::audit::page::Page;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::error::Error;
use crate::shared::Shared;
use crate::store::audit::{self, HeadRow};
use crate::store::transaction::Tx;

/// A new signing key begins after each page whose number is a multiple of this.
const EPOCH_PAGES: i64 = 1_024;
/// How long a signing key signs, in microseconds.
const EPOCH_DURATION: i64 = 600 * SECOND;

/// Appends one page with all `records`. It locks the chain as late as possible, as the last lock before the commit.
pub(crate) async fn append(
    shared: &Shared,
    tx: &mut Tx,
    records: &mut [Record],
) -> Result<(), Error> {
    let row = audit::lock_head(tx).await?.ok_or(Error::Integrity)?;
    let head = row.head().ok_or(Error::Integrity)?;
    let signer = shared.signer(&row)?;
    let now = shared.clock.now();
    let signer = if is_over(&row, now) {
        let next = Signer::begin(
            shared.keyring.installation(),
            shared.keyring.audit(),
            Some(&signer),
            &head,
            shared.entropy.as_ref(),
        )?;
        audit::insert_epoch(tx, &next.epoch).await?;
        audit::save_signing_key(tx, next.epoch.number, now, &next.wrapped).await?;
        // Not cached, because this transaction may still fail: the next page opens it from the committed head.
        Arc::new(next.signer)
    } else {
        signer
    };
    let page = Page::append(
        shared.keyring.installation(),
        &head,
        signer.number,
        signer.pair(),
        records,
    )
    .map_err(Error::internal)?;
    let moments = || records.iter().map(|record| record.at);
    let first_at = moments().min().unwrap_or(now);
    let last_at = moments().max().unwrap_or(now);
    audit::insert_page(tx, &page, first_at, last_at).await?;
    audit::save_head(tx, &page.head()).await?;
    Ok(())
}

/// Depends only on the stored row and the time, so that every process decides alike.
fn is_over(row: &HeadRow, now: Timestamp) -> bool {
    let began_at = Timestamp::from_microseconds(row.epoch_began_at);
    now.since(began_at) >= EPOCH_DURATION || (row.page > 0 && row.page % EPOCH_PAGES == 0)
}
