//! Why the database could not be opened.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::hosts::Tried;

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
    /// The URL is not a PostgreSQL URL, or asks for a host that may accept no changes.
    #[error(
        "the database URL is not valid: it begins with postgres://, and target_session_attrs is read-write, primary or not given"
    )]
    Url,
    /// No host of the database can be reached, or none of several accepts changes.
    #[error("cannot reach the database")]
    Reach(#[source] Tried),
    /// The database failed while it was opened.
    #[error("cannot use the database")]
    Connect(#[source] sqlx::Error),
    /// PostgreSQL may lose what it acknowledged, or damage it.
    #[error(
        "PostgreSQL runs with {0} = off: a crash can lose or damage what was acknowledged; run: ALTER SYSTEM SET {0} = on; SELECT pg_reload_conf();"
    )]
    Unsafe(String),
    /// There is a store, where an empty database was wanted.
    #[error("there is a store already")]
    HasStore,
    /// The schema could not be migrated, or is newer than this program.
    #[error("cannot migrate the database")]
    Migrate(#[source] MigrateError),
}
