//! The settings of a vault that an operator may change.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits, audit and consistency. The defaults are safe.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the data is stored.
    pub database: DatabaseLocation,
    /// What a user may store.
    pub limits: Limits,
    /// When the record of a use counts as accepted.
    pub audit_uses: Durability,
    /// Whether records are shipped to a receiver elsewhere. Then only those that it has are pruned.
    pub ships_audit: bool,
    /// Whether cached rows may be used.
    pub consistency: Consistency,
    /// The most memory that the caches may take, in bytes.
    pub cache_bytes: usize,
    /// How long an operation waits for the database and the audit trail.
    pub patience: Duration,
}

/// Where the data is stored.
#[derive(Clone, Debug)]
pub enum DatabaseLocation {
    /// An embedded SQLite database in this directory, used by one process.
    Directory(PathBuf),
    /// A PostgreSQL database, shared by several processes. The URL may hold a password.
    Postgres(DatabaseUrl),
}

/// A database URL, which may hold a password and is therefore not printed.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Accepts any text; opening the database validates it.
    pub fn new(url: String) -> Self {
        Self(url)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DatabaseUrl")
    }
}

/// What one user may store, unless they have their own quota.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Number of secrets.
    pub secrets: i64,
    /// Sum of the current values, in bytes.
    pub bytes: i64,
    /// Versions of a secret that are kept, the current one included.
    pub versions: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            secrets: 10_000,
            bytes: 1 << 20,
            versions: 10,
        }
    }
}

/// When the record of a use counts as accepted, on SQLite. PostgreSQL always waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The operating system has it; it is on disk within a second. It survives a crash of the process, but not a power
    /// cut.
    #[default]
    System,
    /// It is on disk.
    Disk,
}

/// Whether cached rows may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Changes take effect at once in the process that made them, and within a second in all others.
    #[default]
    Bounded,
    /// Every use reads the database.
    Strict,
}

impl Settings {
    /// The default settings for this database.
    pub fn new(database: DatabaseLocation) -> Self {
        Self {
            database,
            limits: Limits::default(),
            audit_uses: Durability::default(),
            ships_audit: false,
            consistency: Consistency::default(),
            cache_bytes: 256 << 20,
            patience: Duration::from_millis(1_900),
        }
    }
}
