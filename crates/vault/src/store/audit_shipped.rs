//! Up to where the audit trail was read: for shipping, and for alarms.

use sqlx::FromRow;

use super::transaction::{Tx, on};

/// Who reads the trail, each from a position of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// What ships records to a receiver elsewhere. It begins with the first record.
    Shipping,
    /// What makes alarms of records. It begins with those of the last three days.
    Alarms,
}

/// The position as stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ShippedRow {
    pub(crate) page: i64,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) shipped_at: i64,
    pub(crate) mac: Vec<u8>,
}

pub(crate) async fn find(tx: &mut Tx, reader: Reader) -> sqlx::Result<Option<ShippedRow>> {
    let select = match reader {
        Reader::Shipping => "SELECT page, sequence, hash, shipped_at, mac FROM audit_shipped",
        Reader::Alarms => "SELECT page, sequence, hash, shipped_at, mac FROM audit_alarmed",
    };
    on!(tx, connection => {
        sqlx::query_as(select)
            .fetch_optional(connection)
            .await
    })
}

/// The statement that moves the position in a table.
macro_rules! replace_in {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (only_row, page, sequence, hash, shipped_at, mac) \
             SELECT 1, $2, $3, $4, $5, $6 WHERE $1 = 0 OR EXISTS (SELECT 1 FROM ",
            $table,
            ") ON CONFLICT (only_row) DO UPDATE SET page = excluded.page, sequence = excluded.sequence, \
             hash = excluded.hash, shipped_at = excluded.shipped_at, mac = excluded.mac WHERE ",
            $table,
            ".page = $1"
        )
    };
}

/// Moves the position from this page (0: there is none). Returns false if it is elsewhere.
pub(crate) async fn replace(
    tx: &mut Tx,
    reader: Reader,
    from: i64,
    row: &ShippedRow,
) -> sqlx::Result<bool> {
    let statement = match reader {
        Reader::Shipping => replace_in!("audit_shipped"),
        Reader::Alarms => replace_in!("audit_alarmed"),
    };
    let written = on!(tx, connection => {
        sqlx::query(statement)
        .bind(from)
        .bind(row.page)
        .bind(row.sequence)
        .bind(&row.hash)
        .bind(row.shipped_at)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(written == 1)
}
