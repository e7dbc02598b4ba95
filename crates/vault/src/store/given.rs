//! Statements on many rows. One text serves both databases: it takes the rows from the common table expression `given`.
//!
//! PostgreSQL gets an array for each column, so the text does not depend on the number of rows, and several statements
//! go in one round trip. SQLite gets `VALUES` for a power of two of rows, of which it takes the first ones, so that there
//! are few texts, and they stay prepared.

use std::ops::Range;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::transaction::Tx;

/// How many rows one statement of SQLite takes. It accepts 32,766 parameters.
const MOST_ROWS: usize = 1_024;

/// Statements of SQLite for more rows are rare, and large when they are prepared.
const MOST_PREPARED_ROWS: usize = 64;

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
                let query = join(std::slice::from_ref(&self));
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
    fn portions(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let rows = self.rows;
        let starts = (0..rows).step_by(MOST_ROWS);
        starts.map(move |start| start..rows.min(start + MOST_ROWS))
    }

    /// The text for so many rows, of which there may be room for more than are given. Then their number is the parameter
    /// after the rows. The sum hides it from the query planner: SQLite prepares a statement again whenever `LIMIT ?` is bound.
    fn on_sqlite(&self, rows: usize) -> String {
        let room = rows.next_power_of_two();
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        let values = vec![row; room].join(", ");
        let (names, text) = (self.names(), self.text);
        if room == rows {
            format!("WITH given({names}) AS (VALUES {values}) {text}")
        } else {
            format!("WITH given({names}) AS (SELECT * FROM (VALUES {values}) LIMIT 0 + ?) {text}")
        }
    }

    /// Binds the rows that [`on_sqlite`](Self::on_sqlite) takes. Those that are not given are all NULL.
    fn bind(&self, mut query: OnSqlite, rows: &Range<usize>) -> OnSqlite {
        let (count, room) = (rows.len(), rows.len().next_power_of_two());
        for row in rows.start..rows.start + room {
            query = self.bind_row(query, row);
        }
        if room > count {
            query = query.bind(i64::try_from(count).unwrap_or(i64::MAX));
        }
        query
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
            let query = join(&statements);
            query.execute(&mut **tx).await.map(|_| ())
        }
        Tx::Postgres(tx) => {
            let mut query = sqlx::query(compose(&statements)).bind(announcement);
            let statements = statements.into_iter().filter(Statement::has_rows);
            for (_, column) in statements.flat_map(|statement| statement.columns) {
                query = bind_array(query, column);
            }
            query.execute(&mut **tx).await.map(|_| ())
        }
    }
}

/// All of these, one after another, as one query of SQLite: the driver hands each query to a thread and back, which takes
/// longer than a small statement.
fn join(statements: &[Statement]) -> OnSqlite {
    let portions = statements.iter().flat_map(|statement| {
        let portions = statement.portions();
        portions.map(move |rows| (statement, rows))
    });
    let portions: Vec<_> = portions.collect();
    let texts = portions.iter();
    let texts = texts.map(|(statement, rows)| statement.on_sqlite(rows.len()));
    let texts: Vec<_> = texts.collect();
    let is_small = |(_, rows): &(_, Range<usize>)| rows.len() <= MOST_PREPARED_ROWS;
    let is_common = portions.iter().all(is_small);
    let mut query = sqlx::query(AssertSqlSafe(texts.join("; "))).persistent(is_common);
    for (statement, rows) in portions {
        query = statement.bind(query, &rows);
    }
    query
}

/// One statement of PostgreSQL that does the same as all of these, and notifies the other processes with parameter 1 unless
/// it is NULL. Those without rows are left out.
fn compose(statements: &[Statement]) -> AssertSqlSafe<String> {
    let (mut parts, mut first) = (Vec::new(), 2);
    for statement in statements.iter().filter(|statement| statement.has_rows()) {
        let (number, given) = (parts.len(), statement.given(first));
        parts.push(format!("part{number} AS ({given} {})", statement.text));
        first += statement.columns.len();
    }
    let notify = "SELECT pg_notify('toolvault', $1) WHERE $1 IS NOT NULL";
    if parts.is_empty() {
        return AssertSqlSafe(notify.to_owned());
    }
    AssertSqlSafe(format!("WITH {} {notify}", parts.join(", ")))
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
