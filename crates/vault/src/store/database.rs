//! Opening, migrating and reaching the database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toolvault_core::identity::UserId;

use super::hosts::Hosts;
use super::open_database_error::OpenDatabaseError;
use super::transaction::Tx;
use super::{dialect, directory, hosts};
use crate::settings::{DatabaseLocation, DatabaseUrl};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Beyond every migration.
const NEWEST: i64 = i64::MAX;
const FILE_NAME: &str = "toolvault.db";
/// How long a group may take on a database server: longer than callers wait, so that the outcome is nearly always known.
const LIMIT: Duration = Duration::from_secs(10);

/// The open database.
pub(crate) enum Database {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

/// A database on PostgreSQL, which several processes may share.
pub(crate) struct PostgresDatabase {
    /// The pool of connections in use. Another one replaces it when another host accepts changes.
    pools: watch::Sender<PgPool>,
    hosts: Hosts,
    patience: Duration,
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
            Self::Postgres(database) => {
                Tx::begin(
                    database.pool(),
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
            Self::Postgres(database) => {
                Tx::begin(database.pool(), dialect::begin_with_locks(users)).await
            }
        }
    }

    /// Completes with the cause when a group that begins now has to give up, because the database server does not answer
    /// or another host accepts changes. Never for the embedded database: it cannot be abandoned, because it may still
    /// commit what it has begun.
    pub(crate) fn abandoned(&self) -> impl Future<Output = String> + Send + use<> {
        let pools = self.pools();
        async move {
            let Some(mut pools) = pools else {
                return std::future::pending().await;
            };
            tokio::select! {
                () = tokio::time::sleep(LIMIT) => format!("the database did not answer for {LIMIT:?}"),
                _ = pools.changed() => "another host of the database accepts changes now".to_owned(),
            }
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

    /// The pool of connections to PostgreSQL, and those that replace it. `None` on SQLite, which has one process.
    pub(crate) fn pools(&self) -> Option<watch::Receiver<PgPool>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => Some(database.pools.subscribe()),
        }
    }

    /// Follows the host that accepts changes, until `stop` is called. `None` on SQLite.
    pub(crate) fn follow(
        &self,
        stop: CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => {
                let (hosts, pools) = (database.hosts.clone(), database.pools.clone());
                Some(hosts.follow(pools, database.patience, stop))
            }
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
            Self::Postgres(database) => database.pool().close().await,
        }
    }
}

impl PostgresDatabase {
    fn pool(&self) -> PgPool {
        self.pools.borrow().clone()
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
        // There is no network in between, and a test takes a thread switch and back.
        .test_before_acquire(false)
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
        .test_before_acquire(false)
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
    if connection.is_in_transaction() {
        // The driver may only have queued a rollback; this runs it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

async fn open_postgres(
    url: &DatabaseUrl,
    patience: Duration,
    purpose: Purpose,
) -> Result<Database, OpenDatabaseError> {
    let hosts = Hosts::of(url).ok_or(OpenDatabaseError::Url)?;
    // Migrations may take longer than any request, so they run without the sessions' limits.
    let (options, mut connection) = hosts.find().await.map_err(OpenDatabaseError::Reach)?;
    let unsafe_setting = hosts::unsafe_setting(&mut connection).await;
    if let Some(name) = unsafe_setting.map_err(OpenDatabaseError::Connect)? {
        return Err(OpenDatabaseError::Unsafe(name));
    }
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
    let pool = hosts.pool(options, patience).await;
    Ok(Database::Postgres(PostgresDatabase {
        pools: watch::Sender::new(pool.map_err(OpenDatabaseError::Connect)?),
        hosts,
        patience,
    }))
}
