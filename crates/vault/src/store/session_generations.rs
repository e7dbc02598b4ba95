//! The generations of users' sessions: all sessions of an earlier one are over.

use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use super::transaction::{Tx, on};

/// What becomes of a generation that is there; `$2` is the time.
macro_rules! or_next {
    () => {
        "ON CONFLICT (user_id) DO UPDATE SET generation = CASE WHEN session_generations.generation < $2 THEN $2 \
         ELSE session_generations.generation + 1 END"
    };
}

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

/// Begins another generation of one user's sessions. It is the time in microseconds, or one more than the last: after a
/// restore, no generation that was over comes back.
pub(crate) async fn advance(tx: &mut Tx, user: UserId, now: Timestamp) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(concat!(
            "INSERT INTO session_generations (user_id, generation) VALUES ($1, $2) ",
            or_next!()
        ))
        .bind(user.0)
        .bind(now.microseconds())
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// The same, of the sessions of all users.
pub(crate) async fn advance_all(tx: &mut Tx, now: Timestamp) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(concat!(
            // SQLite reads ON after FROM as that of a join.
            "INSERT INTO session_generations (user_id, generation) SELECT user_id, $2 FROM users WHERE $1 ",
            or_next!()
        ))
        .bind(true)
        .bind(now.microseconds())
        .execute(connection)
        .await
        .map(|_| ())
    })
}
