//! Secrets with their current version: everything that a use needs.

use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::transaction::{Tx, on};

/// A secret and the sealed parts of its current version, as stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct SecretRow {
    pub(crate) secret_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) tool: Option<String>,
    pub(crate) argument: Option<String>,
    pub(crate) is_default: bool,
    pub(crate) policy: String,
    pub(crate) version: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) effective_at: i64,
    /// The sealed parts are `None` if the current version is missing.
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) display: Option<Vec<u8>>,
}

macro_rules! select_secrets {
    ($condition:literal) => {
        concat!(
            "SELECT s.secret_id, s.user_id, s.name, s.tool, s.argument, s.is_default, s.policy, \
             s.version, s.created_at, s.updated_at, s.effective_at, ",
            "v.data_key, v.value, v.display FROM secrets s ",
            "LEFT JOIN secret_versions v ON v.secret_id = s.secret_id AND v.version = s.version ",
            $condition
        )
    };
}

/// All secrets of a user, oldest first.
pub(crate) async fn load_user(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<SecretRow>> {
    on!(tx, connection => {
        sqlx::query_as(select_secrets!(
            "WHERE s.user_id = $1 ORDER BY s.created_at, s.secret_id"
        ))
        .bind(user.0)
        .fetch_all(connection)
        .await
    })
}

pub(crate) async fn find(
    tx: &mut Tx,
    user: UserId,
    secret: SecretId,
) -> sqlx::Result<Option<SecretRow>> {
    on!(tx, connection => {
        sqlx::query_as(select_secrets!("WHERE s.user_id = $1 AND s.secret_id = $2"))
            .bind(user.0)
            .bind(secret.0)
            .fetch_optional(connection)
            .await
    })
}

/// All secrets with an ID greater than `after`, in order, up to a limit.
pub(crate) async fn list_after(
    tx: &mut Tx,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<SecretRow>> {
    on!(tx, connection => {
        sqlx::query_as(select_secrets!("WHERE s.secret_id > $1 ORDER BY s.secret_id LIMIT $2"))
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
}

/// For each secret with a rotation period, its policy and the time of its current value.
pub(crate) async fn list_rotating(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<(String, i64)>> {
    // The quotes do not occur inside a string of the policy, where they would be escaped.
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT s.policy, v.created_at FROM secrets s JOIN secret_versions v \
             ON v.secret_id = s.secret_id AND v.version = s.version \
             WHERE s.policy NOT LIKE '%\"rotate_after_days\":null%' LIMIT $1",
        )
        .bind(limit)
        .fetch_all(connection)
        .await
    })
}

pub(crate) async fn insert(tx: &mut Tx, row: &SecretRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO secrets (secret_id, user_id, name, tool, argument, is_default, policy, \
             version, created_at, updated_at, effective_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(row.secret_id)
        .bind(row.user_id)
        .bind(&row.name)
        .bind(&row.tool)
        .bind(&row.argument)
        .bind(row.is_default)
        .bind(&row.policy)
        .bind(row.version)
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(row.effective_at)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

pub(crate) async fn update(tx: &mut Tx, row: &SecretRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE secrets SET name = $3, tool = $4, argument = $5, is_default = $6, \
             policy = $7, version = $8, updated_at = $9, effective_at = $10 \
             WHERE secret_id = $1 AND user_id = $2",
        )
        .bind(row.secret_id)
        .bind(row.user_id)
        .bind(&row.name)
        .bind(&row.tool)
        .bind(&row.argument)
        .bind(row.is_default)
        .bind(&row.policy)
        .bind(row.version)
        .bind(row.updated_at)
        .bind(row.effective_at)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Deletes the secret. Its versions with their wrapped data keys follow by foreign key.
pub(crate) async fn delete(tx: &mut Tx, user: UserId, secret: SecretId) -> sqlx::Result<bool> {
    let deleted = on!(tx, connection => {
        sqlx::query("DELETE FROM secrets WHERE user_id = $1 AND secret_id = $2")
            .bind(user.0)
            .bind(secret.0)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(deleted == 1)
}
