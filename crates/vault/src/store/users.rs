//! Users, and the ledgers, which also serve as the lock on each user's rows.

use sqlx::FromRow;
use toolvault_core::identity::UserId;
use uuid::Uuid;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// A user as stored. The MAC covers every other column.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UserRow {
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) is_disabled: bool,
    pub(crate) secrets_limit: Option<i64>,
    pub(crate) bytes_limit: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

/// The ledger as stored.
#[derive(Debug, FromRow)]
pub(crate) struct LedgerRow {
    pub(crate) generation: i64,
    pub(crate) sealed: Vec<u8>,
}

pub(crate) async fn find(tx: &mut Tx, user: UserId) -> sqlx::Result<Option<UserRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM users WHERE user_id = $1")
            .bind(user.0)
            .fetch_optional(connection)
            .await
    })
}

/// Users with this name, or all users without one; oldest first.
pub(crate) async fn list(tx: &mut Tx, name: Option<&str>) -> sqlx::Result<Vec<UserRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT * FROM users WHERE name = $1 OR $2 ORDER BY created_at, user_id",
        )
        .bind(name.unwrap_or_default())
        .bind(name.is_none())
        .fetch_all(connection)
        .await
    })
}

/// The user with the smallest ID greater than `after`.
pub(crate) async fn next(tx: &mut Tx, after: UserId) -> sqlx::Result<Option<Uuid>> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT user_id FROM users WHERE user_id > $1 ORDER BY user_id LIMIT 1")
            .bind(after.0)
            .fetch_optional(connection)
            .await
    })
}

/// Returns false if the ID, or the name of a local user, is taken.
pub(crate) async fn insert(tx: &mut Tx, row: &UserRow) -> sqlx::Result<bool> {
    let inserted = on!(tx, connection => {
        sqlx::query(
            "INSERT INTO users (user_id, name, origin, is_disabled, secrets_limit, bytes_limit, \
             created_at, wrapped_key, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT DO NOTHING",
        )
        .bind(row.user_id)
        .bind(&row.name)
        .bind(&row.origin)
        .bind(row.is_disabled)
        .bind(row.secrets_limit)
        .bind(row.bytes_limit)
        .bind(row.created_at)
        .bind(&row.wrapped_key)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(inserted == 1)
}

pub(crate) async fn update(tx: &mut Tx, row: &UserRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE users SET name = $2, is_disabled = $3, secrets_limit = $4, bytes_limit = $5, \
             wrapped_key = $6, mac = $7 WHERE user_id = $1",
        )
        .bind(row.user_id)
        .bind(&row.name)
        .bind(row.is_disabled)
        .bind(row.secrets_limit)
        .bind(row.bytes_limit)
        .bind(&row.wrapped_key)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// All ledgers with their users.
pub(crate) async fn list_ledgers(tx: &mut Tx) -> sqlx::Result<Vec<(Uuid, LedgerRow)>> {
    let rows: Vec<(Uuid, i64, Vec<u8>)> = on!(tx, connection => {
        sqlx::query_as("SELECT user_id, generation, sealed FROM ledgers ORDER BY user_id")
            .fetch_all(connection)
            .await
    })?;
    let ledgers = rows.into_iter().map(|(user, generation, sealed)| {
        let row = LedgerRow { generation, sealed };
        (user, row)
    });
    Ok(ledgers.collect())
}

/// Deletes the user. Everything of theirs follows by foreign key.
pub(crate) async fn delete(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM users WHERE user_id = $1")
            .bind(user.0)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

pub(crate) async fn insert_ledger(tx: &mut Tx, user: UserId, row: &LedgerRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("INSERT INTO ledgers (user_id, generation, sealed) VALUES ($1, $2, $3)")
            .bind(user.0)
            .bind(row.generation)
            .bind(&row.sealed)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Waits for the lock on a user's rows and keeps it until the transaction ends. Every change of such rows takes it
/// first, so that two processes cannot deadlock. A missing user is not an error.
pub(crate) async fn lock(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE ledgers SET generation = generation WHERE user_id = $1")
            .bind(user.0)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

pub(crate) async fn find_ledger(tx: &mut Tx, user: UserId) -> sqlx::Result<Option<LedgerRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT generation, sealed FROM ledgers WHERE user_id = $1")
            .bind(user.0)
            .fetch_optional(connection)
            .await
    })
}

/// Replaces ledgers, with their generations.
pub(crate) fn save_ledgers(ledgers: &[(UserId, LedgerRow)]) -> Statement {
    let generations = ledgers.iter().map(|(_, row)| row.generation);
    Statement::new(
        "UPDATE ledgers SET generation = given.generation, sealed = given.sealed FROM given \
         WHERE ledgers.user_id = given.user_id",
        ledgers.len(),
        [
            (
                "user_id",
                Column::ids(ledgers.iter().map(|(user, _)| user.0)),
            ),
            ("generation", Column::Integers(generations.collect())),
            (
                "sealed",
                Column::bytes(ledgers.iter().map(|(_, row)| row.sealed.clone())),
            ),
        ],
    )
}

pub(crate) async fn save_ledger(tx: &mut Tx, user: UserId, sealed: &[u8]) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE ledgers SET sealed = $2 WHERE user_id = $1")
            .bind(user.0)
            .bind(sealed)
            .execute(connection)
            .await
            .map(|_| ())
    })
}
