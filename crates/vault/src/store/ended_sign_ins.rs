//! Sign-in links that were used, and sessions that were ended.

use toolvault_core::identity::SignInId;
use toolvault_core::timestamp::Timestamp;

use super::transaction::{Tx, on};

pub(crate) async fn contains(tx: &mut Tx, id: SignInId) -> sqlx::Result<bool> {
    let found: Option<i64> = on!(tx, connection => {
        sqlx::query_scalar("SELECT expires_at FROM ended_sign_ins WHERE sign_in_id = $1")
            .bind(id.0)
            .fetch_optional(connection)
            .await
    })?;
    Ok(found.is_some())
}

/// Returns false if it is there already.
pub(crate) async fn insert(tx: &mut Tx, id: SignInId, expires_at: Timestamp) -> sqlx::Result<bool> {
    let inserted = on!(tx, connection => {
        sqlx::query(
            "INSERT INTO ended_sign_ins (sign_in_id, expires_at) VALUES ($1, $2) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id.0)
        .bind(expires_at.microseconds())
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(inserted == 1)
}

/// Deletes what has expired by itself.
pub(crate) async fn delete_expired(tx: &mut Tx, now: Timestamp) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM ended_sign_ins WHERE expires_at < $1")
            .bind(now.microseconds())
            .execute(connection)
            .await
            .map(|_| ())
    })
}
