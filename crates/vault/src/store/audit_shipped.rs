//! Up to where the audit trail was shipped.

use sqlx::FromRow;

use super::transaction::{Tx, on};

/// The position as stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ShippedRow {
    pub(crate) page: i64,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) shipped_at: i64,
    pub(crate) mac: Vec<u8>,
}

pub(crate) async fn find(tx: &mut Tx) -> sqlx::Result<Option<ShippedRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT page, sequence, hash, shipped_at, mac FROM audit_shipped")
            .fetch_optional(connection)
            .await
    })
}

/// Moves the position from this page (0: there is none). Returns false if it is elsewhere.
pub(crate) async fn replace(tx: &mut Tx, from: i64, row: &ShippedRow) -> sqlx::Result<bool> {
    let written = on!(tx, connection => {
        sqlx::query(
            "INSERT INTO audit_shipped (only_row, page, sequence, hash, shipped_at, mac) \
             SELECT 1, $2, $3, $4, $5, $6 WHERE $1 = 0 OR EXISTS (SELECT 1 FROM audit_shipped) \
             ON CONFLICT (only_row) DO UPDATE SET page = excluded.page, sequence = excluded.sequence, \
             hash = excluded.hash, shipped_at = excluded.shipped_at, mac = excluded.mac \
             WHERE audit_shipped.page = $1",
        )
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
