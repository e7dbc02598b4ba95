//! Secrets with their current version: everything that a use needs.

use futures_util::TryStreamExt as _;
use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use super::given::{Column, Statement};
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

/// Passes all secrets of a user to `take`, in any order and while the next ones are read.
pub(crate) async fn each_of_user(
    tx: &mut Tx,
    user: UserId,
    mut take: impl FnMut(SecretRow) + Send,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        let query = sqlx::query_as(select_secrets!("WHERE s.user_id = $1")).bind(user.0);
        let mut rows = query.fetch(connection);
        while let Some(row) = rows.try_next().await? {
            take(row);
        }
        Ok(())
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

/// A secret with a policy, as the database has it.
#[derive(FromRow)]
pub(crate) struct PolicyRow {
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) policy: String,
    /// The time of its current value.
    pub(crate) created_at: i64,
}

/// The secrets whose policy has this member.
pub(crate) async fn list_with_policy(
    tx: &mut Tx,
    member: &str,
    limit: i64,
) -> sqlx::Result<Vec<PolicyRow>> {
    // The quotes do not occur inside a string of the policy, where they would be escaped.
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT s.user_id, s.name, s.policy, v.created_at FROM secrets s JOIN secret_versions v \
             ON v.secret_id = s.secret_id AND v.version = s.version \
             WHERE s.policy NOT LIKE $1 LIMIT $2",
        )
        .bind(format!("%\"{member}\":null%"))
        .bind(limit)
        .fetch_all(connection)
        .await
    })
}

/// Inserts or replaces secrets, without their versions.
pub(crate) fn save(rows: &[&SecretRow]) -> Statement {
    let ids = |of: fn(&SecretRow) -> Uuid| Column::ids(rows.iter().map(|row| of(row)));
    let integers =
        |of: fn(&SecretRow) -> i64| Column::Integers(rows.iter().map(|row| of(row)).collect());
    let texts =
        |of: fn(&SecretRow) -> &String| Column::texts(rows.iter().map(|row| of(row).clone()));
    let options = |of: fn(&SecretRow) -> &Option<String>| {
        Column::Texts(rows.iter().map(|row| of(row).clone()).collect())
    };
    let truths = rows.iter().map(|row| row.is_default);
    Statement::new(
        "INSERT INTO secrets (secret_id, user_id, name, tool, argument, is_default, policy, \
         version, created_at, updated_at, effective_at) SELECT * FROM given WHERE TRUE \
         ON CONFLICT (secret_id) DO UPDATE SET name = excluded.name, tool = excluded.tool, \
         argument = excluded.argument, is_default = excluded.is_default, \
         policy = excluded.policy, version = excluded.version, \
         updated_at = excluded.updated_at, effective_at = excluded.effective_at \
         WHERE secrets.user_id = excluded.user_id",
        rows.len(),
        [
            ("secret_id", ids(|row| row.secret_id)),
            ("user_id", ids(|row| row.user_id)),
            ("name", texts(|row| &row.name)),
            ("tool", options(|row| &row.tool)),
            ("argument", options(|row| &row.argument)),
            ("is_default", Column::Truths(truths.collect())),
            ("policy", texts(|row| &row.policy)),
            ("version", integers(|row| row.version)),
            ("created_at", integers(|row| row.created_at)),
            ("updated_at", integers(|row| row.updated_at)),
            ("effective_at", integers(|row| row.effective_at)),
        ],
    )
}

/// Deletes secrets. Their versions with their wrapped data keys follow by foreign key.
pub(crate) fn delete(secrets: &[SecretId]) -> Statement {
    Statement::new(
        "DELETE FROM secrets WHERE secret_id IN (SELECT secret_id FROM given)",
        secrets.len(),
        [(
            "secret_id",
            Column::ids(secrets.iter().map(|secret| secret.0)),
        )],
    )
}
