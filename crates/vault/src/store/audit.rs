//! The audit trail's pages, epochs and head.

use sqlx::FromRow;
use toolvault_core::audit::epoch::Epoch;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::timestamp::Timestamp;

use super::transaction::{Tx, on};

/// The head as stored.
#[derive(Debug, FromRow)]
pub(crate) struct HeadRow {
    pub(crate) page: i64,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) epoch: i64,
    pub(crate) epoch_began_at: i64,
    pub(crate) signing_key: Vec<u8>,
}

#[derive(FromRow)]
struct PageRow {
    page: i64,
    first_sequence: i64,
    last_sequence: i64,
    first_at: i64,
    last_at: i64,
    epoch: i64,
    records: String,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(FromRow)]
struct EpochRow {
    epoch: i64,
    public_key: Vec<u8>,
    first_page: i64,
    certificate: Vec<u8>,
}

impl HeadRow {
    /// The position; `None` if the stored hash has a wrong length.
    pub(crate) fn head(&self) -> Option<Head> {
        let hash = self.hash.as_slice().try_into().ok()?;
        Some(Head {
            page: self.page,
            sequence: self.sequence,
            hash,
        })
    }
}

/// Locks the chain until the transaction ends.
pub(crate) async fn lock_head(tx: &mut Tx) -> sqlx::Result<Option<HeadRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "UPDATE audit_head SET page = page + 1 WHERE only_row = 1 RETURNING page - 1 AS page, \
             sequence, hash, epoch, epoch_began_at, signing_key",
        )
        .fetch_optional(connection)
        .await
    })
}

pub(crate) async fn find_head(tx: &mut Tx) -> sqlx::Result<Option<HeadRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT page, sequence, hash, epoch, epoch_began_at, signing_key FROM audit_head",
        )
        .fetch_optional(connection)
        .await
    })
}

pub(crate) async fn insert_head(tx: &mut Tx, row: &HeadRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO audit_head (only_row, page, sequence, hash, epoch, epoch_began_at, \
             signing_key) VALUES (1, $1, $2, $3, $4, $5, $6)",
        )
        .bind(row.page)
        .bind(row.sequence)
        .bind(&row.hash)
        .bind(row.epoch)
        .bind(row.epoch_began_at)
        .bind(&row.signing_key)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Moves the head to a page that was just appended.
pub(crate) async fn save_head(tx: &mut Tx, head: &Head) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE audit_head SET page = $1, sequence = $2, hash = $3")
            .bind(head.page)
            .bind(head.sequence)
            .bind(head.hash.as_slice())
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Replaces the signing key by its successor; the old one is gone.
pub(crate) async fn save_signing_key(
    tx: &mut Tx,
    epoch: i64,
    began_at: Timestamp,
    signing_key: &[u8],
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE audit_head SET epoch = $1, epoch_began_at = $2, signing_key = $3")
            .bind(epoch)
            .bind(began_at.microseconds())
            .bind(signing_key)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

pub(crate) async fn insert_epoch(tx: &mut Tx, epoch: &Epoch) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO audit_epochs (epoch, public_key, first_page, certificate) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(epoch.number)
        .bind(&epoch.public_key)
        .bind(epoch.first_page)
        .bind(&epoch.certificate)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Every epoch, oldest first.
pub(crate) async fn list_epochs(tx: &mut Tx) -> sqlx::Result<Vec<Epoch>> {
    let rows: Vec<EpochRow> = on!(tx, connection => {
        sqlx::query_as("SELECT * FROM audit_epochs ORDER BY epoch").fetch_all(connection).await
    })?;
    Ok(rows.into_iter().map(EpochRow::into_epoch).collect())
}

pub(crate) async fn find_epoch(tx: &mut Tx, number: i64) -> sqlx::Result<Option<Epoch>> {
    let row: Option<EpochRow> = on!(tx, connection => {
        sqlx::query_as("SELECT * FROM audit_epochs WHERE epoch = $1")
            .bind(number)
            .fetch_optional(connection)
            .await
    })?;
    Ok(row.map(EpochRow::into_epoch))
}

pub(crate) async fn insert_page(
    tx: &mut Tx,
    page: &Page,
    first_at: Timestamp,
    last_at: Timestamp,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO audit_pages (page, first_sequence, last_sequence, first_at, last_at, \
             epoch, records, hash, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(page.number)
        .bind(page.first_sequence)
        .bind(page.last_sequence)
        .bind(first_at.microseconds())
        .bind(last_at.microseconds())
        .bind(page.epoch)
        .bind(&page.records)
        .bind(page.hash.as_slice())
        .bind(&page.signature)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Pages after `page`, oldest first, with the times of their first and last record as the table has them.
pub(crate) async fn pages_after(
    tx: &mut Tx,
    page: i64,
    limit: i64,
) -> sqlx::Result<Vec<(Page, Span)>> {
    let rows: Vec<PageRow> = on!(tx, connection => {
        sqlx::query_as(
            "SELECT page, first_sequence, last_sequence, first_at, last_at, epoch, records, hash, \
             signature FROM audit_pages WHERE page > $1 ORDER BY page LIMIT $2",
        )
        .bind(page)
        .bind(limit)
        .fetch_all(connection)
        .await
    })?;
    Ok(rows
        .into_iter()
        .map(|row| (row.span(), row.into_page()))
        .map(|(span, page)| (page, span))
        .collect())
}

/// Pages with records before `sequence` and within the times, newest first.
pub(crate) async fn pages_before(
    tx: &mut Tx,
    sequence: i64,
    since: Timestamp,
    until: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<Page>> {
    let rows: Vec<PageRow> = on!(tx, connection => {
        sqlx::query_as(
            "SELECT page, first_sequence, last_sequence, first_at, last_at, epoch, records, hash, \
             signature FROM audit_pages WHERE first_sequence < $1 AND last_at >= $2 AND first_at <= $3 \
             ORDER BY first_sequence DESC LIMIT $4",
        )
        .bind(sequence)
        .bind(since.microseconds())
        .bind(until.microseconds())
        .bind(limit)
        .fetch_all(connection)
        .await
    })?;
    Ok(rows.into_iter().map(PageRow::into_page).collect())
}

/// The times of a page's first and last record.
pub(crate) type Span = (Timestamp, Timestamp);

impl EpochRow {
    fn into_epoch(self) -> Epoch {
        Epoch {
            number: self.epoch,
            public_key: self.public_key,
            first_page: self.first_page,
            certificate: self.certificate,
        }
    }
}

impl PageRow {
    fn span(&self) -> Span {
        let [first, last] = [self.first_at, self.last_at].map(Timestamp::from_microseconds);
        (first, last)
    }

    fn into_page(self) -> Page {
        Page {
            number: self.page,
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence,
            epoch: self.epoch,
            records: self.records,
            // A hash of another length cannot be right; zeros make verification report it.
            hash: self.hash.as_slice().try_into().unwrap_or([0; 32]),
            signature: self.signature,
        }
    }
}
