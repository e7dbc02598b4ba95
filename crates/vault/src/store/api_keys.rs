//! API keys, stored as keyed hashes, with the time of their last use.

use sqlx::FromRow;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// A key as stored. The MAC covers every other column.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ApiKeyRow {
    pub(crate) key_id: String,
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) scopes: String,
    pub(crate) tools: String,
    pub(crate) is_any_user: bool,
    pub(crate) creator_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) verifier: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

/// A key and its last use.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ListedKeyRow {
    #[sqlx(flatten)]
    pub(crate) key: ApiKeyRow,
    pub(crate) last_used_at: Option<i64>,
}

pub(crate) async fn find(tx: &mut Tx, key_id: &str) -> sqlx::Result<Option<ApiKeyRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM api_keys WHERE key_id = $1")
            .bind(key_id)
            .fetch_optional(connection)
            .await
    })
}

/// One key with its last use.
pub(crate) async fn find_listed(tx: &mut Tx, key_id: &str) -> sqlx::Result<Option<ListedKeyRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT k.*, u.last_used_at FROM api_keys k \
             LEFT JOIN api_key_uses u ON u.key_id = k.key_id WHERE k.key_id = $1",
        )
        .bind(key_id)
        .fetch_optional(connection)
        .await
    })
}

/// The keys of `user`, or all keys without one; oldest first.
pub(crate) async fn list(tx: &mut Tx, user: Option<UserId>) -> sqlx::Result<Vec<ListedKeyRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT k.*, u.last_used_at FROM api_keys k \
             LEFT JOIN api_key_uses u ON u.key_id = k.key_id \
             WHERE k.user_id = $1 OR $2 ORDER BY k.created_at, k.key_id",
        )
        .bind(user.map_or(Uuid::nil(), |user| user.0))
        .bind(user.is_none())
        .fetch_all(connection)
        .await
    })
}

pub(crate) async fn insert(tx: &mut Tx, row: &ApiKeyRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO api_keys (key_id, user_id, name, scopes, tools, is_any_user, creator_id, \
             created_at, expires_at, revoked_at, verifier, mac) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&row.key_id)
        .bind(row.user_id)
        .bind(&row.name)
        .bind(&row.scopes)
        .bind(&row.tools)
        .bind(row.is_any_user)
        .bind(&row.creator_id)
        .bind(row.created_at)
        .bind(row.expires_at)
        .bind(row.revoked_at)
        .bind(&row.verifier)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

pub(crate) async fn update(tx: &mut Tx, row: &ApiKeyRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE api_keys SET name = $2, scopes = $3, expires_at = $4, revoked_at = $5, \
             mac = $6 WHERE key_id = $1",
        )
        .bind(&row.key_id)
        .bind(&row.name)
        .bind(&row.scopes)
        .bind(row.expires_at)
        .bind(row.revoked_at)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Saves when keys were used, each once, in this order. Leaves out keys that were deleted meanwhile.
pub(crate) fn save_uses(uses: &[(KeyId, Timestamp)]) -> Statement {
    let times = uses.iter().map(|(_, at)| at.microseconds());
    Statement::new(
        "INSERT INTO api_key_uses (key_id, last_used_at) \
         SELECT given.key_id, given.last_used_at FROM given \
         JOIN api_keys ON api_keys.key_id = given.key_id WHERE TRUE ORDER BY given.key_id \
         ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at",
        uses.len(),
        [
            (
                "key_id",
                Column::texts(uses.iter().map(|(key, _)| key.to_string())),
            ),
            ("last_used_at", Column::Integers(times.collect())),
        ],
    )
}
