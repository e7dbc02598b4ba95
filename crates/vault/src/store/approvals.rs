//! Calls that a person is asked to allow, and what was decided.

use sqlx::FromRow;
use toolvault_core::identity::{ApprovalId, UserId};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// A request as stored. The MAC covers every other column.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ApprovalRow {
    pub(crate) approval_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) actor: String,
    pub(crate) server: String,
    pub(crate) tool: String,
    pub(crate) definition: Vec<u8>,
    pub(crate) arguments: Vec<u8>,
    pub(crate) need: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) requested_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) decision: Option<String>,
    pub(crate) decided_at: Option<i64>,
    pub(crate) decided_by: Option<String>,
    pub(crate) used_at: Option<i64>,
    pub(crate) mac: Vec<u8>,
}

/// Selects requests for calls by a key that ended at `$now`, or that descends from one that did or is gone.
macro_rules! of_ended_key {
    ($now:literal) => {
        concat!(
            "(approvals.actor LIKE 'key:%' AND EXISTS (WITH RECURSIVE line (key_id) AS (\
             SELECT substr(approvals.actor, 5) UNION SELECT k.creator_id FROM line \
             JOIN api_keys k ON k.key_id = line.key_id WHERE k.creator_id IS NOT NULL) \
             SELECT 1 FROM line LEFT JOIN api_keys k ON k.key_id = line.key_id \
             WHERE k.key_id IS NULL OR k.revoked_at <= ",
            $now,
            " OR k.expires_at <= ",
            $now,
            "))"
        )
    };
}

/// Selects requests that ended before `$1`, those without a decision that ended before `$2`, and what was allowed without
/// an end to keys that ended at `$3`.
macro_rules! old {
    () => {
        concat!(
            "(expires_at < $1 OR (decision IS NULL AND expires_at < $2) OR (expires_at IS NULL AND ",
            of_ended_key!("$3"),
            "))"
        )
    };
}

/// A request without its content.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ApprovalKey {
    pub(crate) approval_id: Uuid,
    pub(crate) actor: String,
    pub(crate) server: String,
    pub(crate) tool: String,
    pub(crate) decision: Option<String>,
}

pub(crate) async fn find(
    tx: &mut Tx,
    user: UserId,
    id: ApprovalId,
) -> sqlx::Result<Option<ApprovalRow>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT * FROM approvals WHERE approval_id = $1 AND user_id = $2")
            .bind(id.0)
            .bind(user.0)
            .fetch_optional(connection)
            .await
    })
}

/// The requests for calls by an actor of a server's tool that have not ended, newest first.
pub(crate) async fn find_live(
    tx: &mut Tx,
    user: UserId,
    (actor, server, tool): (&str, &str, &str),
    now: Timestamp,
) -> sqlx::Result<Vec<ApprovalRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT * FROM approvals WHERE user_id = $1 AND actor = $2 AND server = $3 AND tool = $4 \
             AND (expires_at IS NULL OR expires_at > $5) AND used_at IS NULL \
             ORDER BY requested_at DESC, approval_id DESC",
        )
        .bind(user.0)
        .bind(actor)
        .bind(server)
        .bind(tool)
        .bind(now.microseconds())
        .fetch_all(connection)
        .await
    })
}

/// A user's requests that wait for a decision or were allowed and are in force, newest first. Those of keys that ended are
/// neither.
pub(crate) async fn list_live(
    tx: &mut Tx,
    user: UserId,
    now: Timestamp,
) -> sqlx::Result<Vec<ApprovalKey>> {
    on!(tx, connection => {
        sqlx::query_as(concat!(
            "SELECT approval_id, actor, server, tool, decision FROM approvals WHERE user_id = $1 \
             AND (expires_at IS NULL OR expires_at > $2) AND used_at IS NULL \
             AND (decision IS NULL OR decision <> 'refuse') AND NOT ",
            of_ended_key!("$2"),
            " ORDER BY requested_at DESC, approval_id DESC",
        ))
        .bind(user.0)
        .bind(now.microseconds())
        .fetch_all(connection)
        .await
    })
}

/// These requests, in no order.
pub(crate) async fn find_some(tx: &mut Tx, ids: &[Uuid]) -> sqlx::Result<Vec<ApprovalRow>> {
    let columns = [("approval_id", Column::ids(ids.iter().copied()))];
    Statement::new(
        "SELECT a.* FROM given JOIN approvals a ON a.approval_id = given.approval_id",
        ids.len(),
        columns,
    )
    .fetch(tx)
    .await
}

/// How many requests of all users wait for a decision.
pub(crate) async fn count_pending(tx: &mut Tx, now: Timestamp) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT COUNT(*) FROM approvals WHERE decision IS NULL AND expires_at > $1")
            .bind(now.microseconds())
            .fetch_one(connection)
            .await
    })
}

pub(crate) async fn insert(tx: &mut Tx, row: &ApprovalRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO approvals (approval_id, user_id, actor, server, tool, definition, arguments, need, \
             sealed, requested_at, expires_at, decision, decided_at, decided_by, used_at, mac) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(row.approval_id)
        .bind(row.user_id)
        .bind(&row.actor)
        .bind(&row.server)
        .bind(&row.tool)
        .bind(&row.definition)
        .bind(&row.arguments)
        .bind(&row.need)
        .bind(&row.sealed)
        .bind(row.requested_at)
        .bind(row.expires_at)
        .bind(&row.decision)
        .bind(row.decided_at)
        .bind(&row.decided_by)
        .bind(row.used_at)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

/// Saves what was decided or used of a request.
pub(crate) async fn update(tx: &mut Tx, row: &ApprovalRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "UPDATE approvals SET expires_at = $2, decision = $3, decided_at = $4, decided_by = $5, \
             used_at = $6, mac = $7 WHERE approval_id = $1",
        )
        .bind(row.approval_id)
        .bind(row.expires_at)
        .bind(&row.decision)
        .bind(row.decided_at)
        .bind(&row.decided_by)
        .bind(row.used_at)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

pub(crate) async fn delete(tx: &mut Tx, id: ApprovalId) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM approvals WHERE approval_id = $1")
            .bind(id.0)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// What is old: what ended before `decided`, before `undecided` if there was no decision, and what was allowed to keys that
/// ended at `now`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Old {
    pub(crate) decided: Timestamp,
    pub(crate) undecided: Timestamp,
    pub(crate) now: Timestamp,
}

/// The users who have old requests.
pub(crate) async fn users_with_old(tx: &mut Tx, old: Old) -> sqlx::Result<Vec<Uuid>> {
    on!(tx, connection => {
        sqlx::query_scalar(concat!("SELECT DISTINCT user_id FROM approvals WHERE ", old!()))
            .bind(old.decided.microseconds())
            .bind(old.undecided.microseconds())
            .bind(old.now.microseconds())
            .fetch_all(connection)
            .await
    })
}

/// Deletes a user's old requests.
pub(crate) async fn delete_old(tx: &mut Tx, user: UserId, old: Old) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(concat!("DELETE FROM approvals WHERE user_id = $4 AND ", old!()))
            .bind(old.decided.microseconds())
            .bind(old.undecided.microseconds())
            .bind(old.now.microseconds())
            .bind(user.0)
            .execute(connection)
            .await
            .map(|_| ())
    })
}

/// Deletes what was asked or allowed for another definition of the tool.
pub(crate) async fn delete_changed(tx: &mut Tx, row: &ApprovalRow) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "DELETE FROM approvals WHERE user_id = $1 AND actor = $2 AND server = $3 AND tool = $4 \
             AND definition <> $5",
        )
        .bind(row.user_id)
        .bind(&row.actor)
        .bind(&row.server)
        .bind(&row.tool)
        .bind(&row.definition)
        .execute(connection)
        .await
        .map(|_| ())
    })
}
