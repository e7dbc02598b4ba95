//! Statements on many rows. One text serves both databases: it takes the rows from the common table expression `given`.
//!
//! PostgreSQL gets an array for each column, so the text does not depend on the number of rows, and several statements
//! go in one round trip. SQLite gets `VALUES`.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::transaction::Tx;

/// How many rows one statement of SQLite takes. It accepts 32,766 parameters.
const MOST_ROWS: usize = 1_000;

/// A column of the given rows.
pub(crate) enum Column {
    Ids(Vec<Option<Uuid>>),
    Integers(Vec<i64>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Truths(Vec<bool>),
}

type OnSqlite = Query<'static, Sqlite, SqliteArguments>;

/// A statement with its rows.
pub(crate) struct Statement {
    text: &'static str,
    columns: Vec<(&'static str, Column)>,
    rows: usize,
}

impl Column {
    pub(crate) fn ids(values: impl Iterator<Item = Uuid>) -> Self {
        Self::Ids(values.map(Some).collect())
    }

    pub(crate) fn texts(values: impl Iterator<Item = String>) -> Self {
        Self::Texts(values.map(Some).collect())
    }

    pub(crate) fn bytes(values: impl Iterator<Item = Vec<u8>>) -> Self {
        Self::Bytes(values.map(Some).collect())
    }

    const fn array(&self) -> &'static str {
        match self {
            Self::Ids(_) => "uuid[]",
            Self::Integers(_) => "bigint[]",
            Self::Texts(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
            Self::Truths(_) => "boolean[]",
        }
    }
}

impl Statement {
    /// A statement for this many rows, which have these columns in this order.
    pub(crate) fn new(
        text: &'static str,
        rows: usize,
        columns: impl Into<Vec<(&'static str, Column)>>,
    ) -> Self {
        Self {
            text,
            columns: columns.into(),
            rows,
        }
    }

    pub(crate) fn has_rows(&self) -> bool {
        self.rows > 0
    }

    /// The rows that the statement selects.
    pub(crate) async fn fetch<T>(self, tx: &mut Tx) -> sqlx::Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        if !self.has_rows() {
            return Ok(Vec::new());
        }
        match tx {
            Tx::Sqlite(tx) => {
                let query = join(std::slice::from_ref(&self), None);
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(T::from_row).collect()
            }
            Tx::Postgres(tx) => {
                let text = format!("{} {}", self.given(1), self.text);
                let mut query = sqlx::query(AssertSqlSafe(text));
                for (_, column) in self.columns {
                    query = bind_array(query, column);
                }
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(T::from_row).collect()
            }
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// The rows for PostgreSQL, with parameters from number `first` on.
    fn given(&self, first: usize) -> String {
        let arrays = self.columns.iter().zip(first..);
        let arrays = arrays.map(|((_, column), number)| format!("${number}::{}", column.array()));
        let arrays: Vec<_> = arrays.collect();
        let (names, arrays) = (self.names(), arrays.join(", "));
        format!("WITH given({names}) AS (SELECT * FROM UNNEST({arrays}))")
    }

    /// The numbers of the rows that one statement of SQLite takes.
    fn portions(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let rows = self.rows;
        let starts = (0..rows).step_by(MOST_ROWS);
        starts.map(move |start| start..rows.min(start + MOST_ROWS))
    }

    fn on_sqlite(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        let values = vec![row; rows].join(", ");
        let (names, text) = (self.names(), self.text);
        format!("WITH given({names}) AS (VALUES {values}) {text}")
    }

    fn bind_row(&self, mut query: OnSqlite, row: usize) -> OnSqlite {
        for (_, column) in &self.columns {
            query = match column {
                Column::Ids(values) => query.bind(values.get(row).copied().flatten()),
                Column::Integers(values) => query.bind(values.get(row).copied()),
                Column::Texts(values) => query.bind(values.get(row).cloned().flatten()),
                Column::Bytes(values) => query.bind(values.get(row).cloned().flatten()),
                Column::Truths(values) => query.bind(values.get(row).copied()),
            };
        }
        query
    }
}

/// Runs statements that write. They must not concern the same rows: PostgreSQL runs them as one.
///
/// With an `announcement`, it also notifies the other processes on the database. SQLite has only one.
pub(crate) async fn run(
    tx: &mut Tx,
    statements: Vec<Statement>,
    announcement: Option<&str>,
) -> sqlx::Result<()> {
    match tx {
        _ if announcement.is_none() && !statements.iter().any(Statement::has_rows) => Ok(()),
        Tx::Sqlite(tx) => {
            let query = join(&statements, None);
            query.execute(&mut **tx).await.map(|_| ())
        }
        Tx::Postgres(tx) => {
            let notify = "SELECT pg_notify('toolvault', $1) WHERE $1 IS NOT NULL";
            let query = sqlx::query(compose(&statements, 2, notify)).bind(announcement);
            bind_all(query, statements)
                .execute(&mut **tx)
                .await
                .map(|_| ())
        }
    }
}

/// Runs statements that write, as [`run`] does, and `last`, which returns one row.
pub(crate) async fn run_and_fetch<T>(
    tx: &mut Tx,
    statements: Vec<Statement>,
    last: &'static str,
) -> sqlx::Result<Option<T>>
where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
{
    match tx {
        Tx::Sqlite(tx) => {
            let query = join(&statements, Some(last));
            let row = query.fetch_optional(&mut **tx).await?;
            row.map(|row| T::from_row(&row)).transpose()
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query(compose(&statements, 1, last));
            let row = bind_all(query, statements)
                .fetch_optional(&mut **tx)
                .await?;
            row.map(|row| T::from_row(&row)).transpose()
        }
    }
}

/// All of these and `last`, one after another, as one query of SQLite: the driver hands each query to a thread and back,
/// which takes longer than a small statement.
fn join(statements: &[Statement], last: Option<&'static str>) -> OnSqlite {
    let portions = statements.iter().flat_map(|statement| {
        let portions = statement.portions();
        portions.map(move |rows| (statement, rows))
    });
    let portions: Vec<_> = portions.collect();
    let texts = portions.iter();
    let texts = texts.map(|(statement, rows)| statement.on_sqlite(rows.len()));
    let texts: Vec<_> = texts.chain(last.map(str::to_owned)).collect();
    // A text for each number of rows would drive all others out of the cache.
    let is_common = portions.iter().all(|(_, rows)| rows.len() == 1);
    let mut query = sqlx::query(AssertSqlSafe(texts.join("; "))).persistent(is_common);
    for (statement, rows) in portions {
        for row in rows {
            query = statement.bind_row(query, row);
        }
    }
    query
}

/// One statement of PostgreSQL that does the same as all of these and `last`. Those without rows are left out.
fn compose(statements: &[Statement], first: usize, last: &str) -> AssertSqlSafe<String> {
    let (mut parts, mut first) = (Vec::new(), first);
    for statement in statements.iter().filter(|statement| statement.has_rows()) {
        let (number, given) = (parts.len(), statement.given(first));
        parts.push(format!("part{number} AS ({given} {})", statement.text));
        first += statement.columns.len();
    }
    if parts.is_empty() {
        return AssertSqlSafe(last.to_owned());
    }
    AssertSqlSafe(format!("WITH {} {last}", parts.join(", ")))
}

fn bind_all(
    mut query: Query<'_, Postgres, PgArguments>,
    statements: Vec<Statement>,
) -> Query<'_, Postgres, PgArguments> {
    let statements = statements.into_iter().filter(Statement::has_rows);
    for (_, column) in statements.flat_map(|statement| statement.columns) {
        query = bind_array(query, column);
    }
    query
}

fn bind_array(
    query: Query<'_, Postgres, PgArguments>,
    column: Column,
) -> Query<'_, Postgres, PgArguments> {
    match column {
        Column::Ids(values) => query.bind(values),
        Column::Integers(values) => query.bind(values),
        Column::Texts(values) => query.bind(values),
        Column::Bytes(values) => query.bind(values),
        Column::Truths(values) => query.bind(values),
    }
}
