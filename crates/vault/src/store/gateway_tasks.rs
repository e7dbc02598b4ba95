//! Tasks that callers began at tool servers.

use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use super::transaction::{Tx, on};

/// The sealed name of the tool that began the task, if it is known.
pub(crate) async fn find(tx: &mut Tx, task: &[u8; 32]) -> sqlx::Result<Option<Vec<u8>>> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT sealed FROM gateway_tasks WHERE task = $1")
            .bind(task.as_slice())
            .fetch_optional(connection)
            .await
    })
}

pub(crate) async fn save(
    tx: &mut Tx,
    task: &[u8; 32],
    user: UserId,
    sealed: &[u8],
    at: Timestamp,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO gateway_tasks (task, user_id, sealed, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (task) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at",
        )
        .bind(task.as_slice())
        .bind(user.0)
        .bind(sealed)
        .bind(at.microseconds())
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Deletes those of a user that are older than `oldest`, and those before their newest `most`.
pub(crate) async fn delete_old(
    tx: &mut Tx,
    user: UserId,
    oldest: Timestamp,
    most: i64,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "DELETE FROM gateway_tasks WHERE user_id = $1 AND (created_at < $2 OR created_at <= \
             (SELECT created_at FROM gateway_tasks WHERE user_id = $1 ORDER BY created_at DESC \
             LIMIT 1 OFFSET $3))",
        )
        .bind(user.0)
        .bind(oldest.microseconds())
        .bind(most)
        .execute(connection)
        .await
        .map(|_| ())
    })
}
