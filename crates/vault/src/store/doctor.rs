//! The diagnosis of the database for `doctor`. Reads only.

use sqlx::FromRow;
use uuid::Uuid;

use super::transaction::{Tx, on};

/// A user who has several secrets with one name.
#[derive(Debug, FromRow)]
pub(crate) struct SharedNamesRow {
    pub(crate) user_id: Uuid,
    pub(crate) names: i64,
}

/// The name of the engine and its version.
pub(crate) async fn engine(tx: &mut Tx) -> sqlx::Result<(&'static str, String)> {
    match tx {
        Tx::Sqlite(tx) => sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&mut **tx)
            .await
            .map(|version| ("SQLite", version)),
        Tx::Postgres(tx) => sqlx::query_scalar("SELECT current_setting('server_version')")
            .fetch_one(&mut **tx)
            .await
            .map(|version| ("PostgreSQL", version)),
    }
}

/// For each user, how many names several secrets have. Users without such names are omitted.
pub(crate) async fn shared_names(tx: &mut Tx) -> sqlx::Result<Vec<SharedNamesRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT user_id, COUNT(*) AS names FROM \
             (SELECT user_id, name FROM secrets GROUP BY user_id, name HAVING COUNT(*) > 1) AS shared \
             GROUP BY user_id ORDER BY user_id",
        )
        .fetch_all(connection)
        .await
    })
}

/// The time of the newest audit record, in microseconds; `None` if there are no records.
pub(crate) async fn newest_record(tx: &mut Tx) -> sqlx::Result<Option<i64>> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT MAX(last_at) FROM audit_pages")
            .fetch_one(connection)
            .await
    })
}
