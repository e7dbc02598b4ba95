//! Answers kept for repeated requests.

use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use super::transaction::{Tx, on};

/// The sealed answer to the request with this key, unless it is older than `oldest`.
pub(crate) async fn find(
    tx: &mut Tx,
    user: UserId,
    key_hash: &[u8],
    oldest: Timestamp,
) -> sqlx::Result<Option<Vec<u8>>> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT sealed FROM idempotent_answers \
             WHERE user_id = $1 AND key_hash = $2 AND created_at >= $3",
        )
        .bind(user.0)
        .bind(key_hash)
        .bind(oldest.microseconds())
        .fetch_optional(connection)
        .await
    })
}

/// Saves an answer and deletes those older than `oldest`.
pub(crate) async fn insert(
    tx: &mut Tx,
    user: UserId,
    key_hash: &[u8],
    sealed: &[u8],
    now: Timestamp,
    oldest: Timestamp,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM idempotent_answers WHERE user_id = $1 AND created_at < $2")
            .bind(user.0)
            .bind(oldest.microseconds())
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO idempotent_answers (user_id, key_hash, sealed, created_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(user.0)
        .bind(key_hash)
        .bind(sealed)
        .bind(now.microseconds())
        .execute(connection)
        .await
        .map(|_| ())
    })
}
