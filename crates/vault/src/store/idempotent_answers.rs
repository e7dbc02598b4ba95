//! Answers kept for repeated requests.

use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// An answer, sealed.
pub(crate) struct AnswerRow {
    pub(crate) user_id: UserId,
    pub(crate) key_hash: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: Timestamp,
}

/// Inserts or replaces answers.
pub(crate) fn insert(rows: &[AnswerRow]) -> Statement {
    let times = rows.iter().map(|row| row.created_at.microseconds());
    Statement::new(
        "INSERT INTO idempotent_answers (user_id, key_hash, sealed, created_at) \
         SELECT * FROM given WHERE TRUE ON CONFLICT (user_id, key_hash) \
         DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at",
        rows.len(),
        [
            ("user_id", Column::ids(rows.iter().map(|row| row.user_id.0))),
            (
                "key_hash",
                Column::bytes(rows.iter().map(|row| row.key_hash.clone())),
            ),
            (
                "sealed",
                Column::bytes(rows.iter().map(|row| row.sealed.clone())),
            ),
            ("created_at", Column::Integers(times.collect())),
        ],
    )
}

/// Deletes the answers older than `oldest` to the users of these rows, except those that the rows replace.
pub(crate) fn delete_old(rows: &[AnswerRow], oldest: Timestamp) -> Statement {
    Statement::new(
        "DELETE FROM idempotent_answers WHERE user_id IN (SELECT user_id FROM given) \
         AND created_at < (SELECT MIN(oldest) FROM given) \
         AND key_hash NOT IN (SELECT key_hash FROM given)",
        rows.len(),
        [
            ("user_id", Column::ids(rows.iter().map(|row| row.user_id.0))),
            (
                "key_hash",
                Column::bytes(rows.iter().map(|row| row.key_hash.clone())),
            ),
            (
                "oldest",
                Column::Integers(vec![oldest.microseconds(); rows.len()]),
            ),
        ],
    )
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

/// Replaces sealed answers to a user, each with the hash of its key.
pub(crate) fn save(user: UserId, answers: &[(Vec<u8>, Vec<u8>)]) -> Statement {
    Statement::new(
        "UPDATE idempotent_answers SET sealed = given.sealed FROM given \
         WHERE idempotent_answers.user_id = given.user_id \
         AND idempotent_answers.key_hash = given.key_hash",
        answers.len(),
        [
            ("user_id", Column::ids(answers.iter().map(|_| user.0))),
            (
                "key_hash",
                Column::bytes(answers.iter().map(|(key_hash, _)| key_hash.clone())),
            ),
            (
                "sealed",
                Column::bytes(answers.iter().map(|(_, sealed)| sealed.clone())),
            ),
        ],
    )
}
