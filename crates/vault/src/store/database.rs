//! Opening, migrating and reaching the database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use toolvault_core::identity::UserId;

use super::transaction::Tx;
use super::{dialect, directory};
use crate::settings::{DatabaseLocation, DatabaseUrl};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Beyond every migration.
const NEWEST: i64 = i64::MAX;
const FILE_NAME: &str = "toolvault.db";

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDatabaseError {
    /// Another process uses the data directory.
    #[error("the data directory {0} is in use by another process")]
    InUse(PathBuf),
    /// The data directory or a file in it cannot be used.
    #[error("cannot use the data directory {path}")]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The data directory belongs to another user.
    #[error(
        "the data directory {path} belongs to user {owner}, but this process runs as user {own}; run it as user {owner}, or: chown -R {own} {path}"
    )]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        own: u32,
    },
    /// Other users may write to the data directory.
    #[error(
        "the data directory {path} has mode {mode:04o}: other users can replace its files; run: chmod 700 {path}"
    )]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The URL is not a PostgreSQL URL.
    #[error("the database URL is not valid; it begins with postgres://")]
    Url,
    /// The database cannot be reached.
    #[error("cannot reach the database")]
    Connect(#[source] sqlx::Error),
    /// There is a store, where an empty database was wanted.
    #[error("there is a store already")]
    HasStore,
    /// The schema could not be migrated, or is newer than this program.
    #[error("cannot migrate the database")]
    Migrate(#[source] MigrateError),
}

/// The open database.
pub(crate) enum Database {
    Sqlite(SqliteDatabase),
    Postgres(PgPool),
}

/// The embedded database. It holds the lock on the directory until it is closed.
pub(crate) struct SqliteDatabase {
    writer: SqlitePool,
    readers: SqlitePool,
    directory: PathBuf,
    /// Whether the last group of the writer failed.
    has_failed: Arc<AtomicBool>,
    lock: Mutex<Option<File>>,
}

impl Database {
    /// Opens the database and migrates its schema. No wait takes longer than `patience`.
    pub(crate) async fn open(
        location: &DatabaseLocation,
        patience: Duration,
    ) -> Result<Self, OpenDatabaseError> {
        Self::open_for(Purpose::Use, location, patience).await
    }

    /// As [`open`](Self::open), but migrates no further than to this schema, and changes nothing if there is a store.
    pub(crate) async fn open_empty(
        location: &DatabaseLocation,
        patience: Duration,
        schema: i64,
    ) -> Result<Self, OpenDatabaseError> {
        Self::open_for(Purpose::Fill(schema), location, patience).await
    }

    async fn open_for(
        purpose: Purpose,
        location: &DatabaseLocation,
        patience: Duration,
    ) -> Result<Self, OpenDatabaseError> {
        match location {
            DatabaseLocation::Directory(directory) => {
                open_sqlite(directory, patience, purpose).await
            }
            DatabaseLocation::Postgres(url) => open_postgres(url, patience, purpose).await,
        }
    }

    /// Begins a read-only transaction, which sees one consistent state.
    pub(crate) async fn read(&self) -> sqlx::Result<Tx> {
        // Boxed, because every request would move the large future of a connection that few of them need.
        match self {
            Self::Sqlite(database) => Box::pin(database.readers.begin()).await.map(Tx::Sqlite),
            Self::Postgres(pool) => {
                Tx::begin(
                    pool,
                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
                )
                .await
            }
        }
    }

    /// Begins a transaction of this process's only writer, which has locked the ledgers of these users. Its commit waits
    /// for the disk.
    pub(crate) async fn write(&self, users: &[UserId]) -> sqlx::Result<Tx> {
        match self {
            // Immediate: a deferred transaction that begins to write fails at once if another one has written in
            // between.
            Self::Sqlite(database) => {
                let begun = Box::pin(database.writer.begin_with("BEGIN IMMEDIATE"));
                begun.await.map(Tx::Sqlite)
            }
            Self::Postgres(pool) => Tx::begin(pool, dialect::begin_with_locks(users)).await,
        }
    }

    /// Makes the next group use another connection. One that SQLite opened while the file system was read-only can
    /// never write.
    pub(crate) fn reconnect(&self) {
        if let Self::Sqlite(database) = self {
            database.has_failed.store(true, Ordering::Relaxed);
        }
    }

    /// The directory of the embedded database.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(database) => Some(&database.directory),
            Self::Postgres(_) => None,
        }
    }

    /// The pool for PostgreSQL's notifications. `None` on SQLite, which has one process.
    pub(crate) fn notifications(&self) -> Option<&PgPool> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(pool) => Some(pool),
        }
    }

    /// Closes every connection. SQLite then merges its log into the database file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(database) => {
                database.readers.close().await;
                database.writer.close().await;
                // Release the lock now, not when the last clone of the vault is dropped.
                let mut lock = database.lock.lock();
                lock.take();
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// What a database is opened for.
#[derive(Clone, Copy)]
enum Purpose {
    Use,
    /// To fill it with what has this schema.
    Fill(i64),
}

impl Purpose {
    const fn schema(self) -> i64 {
        match self {
            Self::Use => NEWEST,
            Self::Fill(schema) => schema,
        }
    }
}

/// Migrates the rest of the schema, in this transaction.
pub(crate) async fn migrate(tx: &mut Tx) -> Result<(), MigrateError> {
    match tx {
        Tx::Sqlite(tx) => SQLITE_MIGRATIONS.run(&mut **tx).await,
        Tx::Postgres(tx) => POSTGRES_MIGRATIONS.run(&mut **tx).await,
    }
}

/// The schema that this program uses: the number of its newest migration.
pub(crate) fn newest_schema() -> i64 {
    let versions = SQLITE_MIGRATIONS.iter().map(|migration| migration.version);
    versions.max().unwrap_or_default()
}

async fn open_sqlite(
    directory: &Path,
    patience: Duration,
    purpose: Purpose,
) -> Result<Database, OpenDatabaseError> {
    let lock = directory::lock(directory)?;
    let path = directory.join(FILE_NAME);
    let options = dialect::sqlite_options(&path, patience);
    let has_failed = Arc::new(AtomicBool::new(false));
    let is_to_close = Arc::clone(&has_failed);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .before_acquire(move |_, _| {
            let is_usable = !is_to_close.swap(false, Ordering::Relaxed);
            Box::pin(async move { Ok(is_usable) })
        })
        .after_release(|connection, _| Box::pin(is_reusable(connection)))
        .acquire_timeout(dialect::most_of(patience))
        .connect_with(options.clone())
        .await
        .map_err(OpenDatabaseError::Connect)?;
    directory::restrict(&path)?;
    if matches!(purpose, Purpose::Fill(_)) {
        let found = dialect::has_store_sqlite(&writer).await;
        if found.map_err(OpenDatabaseError::Connect)? {
            writer.close().await;
            return Err(OpenDatabaseError::HasStore);
        }
    }
    SQLITE_MIGRATIONS
        .run_to(purpose.schema(), &writer)
        .await
        .map_err(OpenDatabaseError::Migrate)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(dialect::most_of(patience))
        .connect_lazy_with(options);
    Ok(Database::Sqlite(SqliteDatabase {
        writer,
        readers,
        directory: directory.to_owned(),
        has_failed,
        lock: Mutex::new(Some(lock)),
    }))
}

/// Whether the next group can use this connection of the writer.
///
/// When the disk is full, and after some other errors, SQLite rolls the transaction back itself
/// (<https://sqlite.org/lang_transaction.html>, section 3.1). The driver does not notice: its own rollback fails, and
/// from then on it believes that a transaction is open. Such a connection is closed, and the next group opens another.
async fn is_reusable(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // The driver may only have queued a rollback; this runs it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn open_postgres(
    url: &DatabaseUrl,
    patience: Duration,
    purpose: Purpose,
) -> Result<Database, OpenDatabaseError> {
    let options = PgConnectOptions::from_str(url.expose()).map_err(|_| OpenDatabaseError::Url)?;
    // Migrations may take longer than any request, so they run without the sessions' limits.
    let mut connection = PgConnection::connect_with(&options)
        .await
        .map_err(OpenDatabaseError::Connect)?;
    if matches!(purpose, Purpose::Fill(_)) {
        let found = dialect::has_store_postgres(&mut connection).await;
        if found.map_err(OpenDatabaseError::Connect)? {
            return Err(OpenDatabaseError::HasStore);
        }
    }
    POSTGRES_MIGRATIONS
        .run_to(purpose.schema(), &mut connection)
        .await
        .map_err(OpenDatabaseError::Migrate)?;
    connection
        .close()
        .await
        .map_err(OpenDatabaseError::Connect)?;
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .test_before_acquire(false)
        .acquire_timeout(dialect::most_of(patience))
        .connect_with(dialect::postgres_options(options, patience))
        .await
        .map_err(OpenDatabaseError::Connect)?;
    Ok(Database::Postgres(pool))
}
