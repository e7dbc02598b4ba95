//! Of the processes on one database, one does what only one has to do.
//!
//! The one that holds an advisory lock of PostgreSQL does it. Everyone who can connect to the database can take the lock,
//! and no server would do the work then, so [`LeadHolder`] says who has it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, FromRow, PgConnection};
use tokio::sync::watch;
use toolvault_core::digest::sha256;
use toolvault_core::identity::InstallationId;

use crate::error::Error;

/// Whether this process is the one. It stays so as long as its connection lives.
#[derive(Debug)]
pub struct Lead {
    /// `None` on SQLite, which has one process.
    pools: Option<watch::Receiver<PgPool>>,
    /// The number of the lock: several stores, and several kinds of work, may share a database.
    lock: i64,
    held: Option<PgConnection>,
    holder: Option<LeadHolder>,
    patience: Duration,
}

/// The session of the database that holds a lock in place of this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct LeadHolder {
    /// The process ID of the session, as `pg_stat_activity` has it.
    pub pid: i32,
    /// Its role. Absent if this role may not see it.
    pub role: Option<String>,
    /// What it calls itself; servers say `toolvault`.
    pub application: Option<String>,
    /// The address that it comes from; absent for a Unix socket.
    pub address: Option<String>,
}

impl fmt::Display for LeadHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "session {} of PostgreSQL", self.pid)?;
        if let Some(role) = &self.role {
            write!(formatter, ", role {role:?}")?;
        }
        if let Some(application) = &self.application {
            write!(formatter, ", application {application:?}")?;
        }
        if let Some(address) = &self.address {
            write!(formatter, ", from {address}")?;
        }
        Ok(())
    }
}

/// The session that holds an advisory lock of 64 bits: its halves are in two columns.
const HOLDER: &str = "SELECT l.pid, a.usename::text AS role, a.application_name AS application, \
    host(a.client_addr) AS address FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND l.classid::bigint = (($1::bigint >> 32) & 4294967295) \
    AND l.objid::bigint = ($1::bigint & 4294967295)";

impl Lead {
    pub(crate) fn new(
        pools: Option<watch::Receiver<PgPool>>,
        installation: InstallationId,
        work: &str,
        patience: Duration,
    ) -> Self {
        let name = [
            b"toolvault/lead/v1".as_slice(),
            installation.as_bytes(),
            work.as_bytes(),
        ];
        let mut lock = [0; 8];
        for (byte, from) in lock.iter_mut().zip(sha256(&name.concat())) {
            *byte = from;
        }
        Self {
            pools,
            lock: i64::from_be_bytes(lock),
            held: None,
            holder: None,
            patience,
        }
    }

    /// Whether this process is the one, or becomes it now because no other is.
    pub async fn is_held(&mut self) -> Result<bool, Error> {
        let Some(pools) = &mut self.pools else {
            return Ok(true);
        };
        // The lock is on a host that may no longer accept changes.
        if pools.has_changed().unwrap_or(false) {
            self.held = None;
        }
        let pool = pools.borrow_and_update().clone();
        let held = tokio::time::timeout(self.patience, self.hold(&pool)).await;
        held.unwrap_or(Err(Error::Unavailable(None)))
    }

    /// Who held the lock when [`is_held`](Self::is_held) last found that this process is not the one.
    pub fn holder(&self) -> Option<&LeadHolder> {
        self.holder.as_ref()
    }

    async fn hold(&mut self, pool: &PgPool) -> Result<bool, Error> {
        self.holder = None;
        // A connection that does not answer is closed here, and with it the lock ends.
        if let Some(mut connection) = self.held.take()
            && connection.ping().await.is_ok()
        {
            self.held = Some(connection);
            return Ok(true);
        }
        let mut connection = pool.acquire().await?.detach();
        let is_free = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(self.lock)
            .fetch_one(&mut connection)
            .await?;
        if is_free {
            self.held = Some(connection);
        } else {
            self.holder = sqlx::query_as(HOLDER)
                .bind(self.lock)
                .fetch_optional(&mut connection)
                .await?;
            connection.close().await?;
        }
        Ok(is_free)
    }
}
