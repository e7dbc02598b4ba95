//! Backups: the whole store as a stream of sealed chunks, and a store from such a stream.
//!
//! [`toolvault_core::backup`] has the format. [`mod@write`] reads one consistent state of the database, [`read`] opens a
//! file, [`mod@restore`] fills an empty store.

pub(crate) mod read;
pub(crate) mod restore;
mod write;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use toolvault_core::timestamp::Timestamp;

use crate::error::Error;

/// A backup that is being made.
#[derive(Debug)]
pub struct Backup {
    /// What will be in it.
    pub contents: Contents,
    /// The bytes of the file, in order. If an error comes, or the channel ends without [`Piece::End`], the backup is not
    /// complete and useless.
    pub pieces: mpsc::Receiver<Result<Piece, Error>>,
}

/// A part of a backup.
#[derive(Debug)]
pub enum Piece {
    /// The next bytes of the file.
    Bytes(Vec<u8>),
    /// The file is complete.
    End,
}

/// What a backup contains. The backup itself begins with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// When it was begun.
    pub created_at: Timestamp,
    /// The version of Toolvault that made it.
    pub version: String,
    /// The database engine of the store.
    pub engine: String,
    /// The number of the newest migration of the store.
    pub schema: i64,
    /// How many pages the audit trail has.
    pub audit_pages: i64,
    /// How many records they contain.
    pub audit_records: i64,
    /// The hash of the newest page, in hexadecimal.
    pub audit_head: String,
    /// The tables, in the order of the backup.
    pub tables: Vec<Table>,
}

/// A table in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns, in the order of the values of a row.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub rows: i64,
}

impl Contents {
    /// How many rows there are of this table.
    pub fn rows(&self, table: &str) -> i64 {
        let found = self.tables.iter().find(|found| found.name == table);
        found.map_or(0, |found| found.rows)
    }

    /// How many rows there are in total.
    pub fn total(&self) -> i64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}
