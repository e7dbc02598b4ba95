//! Versions of secrets.

use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::given::{Column, Statement};
use super::secrets::SecretRow;
use super::transaction::{Tx, on};

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

pub(crate) fn insert(rows: &[&VersionRow]) -> Statement {
    let integers =
        |of: fn(&VersionRow) -> i64| Column::Integers(rows.iter().map(|row| of(row)).collect());
    let bytes =
        |of: fn(&VersionRow) -> &Vec<u8>| Column::bytes(rows.iter().map(|row| of(row).clone()));
    let authors = rows.iter().map(|row| row.created_by.clone());
    Statement::new(
        "INSERT INTO secret_versions (secret_id, version, data_key, value, display, created_at, \
         created_by, mac) SELECT * FROM given",
        rows.len(),
        [
            (
                "secret_id",
                Column::ids(rows.iter().map(|row| row.secret_id)),
            ),
            ("version", integers(|row| row.version)),
            ("data_key", bytes(|row| &row.data_key)),
            ("value", bytes(|row| &row.value)),
            ("display", bytes(|row| &row.display)),
            ("created_at", integers(|row| row.created_at)),
            ("created_by", Column::texts(authors)),
            ("mac", bytes(|row| &row.mac)),
        ],
    )
}

/// Replaces the wraps of data keys, each with its secret and version.
pub(crate) fn save_data_keys(wraps: &[(SecretId, i64, Vec<u8>)]) -> Statement {
    let versions = wraps.iter().map(|(_, version, _)| *version);
    Statement::new(
        "UPDATE secret_versions SET data_key = given.data_key FROM given \
         WHERE secret_versions.secret_id = given.secret_id \
         AND secret_versions.version = given.version",
        wraps.len(),
        [
            (
                "secret_id",
                Column::ids(wraps.iter().map(|(secret, ..)| secret.0)),
            ),
            ("version", Column::Integers(versions.collect())),
            (
                "data_key",
                Column::bytes(wraps.iter().map(|(.., key)| key.clone())),
            ),
        ],
    )
}

/// Deletes versions.
pub(crate) fn delete(versions: &[(SecretId, i64)]) -> Statement {
    let numbers = versions.iter().map(|(_, version)| *version);
    Statement::new(
        "DELETE FROM secret_versions \
         WHERE (secret_id, version) IN (SELECT secret_id, version FROM given)",
        versions.len(),
        [
            (
                "secret_id",
                Column::ids(versions.iter().map(|(secret, _)| secret.0)),
            ),
            ("version", Column::Integers(numbers.collect())),
        ],
    )
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
