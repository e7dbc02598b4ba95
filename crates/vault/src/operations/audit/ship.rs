//! Reading the trail as it grows: which records a receiver elsewhere does not have yet, and which of them alarms were
//! not made of.
//!
//! The [`position`] moves after the receiver has acknowledged, so a record may arrive twice but is never left out.

mod position;

use serde::{Deserialize, Serialize};
use toolvault_core::audit::cut::Cut;
use toolvault_core::audit::epoch::Epoch;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::audit::record::Record;
use toolvault_core::identity::InstallationId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};

use self::position::Move;
pub(super) use self::position::Position;
use super::verify::kept::find_ends;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::audit;
use crate::store::audit_shipped;
pub use crate::store::audit_shipped::Reader;
use crate::store::transaction::Tx;
use crate::vault::Vault;

/// The most pages read at once.
const PORTION: i64 = 16;
/// The most bytes of records read at once, unless one page alone has more: one of records with the longest names has 9 MiB.
/// They are in memory a few times, as they are read, checked and sent.
const MOST_BYTES: i64 = 8 << 20;

/// How long an alarm is worth to be sent, in microseconds: three days, so that a weekend does not hide one.
pub const ALARMS_KEPT: i64 = 72 * 3_600 * SECOND;

/// The records of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPage {
    /// Its number.
    pub number: i64,
    /// Its hash, which also covers all pages before it.
    pub hash: [u8; 32],
    /// Its records, oldest first, each with the line of JSON that the hash covers.
    pub records: Vec<(Record, String)>,
}

/// The oldest records that were not shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshipped {
    /// The pages that have them, oldest first. Empty if everything was shipped.
    pub pages: Vec<RecordedPage>,
    /// How many records wait, these included.
    pub waiting: i64,
    /// How many records after the stored position were pruned before they were read. Without a position, shipping
    /// counts all that were pruned, and alarms count none.
    pub lost: i64,
    reader: Reader,
    /// The page of the stored position; 0 if there is none.
    from: i64,
    /// When the position last moved.
    pub last: Option<Timestamp>,
    /// The position after the pages.
    end: Head,
}

impl Unshipped {
    /// The same without its pages, which need much memory: enough to note it.
    #[must_use]
    pub fn without_pages(self) -> Self {
        Self {
            pages: Vec::new(),
            ..self
        }
    }

    /// Whether both begin at the same position, so that the one was not noted when the other was read.
    pub fn begins_like(&self, other: &Self) -> bool {
        (self.reader, self.from, self.last) == (other.reader, other.from, other.last)
    }
}

/// How far shipping is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingStatus {
    /// How many records wait.
    pub waiting: i64,
    /// The time of the oldest of them, as the database has it.
    pub oldest: Option<Timestamp>,
    /// When the receiver last acknowledged records.
    pub last: Option<Timestamp>,
    /// Whether the position is not as this store left it, so that nothing more is shipped.
    pub is_changed: bool,
}

impl Vault {
    /// The oldest records that the reader has not noted. Needs `admin`.
    ///
    /// The pages are the ones that follow those that were noted, and are signed. Otherwise, or if the stored position
    /// is not as this vault stored it, the error is [`Error::Integrity`].
    pub async fn unshipped(&self, caller: &Caller, reader: Reader) -> Result<Unshipped, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let (start, end) = self.find_span(&mut tx, reader).await?;
            let lengths = audit::lengths_after(&mut tx, start.head.page, PORTION).await?;
            let count = pages_within(&lengths, MOST_BYTES);
            let pages = audit::pages_after(&mut tx, start.head.page, count).await?;
            let pages: Vec<_> = pages.into_iter().map(|(page, _)| page).collect();
            let mut signers: Vec<Epoch> = Vec::new();
            for page in &pages {
                if signers.last().map(|signer| signer.number) != Some(page.epoch) {
                    let signer = audit::find_epoch(&mut tx, page.epoch).await?;
                    signers.push(signer.ok_or(Error::Integrity)?);
                }
            }
            Ok((start, end, pages, signers))
        };
        let (start, end, pages, signers) = self.in_time(reading).await?;
        if pages.is_empty() && end != start.head {
            return Err(Error::Integrity);
        }
        let installation = self.installation();
        let first = start.head.clone();
        let checking =
            tokio::task::spawn_blocking(move || check(installation, first, pages, &signers));
        let (pages, after) = checking.await.map_err(Error::internal)??;
        Ok(Unshipped {
            pages,
            waiting: end.sequence.max(after.sequence) - start.head.sequence,
            lost: start.lost,
            reader,
            from: start.from,
            last: start.last,
            end: after,
        })
    }

    /// Notes that these records are done with. Needs `admin`.
    ///
    /// Fails if another process noted it meanwhile.
    pub async fn note_shipped(&self, caller: &Caller, shipped: Unshipped) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let position = Position {
            head: shipped.end,
            shipped_at: self.shared.clock.now(),
        };
        let change = Move {
            reader: shipped.reader,
            from: shipped.from,
            row: position.row(&self.shared.keyring, shipped.reader),
        };
        self.writer.change(change).await
    }

    /// Notes all records as done with, whatever state the trail and the position are in. Needs `admin`.
    ///
    /// Nothing that was written before is read by this reader any more.
    pub async fn note_all(&self, caller: &Caller, reader: Reader) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let row = audit_shipped::find(&mut tx, reader).await?;
            let head = audit::find_head(&mut tx).await?;
            Ok((row, head.and_then(|head| head.head())))
        };
        let (row, head) = self.in_time(reading).await?;
        let position = Position {
            head: head.ok_or(Error::Integrity)?,
            shipped_at: self.shared.clock.now(),
        };
        let change = Move {
            reader,
            from: row.map_or(0, |row| row.page),
            row: position.row(&self.shared.keyring, reader),
        };
        self.writer.change(change).await
    }

    /// How far shipping is, if records are shipped.
    pub(crate) async fn shipping_status(
        &self,
        tx: &mut Tx,
    ) -> Result<Option<ShippingStatus>, Error> {
        if !self.shared.settings.ships_audit {
            return Ok(None);
        }
        let (start, end) = match self.find_span(tx, Reader::Shipping).await {
            Err(Error::Integrity) => {
                return Ok(Some(ShippingStatus {
                    is_changed: true,
                    ..ShippingStatus::default()
                }));
            }
            found => found?,
        };
        let next = audit::pages_after(tx, start.head.page, 1).await?;
        Ok(Some(ShippingStatus {
            waiting: end.sequence - start.head.sequence,
            oldest: next.first().map(|(_, (first, _))| *first),
            last: start.last,
            is_changed: false,
        }))
    }
}

/// Where the records begin that were not noted.
struct Start {
    head: Head,
    from: i64,
    lost: i64,
    last: Option<Timestamp>,
}

impl Vault {
    /// Where they begin and end. A position after the end is of a trail that was put back to an earlier state.
    async fn find_span(&self, tx: &mut Tx, reader: Reader) -> Result<(Start, Head), Error> {
        let keyring = &self.shared.keyring;
        let position = Position::find(tx, keyring, reader).await?;
        let (head, cut) = find_ends(tx, keyring).await?;
        let end = head.head().ok_or(Error::Integrity)?;
        let begin = match (&position, reader) {
            (None, Reader::Alarms) => {
                let recent = self.recent(tx).await?;
                // What was pruned before it was first read is not lost.
                let pruned = cut.as_ref().map(|cut| cut.head.clone());
                pruned
                    .filter(|pruned| pruned.page > recent.page)
                    .unwrap_or(recent)
            }
            _ => Head::EMPTY,
        };
        let start = Start::after(position, begin, cut);
        if start.head.page > end.page || start.head.sequence > end.sequence {
            return Err(Error::Integrity);
        }
        Ok((start, end))
    }

    /// After the newest page whose records are all too old for an alarm.
    ///
    /// The database says which page that is. The page itself is signed, so its own times are believed: who deletes the
    /// position has alarms sent twice, but none left out.
    async fn recent(&self, tx: &mut Tx) -> Result<Head, Error> {
        let until = self.shared.clock.now().plus(-ALARMS_KEPT);
        let Some(page) = audit::newest_before(tx, until).await? else {
            return Ok(Head::EMPTY);
        };
        let signer = audit::find_epoch(tx, page.epoch).await?;
        let signer = signer.ok_or(Error::Integrity)?;
        let records = page.read_records().map_err(|_| Error::Integrity)?;
        let is_old = records.iter().all(|record| record.at < until);
        if is_old && page.is_signed(self.installation(), &signer.public_key) {
            Ok(page.head())
        } else {
            Err(Error::Integrity)
        }
    }
}

impl Start {
    fn after(position: Option<Position>, begin: Head, cut: Option<Cut>) -> Self {
        let shipped_at = position.as_ref().map(|position| position.shipped_at);
        let from = position.as_ref().map_or(0, |position| position.head.page);
        let shipped = position.map_or(begin, |position| position.head);
        let cut = cut.map_or(Head::EMPTY, |cut| cut.head);
        let lost = (cut.sequence - shipped.sequence).max(0);
        let head = if cut.page > shipped.page {
            cut
        } else {
            shipped
        };
        Self {
            head,
            from,
            lost,
            last: shipped_at,
        }
    }
}

/// The records of the pages, if they follow the position and are signed; and the position after them.
fn check(
    installation: InstallationId,
    mut head: Head,
    pages: Vec<Page>,
    signers: &[Epoch],
) -> Result<(Vec<RecordedPage>, Head), Error> {
    let mut checked = Vec::with_capacity(pages.len());
    for page in pages {
        let signer = signers.iter().find(|signer| signer.number == page.epoch);
        let is_signed =
            signer.is_some_and(|signer| page.is_signed(installation, &signer.public_key));
        if !is_signed || !page.follows(installation, &head) {
            return Err(Error::Integrity);
        }
        head = page.head();
        let records = page.read_records().map_err(|_| Error::Integrity)?;
        let lines = page.records.lines().map(str::to_owned);
        checked.push(RecordedPage {
            number: page.number,
            hash: page.hash,
            records: records.into_iter().zip(lines).collect(),
        });
    }
    Ok((checked, head))
}

/// How many of the pages with these lengths have at most so many bytes together; the first one always counts.
fn pages_within(lengths: &[i64], most: i64) -> i64 {
    let sums = lengths.iter().scan(0_i64, |sum, length| {
        *sum = sum.saturating_add(*length);
        Some(*sum)
    });
    let count = sums.take_while(|sum| *sum <= most).count();
    i64::try_from(count.max(1)).unwrap_or(PORTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_up_to_the_most_bytes_and_at_least_one() {
        for (lengths, count) in [
            (vec![], 1),
            (vec![11], 1),
            (vec![4, 6, 1], 2),
            (vec![4, 7], 1),
            (vec![1; 16], 10),
            (vec![i64::MAX, i64::MAX], 1),
        ] {
            assert_eq!(pages_within(&lengths, 10), count, "{lengths:?}");
        }
    }
}
