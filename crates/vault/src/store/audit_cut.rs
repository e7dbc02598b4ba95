//! Where the audit trail begins after a prune, and what is kept of the pages before.

use std::collections::BTreeMap;

use sqlx::FromRow;
use toolvault_core::audit::page::Head;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// The cut as stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct CutRow {
    pub(crate) page: i64,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) kept: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

pub(crate) async fn find(tx: &mut Tx) -> sqlx::Result<Option<CutRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT page, sequence, hash, kept, mac FROM audit_cut")
            .fetch_optional(connection)
            .await
    })
}

/// Moves the cut from this page (0: there is none). Returns false if it is elsewhere.
pub(crate) async fn replace(tx: &mut Tx, from: i64, row: &CutRow) -> sqlx::Result<bool> {
    let removed = on!(tx, connection => {
        sqlx::query("DELETE FROM audit_cut WHERE page = $1")
            .bind(from)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    if removed == 0 && from > 0 {
        return Ok(false);
    }
    let inserted = on!(tx, connection => {
        sqlx::query(
            "INSERT INTO audit_cut (only_row, page, sequence, hash, kept, mac) \
             VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (only_row) DO NOTHING",
        )
        .bind(row.page)
        .bind(row.sequence)
        .bind(&row.hash)
        .bind(&row.kept)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(inserted == 1)
}

/// Deletes the pages up to this one, and returns how many there were.
pub(crate) async fn delete_pages(tx: &mut Tx, page: i64) -> sqlx::Result<u64> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM audit_pages WHERE page <= $1")
            .bind(page)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })
}

/// All that is kept of the pruned pages, by object.
pub(crate) async fn list_kept(tx: &mut Tx) -> sqlx::Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = on!(tx, connection => {
        sqlx::query_as("SELECT object, content FROM audit_kept").fetch_all(connection).await
    })?;
    Ok(rows.into_iter().collect())
}

pub(crate) fn save_kept(contents: &[(String, String)]) -> Statement {
    let column =
        |of: fn(&(String, String)) -> &String| Column::texts(contents.iter().map(of).cloned());
    Statement::new(
        "INSERT INTO audit_kept (object, content) SELECT * FROM given WHERE true \
         ON CONFLICT (object) DO UPDATE SET content = excluded.content",
        contents.len(),
        [
            ("object", column(|(object, _)| object)),
            ("content", column(|(_, content)| content)),
        ],
    )
}

pub(crate) fn delete_kept(objects: Vec<String>) -> Statement {
    Statement::new(
        "DELETE FROM audit_kept WHERE object IN (SELECT object FROM given)",
        objects.len(),
        [("object", Column::texts(objects.into_iter()))],
    )
}

impl CutRow {
    pub(crate) fn head(&self) -> Option<Head> {
        let hash = self.hash.as_slice().try_into().ok()?;
        Some(Head {
            page: self.page,
            sequence: self.sequence,
            hash,
        })
    }
}
