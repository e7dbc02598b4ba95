//! The connections of users to tool servers.

use sqlx::FromRow;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// A connection as stored. Its data key opens only if all but the last three columns are as they were stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ConnectionRow {
    pub(crate) connection_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) server: String,
    pub(crate) issuer: String,
    pub(crate) resource: String,
    pub(crate) client_id: String,
    /// With a space between each two, as they cannot have one (RFC 6749, section 3.3).
    pub(crate) scopes: String,
    pub(crate) version: i64,
    pub(crate) connected_at: i64,
    pub(crate) renewed_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) can_refresh: bool,
    pub(crate) needs_sign_in: bool,
    pub(crate) data_key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) display: Vec<u8>,
    pub(crate) last_used_at: Option<i64>,
    /// Who may use the refresh token now.
    pub(crate) lease_id: Option<Uuid>,
    pub(crate) leased_until: Option<i64>,
}

pub(crate) async fn find(
    tx: &mut Tx,
    user: UserId,
    server: &str,
) -> sqlx::Result<Option<ConnectionRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM connections WHERE user_id = $1 AND server = $2")
            .bind(user.0)
            .bind(server)
            .fetch_optional(connection)
            .await
    })
}

/// A user's connections by server, or those of all users without one.
pub(crate) async fn list(tx: &mut Tx, user: Option<UserId>) -> sqlx::Result<Vec<ConnectionRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT * FROM connections WHERE user_id = $1 OR $2 ORDER BY user_id, server",
        )
        .bind(user.map_or(Uuid::nil(), |user| user.0))
        .bind(user.is_none())
        .fetch_all(connection)
        .await
    })
}

/// Stores a connection in place of the one of that user and server, without a lease.
pub(crate) async fn save(tx: &mut Tx, row: &ConnectionRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO connections (connection_id, user_id, server, issuer, resource, client_id, \
             scopes, version, connected_at, renewed_at, expires_at, can_refresh, needs_sign_in, \
             data_key, value, display, last_used_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
             ON CONFLICT (user_id, server) DO UPDATE SET connection_id = $1, issuer = $4, \
             resource = $5, client_id = $6, scopes = $7, version = $8, connected_at = $9, \
             renewed_at = $10, expires_at = $11, can_refresh = $12, needs_sign_in = $13, \
             data_key = $14, value = $15, display = $16, last_used_at = $17, lease_id = NULL, \
             leased_until = NULL",
        )
        .bind(row.connection_id)
        .bind(row.user_id)
        .bind(&row.server)
        .bind(&row.issuer)
        .bind(&row.resource)
        .bind(&row.client_id)
        .bind(&row.scopes)
        .bind(row.version)
        .bind(row.connected_at)
        .bind(row.renewed_at)
        .bind(row.expires_at)
        .bind(row.can_refresh)
        .bind(row.needs_sign_in)
        .bind(&row.data_key)
        .bind(&row.value)
        .bind(&row.display)
        .bind(row.last_used_at)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

pub(crate) async fn delete(tx: &mut Tx, user: UserId, server: &str) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM connections WHERE user_id = $1 AND server = $2")
            .bind(user.0)
            .bind(server)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Gives a lease on the refresh token, or ends it.
pub(crate) async fn set_lease(
    tx: &mut Tx,
    id: SecretId,
    lease: Option<(Uuid, Timestamp)>,
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE connections SET lease_id = $2, leased_until = $3 WHERE connection_id = $1",
        )
        .bind(id.0)
        .bind(lease.map(|(id, _)| id))
        .bind(lease.map(|(_, until)| until.microseconds()))
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Notes when a connection was last used.
pub(crate) async fn note_use(tx: &mut Tx, id: SecretId, at: Timestamp) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("UPDATE connections SET last_used_at = $2 WHERE connection_id = $1")
            .bind(id.0)
            .bind(at.microseconds())
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Replaces the wraps of data keys.
pub(crate) fn save_data_keys(wraps: &[(SecretId, Vec<u8>)]) -> Statement {
    Statement::new(
        "UPDATE connections SET data_key = given.data_key FROM given \
         WHERE connections.connection_id = given.connection_id",
        wraps.len(),
        [
            (
                "connection_id",
                Column::ids(wraps.iter().map(|(id, _)| id.0)),
            ),
            (
                "data_key",
                Column::bytes(wraps.iter().map(|(_, key)| key.clone())),
            ),
        ],
    )
}

/// How many of a user's connections are sealed with another key than `key`, the four bytes in their headers.
pub(crate) async fn count_others(tx: &mut Tx, user: UserId, key: [u8; 4]) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM connections \
             WHERE user_id = $1 AND substr(data_key, 3, 4) <> $2",
        )
        .bind(user.0)
        .bind(key.as_slice())
        .fetch_one(connection)
        .await
    })
}
