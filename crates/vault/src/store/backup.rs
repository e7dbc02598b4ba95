//! Reads and writes whole tables, for backups. The tables are listed here; their columns come from the database.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use sqlx::{AssertSqlSafe, Database, Decode, QueryBuilder, Row, Type};
use toolvault_core::backup::row::Value;
use uuid::Uuid;

use super::transaction::{Tx, on};

/// Every table, each after those that it refers to, with the migration that made it.
const TABLES: [(&str, i64); 23] = [
    ("installation", 1),
    ("keyring", 1),
    ("users", 1),
    ("ledgers", 1),
    ("secrets", 1),
    ("secret_versions", 1),
    ("api_keys", 1),
    ("api_key_uses", 1),
    ("idempotent_answers", 1),
    ("audit_epochs", 1),
    ("audit_pages", 1),
    ("audit_head", 1),
    ("audit_cut", 4),
    ("audit_kept", 4),
    ("ended_sign_ins", 5),
    ("audit_shipped", 6),
    ("session_generations", 7),
    ("tool_pins", 9),
    ("connections", 10),
    ("client_registrations", 10),
    ("gateway_tasks", 11),
    ("approvals", 12),
    ("audit_alarmed", 13),
];

/// The tables of this schema.
pub(crate) fn tables(schema: i64) -> impl Iterator<Item = &'static str> {
    let known = TABLES
        .into_iter()
        .filter(move |(_, since)| *since <= schema);
    known.map(|(name, _)| name)
}

/// How many values one statement inserts at most. SQLite accepts 32,766.
const MOST_VALUES: usize = 4_096;

/// What a column holds in this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
    /// 16 bytes in a backup.
    Id,
    /// 0 or 1 in a backup.
    Truth,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Column {
    fn fits(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Integer(_) => matches!(self.kind, Kind::Integer | Kind::Truth),
            Value::Text(_) => self.kind == Kind::Text,
            Value::Bytes(bytes) => match self.kind {
                Kind::Id => bytes.len() == 16,
                kind => kind == Kind::Bytes,
            },
        }
    }
}

/// The columns of a table, in their order.
pub(crate) async fn columns(tx: &mut Tx, table: &str) -> sqlx::Result<Vec<Column>> {
    let found: Vec<(String, String)> = match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
                .bind(table)
                .fetch_all(&mut **tx)
                .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
            )
            .bind(table)
            .fetch_all(&mut **tx)
            .await?
        }
    };
    let known = |(name, kind): (String, String)| {
        let kind = match kind.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Kind::Integer,
            "text" => Kind::Text,
            "blob" | "bytea" => Kind::Bytes,
            "uuid" => Kind::Id,
            "boolean" => Kind::Truth,
            other => {
                let why = format!("the column {name} has the type {other}");
                return Err(sqlx::Error::Decode(why.into()));
            }
        };
        Ok(Column { name, kind })
    };
    found.into_iter().map(known).collect()
}

/// The number of the newest migration that the database has.
pub(crate) async fn schema(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(connection)
            .await
    })
}

pub(crate) async fn count(tx: &mut Tx, table: &'static str) -> sqlx::Result<i64> {
    let query = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    on!(tx, connection => sqlx::query_scalar(query).fetch_one(connection).await)
}

/// The rows of a table. They are not in memory together.
pub(crate) type Rows<'a> = Pin<Box<dyn Stream<Item = sqlx::Result<Vec<Value>>> + Send + 'a>>;

pub(crate) fn read<'a>(tx: &'a mut Tx, table: &str, columns: &'a [Column]) -> Rows<'a> {
    let query = AssertSqlSafe(format!("SELECT {} FROM {table}", names(columns)));
    on!(tx, connection => {
        let rows = sqlx::query(query).fetch(connection);
        Box::pin(rows.map(move |row| values(&row?, columns)))
    })
}

/// Inserts rows, which have a value for each of the columns.
pub(crate) async fn insert(
    tx: &mut Tx,
    table: &'static str,
    columns: &[Column],
    rows: &[Vec<Value>],
) -> sqlx::Result<()> {
    let fits = |row: &Vec<Value>| {
        columns
            .iter()
            .zip(row)
            .all(|(column, value)| column.fits(value))
    };
    if !rows.iter().all(fits) {
        return Err(sqlx::Error::Encode(
            "a value has another type than its column".into(),
        ));
    }
    for rows in rows.chunks((MOST_VALUES / columns.len().max(1)).max(1)) {
        let beginning = format!("INSERT INTO {table} ({}) ", names(columns));
        on!(tx, connection => {
            let mut query = QueryBuilder::new(beginning);
            query.push_values(rows, |mut row, values| {
                // The type of an absent value matters to PostgreSQL.
                for (column, value) in columns.iter().zip(values) {
                    match column.kind {
                        Kind::Integer => row.push_bind(number(value)),
                        Kind::Truth => row.push_bind(number(value).map(|number| number != 0)),
                        Kind::Text => row.push_bind(text(value).map(str::to_owned)),
                        Kind::Bytes => row.push_bind(bytes(value).map(<[u8]>::to_vec)),
                        Kind::Id => row.push_bind(bytes(value).and_then(|id| Uuid::from_slice(id).ok())),
                    };
                }
            });
            query.build().execute(connection).await?;
        });
    }
    Ok(())
}

/// The columns' names come from the database itself, and are written in quotes.
fn names(columns: &[Column]) -> String {
    let names = columns.iter().map(|column| format!("\"{}\"", column.name));
    names.collect::<Vec<_>>().join(", ")
}

fn values<'r, R: Row>(row: &'r R, columns: &[Column]) -> sqlx::Result<Vec<Value>>
where
    usize: sqlx::ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<bool>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Uuid>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    let value = |(at, column): (usize, &Column)| {
        let value = match column.kind {
            Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map(Value::Integer),
            Kind::Truth => {
                let truth = row.try_get::<Option<bool>, _>(at)?;
                truth.map(|truth| Value::Integer(i64::from(truth)))
            }
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Value::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Value::Bytes),
            Kind::Id => {
                let id = row.try_get::<Option<Uuid>, _>(at)?;
                id.map(|id| Value::Bytes(id.as_bytes().to_vec()))
            }
        };
        Ok(value.unwrap_or(Value::Null))
    };
    columns.iter().enumerate().map(value).collect()
}

const fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
