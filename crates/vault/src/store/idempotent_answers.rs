//! Answers kept for repeated requests.

use sqlx::QueryBuilder;
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

/// Up to `limit` answers to a user that are sealed with another key than `key`, the four bytes in their headers.
pub(crate) async fn list_others(
    tx: &mut Tx,
    user: UserId,
    key: [u8; 4],
    limit: i64,
) -> sqlx::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT key_hash, sealed FROM idempotent_answers \
             WHERE user_id = $1 AND substr(sealed, 3, 4) <> $2 ORDER BY key_hash LIMIT $3",
        )
        .bind(user.0)
        .bind(key.as_slice())
        .bind(limit)
        .fetch_all(connection)
        .await
    })
}

/// Replaces sealed answers, each with the hash of its key.
pub(crate) async fn save(
    tx: &mut Tx,
    user: UserId,
    answers: &[(Vec<u8>, Vec<u8>)],
) -> sqlx::Result<()> {
    if answers.is_empty() {
        return Ok(());
    }
    on!(tx, connection => {
        let mut query = QueryBuilder::new(
            "UPDATE idempotent_answers SET sealed = changed.column2 FROM (",
        );
        query.push_values(answers, |mut row, (key_hash, sealed)| {
            row.push_bind(key_hash.clone()).push_bind(sealed.clone());
        });
        query.push(
            ") AS changed WHERE idempotent_answers.key_hash = changed.column1 \
             AND idempotent_answers.user_id = ",
        );
        query.push_bind(user.0);
        query.build().persistent(false).execute(connection).await.map(|_| ())
    })
}
