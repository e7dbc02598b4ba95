//! The installation's identity and keyring.

use sqlx::FromRow;
use toolvault_core::identity::InstallationId;
use toolvault_core::keyring::WrappedKey;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::transaction::{Tx, on};

#[derive(FromRow)]
struct InstallationRow {
    installation_id: Uuid,
    root_key_salt: Vec<u8>,
}

#[derive(FromRow)]
struct KeyRow {
    key_id: i64,
    purpose: String,
    wrapped: Vec<u8>,
}

/// The identity of the installation, and the salt for a passphrase as root key.
pub(crate) struct Installation {
    pub(crate) id: InstallationId,
    pub(crate) root_key_salt: Vec<u8>,
}

pub(crate) async fn find(tx: &mut Tx) -> sqlx::Result<Option<Installation>> {
    let row: Option<InstallationRow> = on!(tx, connection => {
        sqlx::query_as("SELECT installation_id, root_key_salt FROM installation")
            .fetch_optional(connection)
            .await
    })?;
    Ok(row.map(|row| Installation {
        id: InstallationId(row.installation_id),
        root_key_salt: row.root_key_salt,
    }))
}

/// Writes the row unchanged, to test whether the database accepts writes.
pub(crate) async fn rewrite(tx: &mut Tx) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE installation SET created_at = created_at")
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Since when the store has its root key.
pub(crate) async fn root_key_since(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT COALESCE(root_key_since, created_at) FROM installation")
            .fetch_one(connection)
            .await
    })
}

/// Notes since when the store has its root key.
pub(crate) async fn save_root_key_since(tx: &mut Tx, now: Timestamp) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE installation SET root_key_since = $1")
            .bind(now.microseconds())
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// The keys of the keyring, oldest first.
pub(crate) async fn load_keyring(tx: &mut Tx) -> sqlx::Result<Vec<WrappedKey>> {
    let rows: Vec<KeyRow> = on!(tx, connection => {
        sqlx::query_as("SELECT key_id, purpose, wrapped FROM keyring ORDER BY key_id")
            .fetch_all(connection)
            .await
    })?;
    Ok(rows
        .into_iter()
        .map(|row| WrappedKey {
            id: u32::try_from(row.key_id).unwrap_or_default(),
            purpose: row.purpose,
            wrapped: row.wrapped,
        })
        .collect())
}

/// Claims an empty database. Returns false if another process has claimed it meanwhile.
pub(crate) async fn insert(
    tx: &mut Tx,
    installation: &Installation,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let result = on!(tx, connection => {
        sqlx::query(
            "INSERT INTO installation (only_row, installation_id, root_key_salt, created_at) \
             VALUES (1, $1, $2, $3) ON CONFLICT (only_row) DO NOTHING",
        )
        .bind(installation.id.0)
        .bind(&installation.root_key_salt)
        .bind(now.microseconds())
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(result == 1)
}

pub(crate) async fn insert_key(tx: &mut Tx, key: &WrappedKey) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("INSERT INTO keyring (key_id, purpose, wrapped) VALUES ($1, $2, $3)")
            .bind(i64::from(key.id))
            .bind(&key.purpose)
            .bind(&key.wrapped)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Replaces the wrap of a key. Returns false if there is no such key.
pub(crate) async fn save_key(tx: &mut Tx, key: &WrappedKey) -> sqlx::Result<bool> {
    let saved = on!(tx, connection => {
        sqlx::query("UPDATE keyring SET wrapped = $3 WHERE key_id = $1 AND purpose = $2")
            .bind(i64::from(key.id))
            .bind(&key.purpose)
            .bind(&key.wrapped)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(saved == 1)
}

/// When the rotation of user keys began that is not completed.
pub(crate) async fn find_user_keys_before(tx: &mut Tx) -> sqlx::Result<Option<Timestamp>> {
    let found: Option<i64> = on!(tx, connection => {
        sqlx::query_scalar("SELECT user_keys_before FROM installation")
            .fetch_one(connection)
            .await
    })?;
    Ok(found.map(Timestamp::from_microseconds))
}

pub(crate) async fn save_user_keys_before(
    tx: &mut Tx,
    before: Option<Timestamp>,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE installation SET user_keys_before = $1")
            .bind(before.map(Timestamp::microseconds))
            .execute(connection)
            .await
            .map(|_| ())
    })
}
