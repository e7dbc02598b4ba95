//! How often all sessions of a user were ended.

use toolvault_core::identity::UserId;

use super::transaction::{Tx, on};

/// The generation to which the user's sessions must belong.
pub(crate) async fn current(tx: &mut Tx, user: UserId) -> sqlx::Result<i64> {
    let found: Option<i64> = on!(tx, connection => {
        sqlx::query_scalar("SELECT generation FROM session_generations WHERE user_id = $1")
            .bind(user.0)
            .fetch_optional(connection)
            .await
    })?;
    Ok(found.unwrap_or(0))
}

/// Begins another generation.
pub(crate) async fn advance(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO session_generations (user_id, generation) VALUES ($1, 1) ON CONFLICT (user_id) \
             DO UPDATE SET generation = session_generations.generation + 1",
        )
        .bind(user.0)
        .execute(connection)
        .await
        .map(|_| ())
    })
}
