//! The pinned definitions of tools.

use sqlx::FromRow;

use super::given::{Column, Statement};
use super::transaction::{Tx, on};

/// A pin as stored, without the definitions' texts.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct PinRow {
    pub(crate) server: String,
    pub(crate) tool: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) pinned_at: i64,
    pub(crate) changed_hash: Option<Vec<u8>>,
    pub(crate) changed_at: Option<i64>,
    pub(crate) mac: Vec<u8>,
}

/// The texts of a tool's pin: what it is pinned as, and what it was changed to.
pub(crate) type Texts = (String, Option<String>, Option<String>);

pub(crate) async fn find_all(tx: &mut Tx, server: &str) -> sqlx::Result<Vec<PinRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT server, tool, hash, pinned_at, changed_hash, changed_at, mac FROM tool_pins \
             WHERE server = $1 ORDER BY tool",
        )
        .bind(server)
        .fetch_all(connection)
        .await
    })
}

pub(crate) async fn find(tx: &mut Tx, server: &str, tool: &str) -> sqlx::Result<Option<PinRow>> {
    on!(tx, connection => {
        sqlx::query_as(
            "SELECT server, tool, hash, pinned_at, changed_hash, changed_at, mac FROM tool_pins \
             WHERE server = $1 AND tool = $2",
        )
        .bind(server)
        .bind(tool)
        .fetch_optional(connection)
        .await
    })
}

/// The pins of these tools of a server.
pub(crate) async fn find_some(
    tx: &mut Tx,
    server: &str,
    tools: &[&str],
) -> sqlx::Result<Vec<PinRow>> {
    let columns = "SELECT p.server, p.tool, p.hash, p.pinned_at, p.changed_hash, p.changed_at, p.mac FROM given \
         JOIN tool_pins p ON p.server = given.server AND p.tool = given.tool";
    of_tools(columns, server, tools).fetch(tx).await
}

fn of_tools(text: &'static str, server: &str, tools: &[&str]) -> Statement {
    let servers = tools.iter().map(|_| server.to_owned());
    Statement::new(
        text,
        tools.len(),
        [
            ("server", Column::texts(servers)),
            (
                "tool",
                Column::texts(tools.iter().map(|tool| (*tool).to_owned())),
            ),
        ],
    )
}

/// The texts of these tools' pins.
pub(crate) async fn find_texts(
    tx: &mut Tx,
    server: &str,
    tools: &[&str],
) -> sqlx::Result<Vec<Texts>> {
    let columns = "SELECT p.tool, p.definition, p.changed_definition FROM given \
         JOIN tool_pins p ON p.server = given.server AND p.tool = given.tool";
    of_tools(columns, server, tools).fetch(tx).await
}

/// The names of all tools, each with its server.
pub(crate) async fn names(tx: &mut Tx) -> sqlx::Result<Vec<(String, String)>> {
    on!(tx, connection => {
        sqlx::query_as("SELECT server, tool FROM tool_pins ORDER BY server, tool")
            .fetch_all(connection)
            .await
    })
}

pub(crate) async fn count(tx: &mut Tx, server: &str) -> sqlx::Result<i64> {
    on!(tx, connection => {
        sqlx::query_scalar("SELECT COUNT(*) FROM tool_pins WHERE server = $1")
            .bind(server)
            .fetch_one(connection)
            .await
    })
}

/// A row with the definition that it has the hash of, the pinned one or the changed one.
pub(crate) type Defined<'a> = (PinRow, Option<&'a str>);

/// Stores pins, and returns the tools that had none yet.
pub(crate) async fn insert(tx: &mut Tx, pins: &[Defined<'_>]) -> sqlx::Result<Vec<String>> {
    let statement = statement(
        "INSERT INTO tool_pins (server, tool, hash, pinned_at, definition, mac) \
         SELECT * FROM given WHERE TRUE ON CONFLICT DO NOTHING RETURNING tool",
        pins,
        "definition",
        Vec::new(),
    );
    tools_of(tx, statement).await
}

/// Notes what tools were changed to, and returns those that were pinned as their rows say.
pub(crate) async fn change(tx: &mut Tx, changes: &[Defined<'_>]) -> sqlx::Result<Vec<String>> {
    let hashes = changes.iter().map(|(row, _)| row.changed_hash.clone());
    let times = changes.iter().map(|(row, _)| row.changed_at.unwrap_or(0));
    let statement = statement(
        "UPDATE tool_pins SET changed_hash = given.changed_hash, changed_at = given.changed_at, \
         changed_definition = given.changed_definition, mac = given.mac FROM given \
         WHERE tool_pins.server = given.server AND tool_pins.tool = given.tool \
         AND tool_pins.hash = given.hash AND tool_pins.pinned_at = given.pinned_at \
         RETURNING tool_pins.tool",
        changes,
        "changed_definition",
        vec![
            ("changed_hash", Column::Bytes(hashes.collect())),
            ("changed_at", Column::Integers(times.collect())),
        ],
    );
    tools_of(tx, statement).await
}

fn statement(
    text: &'static str,
    rows: &[Defined<'_>],
    definition: &'static str,
    more: Vec<(&'static str, Column)>,
) -> Statement {
    let of = |of: fn(&PinRow) -> String| Column::texts(rows.iter().map(|(row, _)| of(row)));
    let bytes =
        |of: fn(&PinRow) -> &[u8]| Column::bytes(rows.iter().map(|(row, _)| of(row).into()));
    let times = rows.iter().map(|(row, _)| row.pinned_at);
    let definitions = rows.iter().map(|(_, text)| text.map(str::to_owned));
    let mut columns = vec![
        ("server", of(|row| row.server.clone())),
        ("tool", of(|row| row.tool.clone())),
        ("hash", bytes(|row| &row.hash)),
        ("pinned_at", Column::Integers(times.collect())),
        (definition, Column::Texts(definitions.collect())),
        ("mac", bytes(|row| &row.mac)),
    ];
    columns.extend(more);
    Statement::new(text, rows.len(), columns)
}

async fn tools_of(tx: &mut Tx, statement: Statement) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = statement.fetch(tx).await?;
    Ok(rows.into_iter().map(|(tool,)| tool).collect())
}

/// Makes the change with the row's hash the pin. Returns false if it is not the last change.
pub(crate) async fn accept(tx: &mut Tx, row: &PinRow) -> sqlx::Result<bool> {
    let written = on!(tx, connection => {
        sqlx::query(
            "UPDATE tool_pins SET hash = $3, definition = changed_definition, pinned_at = $4, \
             changed_hash = NULL, changed_definition = NULL, changed_at = NULL, mac = $5 \
             WHERE server = $1 AND tool = $2 AND changed_hash = $3",
        )
        .bind(&row.server)
        .bind(&row.tool)
        .bind(&row.hash)
        .bind(row.pinned_at)
        .bind(&row.mac)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?;
    Ok(written == 1)
}
