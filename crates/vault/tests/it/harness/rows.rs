//! Direct access to the tables: what a hostile writer of the database sees and does.

use std::path::Path;

use sqlx::{
    AssertSqlSafe, Column as _, ColumnIndex, Database, Decode, PgPool, Row, SqlitePool, Type,
    TypeInfo as _,
};
use toolvault_vault::DatabaseLocation;

use super::App;
use super::databases::Place;

/// An attacker's connection to the database.
pub(crate) enum Rows {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Rows {
    pub(crate) async fn of(app: &App) -> Self {
        Self::at(&app.place).await
    }

    pub(crate) async fn at(place: &Place) -> Self {
        match &place.location {
            DatabaseLocation::Directory(directory) => Self::in_directory(directory).await,
            DatabaseLocation::Postgres(_) => {
                let url = place.postgres_url();
                // Foreign keys do not stop the owner of the database.
                let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
                let options = options.options([("session_replication_role", "replica")]);
                let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
                Self::Postgres(pool.connect_with(options).await.unwrap())
            }
        }
    }

    /// The store of a data directory.
    pub(crate) async fn in_directory(directory: &Path) -> Self {
        std::fs::create_dir_all(directory).unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(directory.join("toolvault.db"))
            .create_if_missing(true)
            .busy_timeout(std::time::Duration::from_secs(10))
            .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
            .foreign_keys(false);
        let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        Self::Sqlite(pool.connect_with(options).await.unwrap())
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&self, statements: &str) -> u64 {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match self {
            Self::Sqlite(pool) => statements.execute(pool).await.unwrap().rows_affected(),
            Self::Postgres(pool) => statements.execute(pool).await.unwrap().rows_affected(),
        }
    }

    /// Runs statements that the database may refuse; `None` if it does.
    pub(crate) async fn try_run(&self, statements: &str) -> Option<u64> {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        let done = match self {
            Self::Sqlite(pool) => statements
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(pool) => statements
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
        };
        done.ok()
    }

    /// The first column of each row as text.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
        }
    }

    /// The bytes that a query returns.
    pub(crate) async fn blob(&self, query: &str) -> Vec<u8> {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
        }
    }

    /// The number that a query returns.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(pool) => {
                let row = sqlx::query(query).fetch_one(pool).await.unwrap();
                row.get(0)
            }
            Self::Postgres(pool) => {
                let row = sqlx::query(query).fetch_one(pool).await.unwrap();
                row.get(0)
            }
        }
    }

    /// Bytes as a literal of this database.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let digits = toolvault_core::digest::hexadecimal(bytes);
        match self {
            Self::Sqlite(_) => format!("X'{digits}'"),
            Self::Postgres(_) => format!("'\\x{digits}'::bytea"),
        }
    }

    /// An id as a literal of this database.
    pub(crate) fn id(&self, id: uuid::Uuid) -> String {
        match self {
            Self::Sqlite(_) => self.bytes(id.as_bytes()),
            Self::Postgres(_) => format!("'{id}'::uuid"),
        }
    }

    /// The names of all tables, without the engine's and the migrations' own.
    pub(crate) async fn tables(&self) -> Vec<String> {
        let query = match self {
            Self::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Self::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
            }
        };
        let mut names = self.texts(query).await;
        names.retain(|name| name != "_sqlx_migrations" && !name.starts_with("sqlite_"));
        names
    }

    /// The names of a table's columns.
    pub(crate) async fn columns(&self, table: &str) -> Vec<String> {
        let query = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
        };
        self.texts(&query).await
    }

    /// The statements that make the indexes, without those of constraints.
    pub(crate) async fn indexes(&self) -> Vec<String> {
        let query = match self {
            Self::Sqlite(_) => {
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            }
            Self::Postgres(_) => {
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
                 AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            }
        };
        self.texts(query).await
    }

    /// Every row of a table as text, sorted; the same on both databases.
    pub(crate) async fn dump(&self, table: &str) -> Vec<String> {
        let query = AssertSqlSafe(format!("SELECT * FROM {table}"));
        let mut rows: Vec<String> = match self {
            Self::Sqlite(pool) => {
                let rows = sqlx::query(query).fetch_all(pool).await.unwrap();
                rows.iter()
                    .map(|row| row_text(row, row.columns()))
                    .collect()
            }
            Self::Postgres(pool) => {
                let rows = sqlx::query(query).fetch_all(pool).await.unwrap();
                rows.iter()
                    .map(|row| row_text(row, row.columns()))
                    .collect()
            }
        };
        rows.sort();
        rows
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn row_text<'r, R: Row>(row: &'r R, columns: &'r [<R::Database as Database>::Column]) -> String
where
    usize: ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<bool>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<uuid::Uuid>: Decode<'r, R::Database> + Type<R::Database>,
{
    let hexadecimal = |bytes: &[u8]| toolvault_core::digest::hexadecimal(bytes);
    let text = |column: &<R::Database as Database>::Column| {
        let at = column.ordinal();
        let value = match column.type_info().name() {
            "INTEGER" | "INT8" => row.get::<Option<i64>, _>(at).map(|n| n.to_string()),
            "BOOL" => row
                .get::<Option<bool>, _>(at)
                .map(|truth| i64::from(truth).to_string()),
            "TEXT" => row.get(at),
            "UUID" => {
                let id: Option<uuid::Uuid> = row.get(at);
                id.map(|id| hexadecimal(id.as_bytes()))
            }
            "BLOB" | "BYTEA" => row
                .get::<Option<Vec<u8>>, _>(at)
                .map(|bytes| hexadecimal(&bytes)),
            other => panic!("{other}"),
        };
        format!("{}={}", column.name(), value.unwrap_or_else(|| "-".into()))
    };
    columns.iter().map(text).collect::<Vec<_>>().join(" ")
}

impl Place {
    pub(crate) fn postgres_url(&self) -> String {
        super::databases::url(self.database.as_deref().unwrap())
    }
}

/// Every table of the store.
pub(crate) const TABLES: [&str; 23] = [
    "installation",
    "keyring",
    "users",
    "ledgers",
    "secrets",
    "secret_versions",
    "api_keys",
    "api_key_uses",
    "connections",
    "client_registrations",
    "idempotent_answers",
    "ended_sign_ins",
    "session_generations",
    "audit_pages",
    "audit_epochs",
    "audit_head",
    "audit_cut",
    "audit_kept",
    "audit_shipped",
    "audit_alarmed",
    "tool_pins",
    "gateway_tasks",
    "approvals",
];
