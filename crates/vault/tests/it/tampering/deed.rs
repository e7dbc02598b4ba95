//! One manipulation: a change of rows, chosen by the seed, as SQL for both databases.

use uuid::Uuid;

use super::columns::{Kind, TABLES, Table};
use super::scene::{SNAPSHOTS, Scene};
use crate::harness::entropy::SeededEntropy;
use crate::harness::rows::Rows;

/// A description of the change.
pub(super) struct Deed {
    pub(super) what: String,
    pub(super) tables: &'static [&'static str],
    /// Rows were rolled back, so an answer may be one that was right earlier.
    pub(super) is_rollback: bool,
}

pub(super) struct Hand<'a> {
    pub(super) rows: &'a Rows,
    pub(super) choose: &'a SeededEntropy,
}

impl Hand<'_> {
    /// Changes a row; retries until the database accepts the change.
    pub(super) async fn act(&self, scene: &Scene) -> Deed {
        loop {
            let table = *self.choose.pick(TABLES);
            let done = match self.choose.below(20) {
                0..=8 => self.edit(table).await,
                9..=11 => self.copy(table).await,
                12..=13 => self.swap(table).await,
                14..=15 => self.delete(table).await,
                16..=17 => self.roll_back(table).await,
                18 => self.duplicate(table).await,
                _ => self.roll_back_secret(scene).await,
            };
            if let Some(deed) = done {
                return deed;
            }
        }
    }

    /// Edits, copies, swaps or deletes rows of one table.
    pub(super) async fn any(&self, table: &'static Table) -> Option<Deed> {
        match self.choose.below(8) {
            0..=3 => self.edit(table).await,
            4 => self.copy(table).await,
            5..=6 => self.swap(table).await,
            _ if table.keys > 0 => self.delete(table).await,
            _ => None,
        }
    }

    /// A different value in one column of one row.
    async fn edit(&self, table: &'static Table) -> Option<Deed> {
        let row = self.row(table).await?;
        let (column, kind) = *self.choose.pick(table.columns);
        let value = self.other_value(table, column, kind, &row).await;
        let statement = format!(
            "UPDATE {0} SET {column} = {value} WHERE {row} AND {column} IS DISTINCT FROM {value}",
            table.name
        );
        self.done(table, statement, false).await
    }

    async fn other_value(&self, table: &Table, column: &str, kind: Kind, row: &str) -> String {
        let from = |options: &[&str]| (*self.choose.pick(options)).to_owned();
        match kind {
            Kind::Id => self
                .rows
                .id(Uuid::from_u128(1_000 + self.choose.below(9) as u128)),
            Kind::Flag if matches!(self.rows, Rows::Sqlite(_)) => format!("1 - {column}"),
            Kind::Flag => format!("NOT {column}"),
            Kind::MaybeNumber if self.choose.below(2) == 0 => from(&["NULL", "0", "7", "1000000"]),
            Kind::Number | Kind::MaybeNumber => self.number(column),
            Kind::MaybeText if self.choose.below(4) == 0 => "NULL".to_owned(),
            Kind::Text | Kind::MaybeText => {
                // '[]' is excluded: as a policy it equals an empty one.
                let texts = ["'*'", "''", "'[\"admin\"]'", "'local'", "'api_token'"];
                match self.choose.below(3) {
                    0 => format!("{column} || 'x'"),
                    1 => format!("substr({column}, 2)"),
                    _ => from(&texts),
                }
            }
            Kind::Bytes => {
                let query = format!("SELECT {column} FROM {} WHERE {row}", table.name);
                let mut bytes = self.rows.blob(&query).await;
                match self.choose.below(4) {
                    0 => bytes.truncate(self.choose.below(bytes.len().max(1))),
                    1 => bytes.push(0),
                    _ if bytes.is_empty() => bytes.push(1),
                    _ => {
                        let at = self.choose.below(bytes.len());
                        bytes[at] ^= 1 << self.choose.below(8);
                    }
                }
                self.rows.bytes(&bytes)
            }
        }
    }

    fn number(&self, column: &str) -> String {
        match self.choose.below(5) {
            0 => format!("{column} + 1"),
            1 => format!("{column} - 1"),
            2 => "0".to_owned(),
            3 => "-1".to_owned(),
            _ => format!("{column} + 1000003"),
        }
    }

    /// A column of another row of the same table.
    async fn copy(&self, table: &'static Table) -> Option<Deed> {
        let (row, other) = (self.row(table).await?, self.row(table).await?);
        let (column, _) = *self.choose.pick(table.columns);
        let value = format!("(SELECT v.{column} FROM v)");
        let statement = format!(
            "WITH v AS MATERIALIZED (SELECT {column} FROM {name} WHERE {other}) UPDATE {name} \
             SET {column} = {value} WHERE {row} AND {column} IS DISTINCT FROM {value}",
            name = table.name
        );
        self.done(table, statement, false).await
    }

    /// Some or all columns of two rows exchanged, except those that identify them.
    async fn swap(&self, table: &'static Table) -> Option<Deed> {
        let (row, other) = (self.row(table).await?, self.row(table).await?);
        if row == other {
            return None;
        }
        let columns: Vec<_> = table
            .columns
            .iter()
            .skip(table.keys)
            .map(|(name, _)| *name)
            .collect();
        let columns = match self.choose.below(2) {
            0 => vec![*self.choose.pick(&columns)],
            _ => columns,
        };
        let place = self.place();
        let differs = different(&columns, "v", table.name);
        let statement = format!(
            "WITH v AS MATERIALIZED (SELECT {place} AS place, {list} FROM {name} WHERE {row} OR {other}) \
             UPDATE {name} SET ({list}) = (SELECT {from_v} FROM v WHERE v.place <> {name}.{place}) \
             WHERE ({row} OR {other}) AND EXISTS (SELECT 1 FROM v WHERE v.place <> {name}.{place} AND ({differs}))",
            name = table.name,
            list = columns.join(", "),
            from_v = prefixed(&columns, "v"),
        );
        self.done(table, statement, false).await
    }

    async fn delete(&self, table: &'static Table) -> Option<Deed> {
        let row = self.row(table).await?;
        let statement = format!("DELETE FROM {} WHERE {row}", table.name);
        self.done(table, statement, false).await
    }

    /// One row rolled back to an earlier state.
    async fn roll_back(&self, table: &'static Table) -> Option<Deed> {
        // An earlier head with its page is a truncated trail, which only a checkpoint reveals.
        if table.keys == 0 {
            return None;
        }
        let (row, old) = (self.row(table).await?, self.choose.below(SNAPSHOTS));
        let keys: Vec<_> = table
            .columns
            .iter()
            .take(table.keys)
            .map(|(name, _)| *name)
            .collect();
        let columns: Vec<_> = table
            .columns
            .iter()
            .skip(table.keys)
            .map(|(name, _)| *name)
            .collect();
        let same = keys
            .iter()
            .map(|key| format!("o.{key} = {}.{key}", table.name));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let statement = format!(
            "UPDATE {name} SET ({list}) = (SELECT {from_o} FROM old{old}_{name} o WHERE {same}) \
             WHERE {row} AND EXISTS (SELECT 1 FROM old{old}_{name} o WHERE {same} AND ({differs}))",
            name = table.name,
            list = columns.join(", "),
            from_o = prefixed(&columns, "o"),
            differs = different(&columns, "o", table.name),
        );
        self.done(table, statement, true).await
    }

    /// A copy of a row under another id.
    async fn duplicate(&self, table: &'static Table) -> Option<Deed> {
        let row = self.row(table).await?;
        let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        let values = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, (column, kind))| match kind {
                Kind::Id if at == 0 && table.keys == 1 => self.rows.id(Uuid::from_u128(77)),
                Kind::Text if at == 0 => "'AAAAbbbb'".to_owned(),
                Kind::Number if at + 1 == table.keys => format!("{column} + 1000"),
                _ => (*column).to_owned(),
            });
        let statement = format!(
            "INSERT INTO {name} ({list}) SELECT {values} FROM {name} WHERE {row}",
            name = table.name,
            list = columns.join(", "),
            values = values.collect::<Vec<_>>().join(", "),
        );
        self.done(table, statement, false).await
    }

    /// A whole secret, or everything of a user, rolled back to an earlier state, even if it was deleted.
    async fn roll_back_secret(&self, scene: &Scene) -> Option<Deed> {
        let person = self.choose.pick(&scene.people);
        let old = self.choose.below(SNAPSHOTS);
        let is_whole_user = self.choose.below(2) == 0;
        let chosen = [*self.choose.pick(&person.secrets)];
        let secrets: &[Uuid] = if is_whole_user {
            &person.secrets
        } else {
            &chosen
        };
        let put_back = |table: &str, condition: String| {
            format!(
                "DELETE FROM {table} WHERE {condition}; \
                 INSERT INTO {table} SELECT * FROM old{old}_{table} WHERE {condition};"
            )
        };
        let mut statements = vec!["BEGIN;".to_owned()];
        for secret in secrets {
            for table in ["secret_versions", "secrets"] {
                let condition = format!("secret_id = {}", self.rows.id(*secret));
                statements.push(put_back(table, condition));
            }
        }
        if is_whole_user {
            let condition = format!("user_id = {}", self.rows.id(person.user.0));
            statements.push(put_back("ledgers", condition));
        }
        statements.push("COMMIT;".to_owned());
        let statement = statements.concat();
        self.rows.try_run(&statement).await?;
        Some(Deed {
            what: statement,
            tables: &["secrets", "secret_versions", "ledgers"],
            is_rollback: is_whole_user,
        })
    }

    async fn done(
        &self,
        table: &'static Table,
        statement: String,
        is_rollback: bool,
    ) -> Option<Deed> {
        let rows = self.rows.try_run(&statement).await?;
        (rows > 0).then_some(Deed {
            what: statement,
            tables: std::slice::from_ref(&table.name),
            is_rollback,
        })
    }

    /// A condition that one row meets.
    async fn row(&self, table: &Table) -> Option<String> {
        let place = self.place();
        let query = format!(
            "SELECT CAST({place} AS TEXT) FROM {} ORDER BY {place}",
            table.name
        );
        let places = self.rows.texts(&query).await;
        if places.is_empty() {
            return None;
        }
        let chosen = self.choose.pick(&places);
        Some(match self.rows {
            Rows::Sqlite(_) => format!("{}.rowid = {chosen}", table.name),
            Rows::Postgres(_) => format!("{}.ctid = '{chosen}'::tid", table.name),
        })
    }

    fn place(&self) -> &'static str {
        match self.rows {
            Rows::Sqlite(_) => "rowid",
            Rows::Postgres(_) => "ctid",
        }
    }
}

fn prefixed(columns: &[&str], prefix: &str) -> String {
    let columns = columns.iter().map(|column| format!("{prefix}.{column}"));
    columns.collect::<Vec<_>>().join(", ")
}

fn different(columns: &[&str], left: &str, right: &str) -> String {
    let columns = columns
        .iter()
        .map(|column| format!("{left}.{column} IS DISTINCT FROM {right}.{column}"));
    columns.collect::<Vec<_>>().join(" OR ")
}
