//! Versions of secrets.

use sqlx::{FromRow, QueryBuilder};
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::secrets::SecretRow;
use super::transaction::{Tx, on};

/// How many rows one statement changes at most. SQLite accepts 32,766 parameters.
const MOST_ROWS: usize = 1_000;

/// A version as stored. The MAC covers every other column except the wrapped data key.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct VersionRow {
    pub(crate) secret_id: Uuid,
    pub(crate) version: i64,
    pub(crate) data_key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) display: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) mac: Vec<u8>,
}

/// The versions of a secret, newest first.
pub(crate) async fn list(tx: &mut Tx, secret: SecretId) -> sqlx::Result<Vec<VersionRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM secret_versions WHERE secret_id = $1 ORDER BY version DESC")
            .bind(secret.0)
            .fetch_all(connection)
            .await
    })
}

/// The versions of all secrets with IDs after `after` and up to `last`.
pub(crate) async fn list_between(
    tx: &mut Tx,
    after: Uuid,
    last: Uuid,
) -> sqlx::Result<Vec<VersionRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM secret_versions WHERE secret_id > $1 AND secret_id <= $2")
            .bind(after)
            .bind(last)
            .fetch_all(connection)
            .await
    })
}

/// The current version of each of a user's secrets.
pub(crate) async fn list_current(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<VersionRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT v.* FROM secrets s JOIN secret_versions v \
             ON v.secret_id = s.secret_id AND v.version = s.version WHERE s.user_id = $1",
        )
        .bind(user.0)
        .fetch_all(connection)
        .await
    })
}

pub(crate) async fn find(
    tx: &mut Tx,
    secret: SecretId,
    version: i64,
) -> sqlx::Result<Option<VersionRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM secret_versions WHERE secret_id = $1 AND version = $2")
            .bind(secret.0)
            .bind(version)
            .fetch_optional(connection)
            .await
    })
}

pub(crate) async fn insert(tx: &mut Tx, row: &VersionRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO secret_versions (secret_id, version, data_key, value, display, \
             created_at, created_by, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(row.secret_id)
        .bind(row.version)
        .bind(&row.data_key)
        .bind(&row.value)
        .bind(&row.display)
        .bind(row.created_at)
        .bind(&row.created_by)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Replaces the wrap of a version's data key.
pub(crate) async fn save_data_key(
    tx: &mut Tx,
    secret: SecretId,
    version: i64,
    data_key: &[u8],
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE secret_versions SET data_key = $3 WHERE secret_id = $1 AND version = $2",
        )
        .bind(secret.0)
        .bind(version)
        .bind(data_key)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Replaces the wraps of many data keys, each with its secret and version. A statement for each would take a round trip
/// for each.
pub(crate) async fn save_data_keys(
    tx: &mut Tx,
    wraps: &[(SecretId, i64, Vec<u8>)],
) -> sqlx::Result<()> {
    for wraps in wraps.chunks(MOST_ROWS) {
        on!(tx, connection => {
            let mut query = QueryBuilder::new(
                "UPDATE secret_versions SET data_key = changed.column3 FROM (",
            );
            query.push_values(wraps, |mut row, (secret, version, data_key)| {
                row.push_bind(secret.0).push_bind(*version).push_bind(data_key.clone());
            });
            query.push(
                ") AS changed WHERE secret_versions.secret_id = changed.column1 \
                 AND secret_versions.version = changed.column2",
            );
            query.build().persistent(false).execute(connection).await?;
        });
    }
    Ok(())
}

/// A version's wrapped data key, with the secret. The values are left out.
#[derive(Debug, FromRow)]
pub(crate) struct WrapRow {
    /// With the wrap of the version `kept`.
    #[sqlx(flatten)]
    pub(crate) secret: SecretRow,
    pub(crate) kept: i64,
}

/// All versions of the next `limit` secrets of a user after `after`, in the order of their IDs.
pub(crate) async fn list_wraps(
    tx: &mut Tx,
    user: UserId,
    after: SecretId,
    limit: i64,
) -> sqlx::Result<Vec<WrapRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT s.secret_id, s.user_id, s.name, s.tool, s.argument, s.is_default, s.policy, \
             s.version, s.created_at, s.updated_at, s.effective_at, v.version AS kept, \
             v.data_key, NULL AS value, NULL AS display FROM (SELECT * FROM secrets \
             WHERE user_id = $1 AND secret_id > $2 ORDER BY secret_id LIMIT $3) AS s \
             JOIN secret_versions v ON v.secret_id = s.secret_id ORDER BY s.secret_id, v.version",
        )
        .bind(user.0)
        .bind(after.0)
        .bind(limit)
        .fetch_all(connection)
        .await
    })
}

/// How many versions of a user's secrets are sealed with another key than `key`, the four bytes in their headers.
pub(crate) async fn count_others(tx: &mut Tx, user: UserId, key: [u8; 4]) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM secrets s JOIN secret_versions v ON v.secret_id = s.secret_id \
             WHERE s.user_id = $1 AND substr(v.data_key, 3, 4) <> $2",
        )
        .bind(user.0)
        .bind(key.as_slice())
        .fetch_one(connection)
        .await
    })
}

/// How many versions the secrets of a user have.
pub(crate) async fn count(tx: &mut Tx, user: UserId) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM secrets s JOIN secret_versions v ON v.secret_id = s.secret_id \
             WHERE s.user_id = $1",
        )
        .bind(user.0)
        .fetch_one(connection)
        .await
    })
}

/// How many versions there are.
pub(crate) async fn count_all(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT COUNT(*) FROM secret_versions")
            .fetch_one(connection)
            .await
    })
}

/// Deletes every version up to and including `last`, and returns their numbers.
pub(crate) async fn delete_through(
    tx: &mut Tx,
    secret: SecretId,
    last: i64,
) -> sqlx::Result<Vec<i64>> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "DELETE FROM secret_versions WHERE secret_id = $1 AND version <= $2 RETURNING version",
        )
        .bind(secret.0)
        .bind(last)
        .fetch_all(connection)
        .await
    })
}

/// Versions without a secret. Foreign keys should make these impossible.
pub(crate) async fn list_orphans(tx: &mut Tx) -> sqlx::Result<Vec<Uuid>> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT DISTINCT v.secret_id FROM secret_versions v \
             LEFT JOIN secrets s ON s.secret_id = v.secret_id WHERE s.secret_id IS NULL",
        )
        .fetch_all(connection)
        .await
    })
}

/// Deletes one version. Returns false if it does not exist.
pub(crate) async fn delete(tx: &mut Tx, secret: SecretId, version: i64) -> sqlx::Result<bool> {
    let deleted = on!(tx, connection => {
        sqlx::query("DELETE FROM secret_versions WHERE secret_id = $1 AND version = $2")
            .bind(secret.0)
            .bind(version)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(deleted == 1)
}
