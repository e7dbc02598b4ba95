//! The differences between the two databases, each as one function.

use std::path::Path;
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSeverity};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use toolvault_core::identity::UserId;

use super::transaction::Tx;

/// SQLite with its recommended settings against hostile files, and each commit on disk.
pub(crate) fn sqlite_options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(most_of(patience))
        // The thread that reads waits for the one that takes the rows when so many are between them. With the default of
        // 50 the two wake each other all the time.
        .row_buffer_size(1_024)
        // A group of changes has a text for each combination of numbers of rows (`given`).
        .statement_cache_capacity(256)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("secure_delete", "ON")
        .pragma("mmap_size", "0")
}

/// PostgreSQL, with time limits below a caller's patience.
pub(crate) fn postgres_options(options: PgConnectOptions, patience: Duration) -> PgConnectOptions {
    let [most, all] = [most_of(patience), patience].map(|limit| format!("{}ms", limit.as_millis()));
    options.application_name("toolvault").options([
        ("synchronous_commit", "on"),
        ("lock_timeout", most.as_str()),
        ("statement_timeout", all.as_str()),
        ("idle_in_transaction_session_timeout", most.as_str()),
    ])
}

/// Most of a caller's patience: the rest is left for reporting the outcome.
pub(crate) fn most_of(patience: Duration) -> Duration {
    patience.mul_f32(0.8)
}

/// Lifts the time limits of this transaction. For work that no request waits for, and that computes between its
/// statements.
pub(crate) async fn take_time(tx: &mut Tx) -> sqlx::Result<()> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    for statement in [
        "SET LOCAL lock_timeout = 0",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ] {
        sqlx::query(statement).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Makes other processes that set up this store or replace its root key wait until this transaction ends. On SQLite the
/// only writer already has the lock.
pub(crate) async fn lock_installation(tx: &mut Tx) -> sqlx::Result<()> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    sqlx::query("LOCK TABLE installation IN EXCLUSIVE MODE")
        .execute(&mut **tx)
        .await
        .map(|_| ())
}

/// Whether this database, of any schema or none, has a store.
pub(crate) async fn has_store_sqlite(pool: &SqlitePool) -> sqlx::Result<bool> {
    let table = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'installation')";
    let rows = "SELECT EXISTS (SELECT 1 FROM installation)";
    Ok(sqlx::query_scalar(table).fetch_one(pool).await?
        && sqlx::query_scalar(rows).fetch_one(pool).await?)
}

/// As [`has_store_sqlite`].
pub(crate) async fn has_store_postgres(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let table = "SELECT to_regclass('installation') IS NOT NULL";
    let rows = "SELECT EXISTS (SELECT 1 FROM installation)";
    Ok(sqlx::query_scalar(table)
        .fetch_one(&mut *connection)
        .await?
        && sqlx::query_scalar(rows).fetch_one(connection).await?)
}

/// Begins a transaction of PostgreSQL and waits for the locks on these users' ledgers, in one round trip. All processes
/// take these locks in this order and before others, so that two cannot deadlock.
pub(crate) fn begin_with_locks(users: &[UserId]) -> String {
    if users.is_empty() {
        return "BEGIN".to_owned();
    }
    let users: Vec<_> = users.iter().map(|user| format!("'{}'", user.0)).collect();
    let users = users.join(", ");
    format!(
        "BEGIN; SELECT 1 FROM ledgers WHERE user_id IN ({users}) ORDER BY user_id FOR NO KEY UPDATE"
    )
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const IN_FAILED_SQL_TRANSACTION: &str = "25P02";

/// Result codes of SQLite (<https://sqlite.org/rescode.html>) after which its pages in memory cannot be relied on.
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const NOTADB: u32 = 26;
/// Kinds of `IOERR` that lose no data. A write that was refused is rolled back, as on a full disk: a quota, a read-only
/// file system and missing permissions refuse writes this way. The index of the write-ahead log is rebuilt from the log.
const NO_LOSS: [u32; 8] = [
    778,   // IOERR_WRITE
    1_546, // IOERR_TRUNCATE
    1_802, // IOERR_FSTAT
    3_082, // IOERR_NOMEM
    3_338, // IOERR_ACCESS
    4_618, // IOERR_SHMOPEN
    4_874, // IOERR_SHMSIZE
    5_386, // IOERR_SHMMAP
];

/// The database's own code of an error: an extended result code of SQLite, such as 13 for a full disk, or an SQLSTATE
/// of PostgreSQL, such as 53100.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(error) = error else {
        return None;
    };
    error.code().map(std::borrow::Cow::into_owned)
}

const CONSTRAINT: u32 = 19;
const MISMATCH: u32 = 20;

/// Whether the database refused a row.
pub(crate) fn is_about_rows(error: &sqlx::Error) -> bool {
    let Some(code) = code(error) else {
        return false;
    };
    let sqlite = code.parse::<u32>().map(|code| code & 0xff);
    // SQLSTATEs have five characters, the codes of SQLite fewer. Classes: invalid data, a constraint, a trigger.
    if code.len() == 5 {
        ["22", "23", "P0"]
            .iter()
            .any(|class| code.starts_with(class))
    } else {
        matches!(sqlite, Ok(CONSTRAINT | MISMATCH))
    }
}

/// Whether the server has ended the connection.
pub(crate) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| error.severity() == PgSeverity::Fatal),
        _ => false,
    }
}

/// Whether PostgreSQL refused a statement because the transaction on this connection had failed before.
pub(crate) fn is_aborted(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some(IN_FAILED_SQL_TRANSACTION)
}

/// Whether the error says that the storage can no longer be trusted (I/O error, corruption). SQLite's pages in memory
/// cannot be relied on afterwards.
pub(crate) fn is_fatal(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let Some(error) = error.try_downcast_ref::<sqlx::sqlite::SqliteError>() else {
        return false;
    };
    let code = sqlx::error::DatabaseError::code(error)
        .and_then(|code| code.parse::<u32>().ok())
        .unwrap_or_default();
    !NO_LOSS.contains(&code) && matches!(code & 0xff, IOERR | CORRUPT | NOTADB)
}
