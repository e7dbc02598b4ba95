//! The audit trail's pages, epochs and head.

use std::iter::once;

use sqlx::FromRow;
use toolvault_core::audit::epoch::Epoch;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::timestamp::Timestamp;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// The head as stored.
#[derive(Clone, Debug, FromRow)]
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

/// Replaces the head. A signing key that it had before is gone.
pub(crate) fn save_head(row: &HeadRow) -> Statement {
    Statement::new(
        "UPDATE audit_head SET page = given.page, sequence = given.sequence, hash = given.hash, \
         epoch = given.epoch, epoch_began_at = given.epoch_began_at, \
         signing_key = given.signing_key FROM given",
        1,
        [
            ("page", Column::Integers(vec![row.page])),
            ("sequence", Column::Integers(vec![row.sequence])),
            ("hash", Column::bytes(once(row.hash.clone()))),
            ("epoch", Column::Integers(vec![row.epoch])),
            ("epoch_began_at", Column::Integers(vec![row.epoch_began_at])),
            ("signing_key", Column::bytes(once(row.signing_key.clone()))),
        ],
    )
}

pub(crate) fn insert_epochs(epochs: &[Epoch]) -> Statement {
    let integers = |of: fn(&Epoch) -> i64| Column::Integers(epochs.iter().map(of).collect());
    let bytes = |of: fn(&Epoch) -> &Vec<u8>| Column::bytes(epochs.iter().map(of).cloned());
    Statement::new(
        "INSERT INTO audit_epochs (epoch, public_key, first_page, certificate) SELECT * FROM given",
        epochs.len(),
        [
            ("epoch", integers(|epoch| epoch.number)),
            ("public_key", bytes(|epoch| &epoch.public_key)),
            ("first_page", integers(|epoch| epoch.first_page)),
            ("certificate", bytes(|epoch| &epoch.certificate)),
        ],
    )
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

pub(crate) fn insert_pages(pages: &[(Page, Span)]) -> Statement {
    let integers = |of: fn(&Page) -> i64| {
        let numbers = pages.iter().map(|(page, _)| of(page));
        Column::Integers(numbers.collect())
    };
    let bytes =
        |of: fn(&Page) -> &[u8]| Column::bytes(pages.iter().map(|(page, _)| of(page).to_vec()));
    let times = |of: fn(&Span) -> Timestamp| {
        let times = pages.iter().map(|(_, span)| of(span).microseconds());
        Column::Integers(times.collect())
    };
    let records = pages.iter().map(|(page, _)| page.records.clone());
    Statement::new(
        "INSERT INTO audit_pages (page, first_sequence, last_sequence, first_at, last_at, epoch, \
         records, hash, signature) SELECT * FROM given",
        pages.len(),
        [
            ("page", integers(|page| page.number)),
            ("first_sequence", integers(|page| page.first_sequence)),
            ("last_sequence", integers(|page| page.last_sequence)),
            ("first_at", times(|(first, _)| *first)),
            ("last_at", times(|(_, last)| *last)),
            ("epoch", integers(|page| page.epoch)),
            ("records", Column::texts(records)),
            ("hash", bytes(|page| &page.hash)),
            ("signature", bytes(|page| &page.signature)),
        ],
    )
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

/// The newest page whose last record is of a time before `until`, as the table has it.
pub(crate) async fn newest_before(tx: &mut Tx, until: Timestamp) -> sqlx::Result<Option<Page>> {
    let row: Option<PageRow> = on!(tx, connection => {
        sqlx::query_as(
            "SELECT page, first_sequence, last_sequence, first_at, last_at, epoch, records, hash, \
             signature FROM audit_pages WHERE last_at < $1 ORDER BY page DESC LIMIT 1",
        )
        .bind(until.microseconds())
        .fetch_optional(connection)
        .await
    })?;
    Ok(row.map(PageRow::into_page))
}

/// How many bytes the records of each of these pages have.
pub(crate) async fn lengths_after(tx: &mut Tx, page: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT CAST(octet_length(records) AS BIGINT) FROM audit_pages \
             WHERE page > $1 ORDER BY page LIMIT $2",
        )
        .bind(page)
        .bind(limit)
        .fetch_all(connection)
        .await
    })
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
            before: None,
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
