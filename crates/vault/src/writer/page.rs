//! Writes the records of a group as the next pages of the audit trail.

use std::sync::Arc;

use toolvault_core::audit::epoch::{NewEpoch, Signer};
use toolvault_core::audit::page::{Head, Page, span};
use toolvault_core::audit::record::Record;
use toolvault_core::entropy::Entropy;
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::{SECOND, Timestamp};

use crate::error::Error;
use crate::shared::Shared;
use crate::store::audit::{self, HeadRow};
use crate::store::given::Statement;

/// A new signing key begins after each page whose number is a multiple of this.
const EPOCH_PAGES: i64 = 1_024;
/// How long a signing key signs, in microseconds.
const EPOCH_DURATION: i64 = 600 * SECOND;

/// How many records one page has at most. A reader of the trail loads whole pages.
const PAGE_RECORDS: usize = 512;

/// The statements that append pages with all `records` after the locked head `row`, and the number of the last page.
pub(crate) fn press(
    shared: &Shared,
    row: HeadRow,
    records: &mut [Record],
) -> Result<(Vec<Statement>, i64), Error> {
    let signer = shared.signer(&row)?;
    let press = Press {
        keyring: &shared.keyring,
        entropy: shared.entropy.as_ref(),
        now: shared.clock.now(),
    };
    press.run(row, signer, records)
}

/// What the next pages are made with.
pub(crate) struct Press<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) now: Timestamp,
}

impl Press<'_> {
    /// As [`press`], if the epoch of the head has this signer.
    pub(crate) fn run(
        &self,
        mut row: HeadRow,
        mut signer: Arc<Signer>,
        records: &mut [Record],
    ) -> Result<(Vec<Statement>, i64), Error> {
        let mut head = row.head().ok_or(Error::Integrity)?;
        let installation = self.keyring.installation();
        let began_at = Timestamp::from_microseconds(row.epoch_began_at);
        let mut is_over = self.now.since(began_at) >= EPOCH_DURATION;
        let (mut pages, mut epochs) = (Vec::new(), Vec::new());
        for records in records.chunks_mut(PAGE_RECORDS) {
            if is_over || (head.page > 0 && head.page % EPOCH_PAGES == 0) {
                let next = self.begin_epoch(&signer, &head)?;
                row.epoch = next.epoch.number;
                row.epoch_began_at = self.now.microseconds();
                row.signing_key = next.wrapped;
                epochs.push(next.epoch);
                // Not cached, because this transaction may still fail: the next group opens it from the committed head.
                signer = Arc::new(next.signer);
                is_over = false;
            }
            let page = Page::append(installation, &head, signer.number, signer.pair(), records)
                .map_err(Error::internal)?;
            head = page.head();
            pages.push((page, span(records).unwrap_or((self.now, self.now))));
        }
        row.page = head.page;
        row.sequence = head.sequence;
        row.hash = head.hash.to_vec();
        let statements = vec![
            audit::insert_epochs(&epochs),
            audit::insert_pages(&pages),
            audit::save_head(&row),
        ];
        Ok((statements, head.page))
    }

    /// The successor of the signing key after the page at `head`.
    fn begin_epoch(&self, signer: &Signer, head: &Head) -> Result<NewEpoch, Error> {
        let (installation, wrap) = (self.keyring.installation(), self.keyring.audit());
        Ok(Signer::begin(
            installation,
            wrap,
            Some(signer),
            head,
            self.entropy,
        )?)
    }
}
