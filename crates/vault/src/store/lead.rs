//! Of the processes on one database, one does what only one has to do.

use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};
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
    patience: Duration,
}

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

    async fn hold(&mut self, pool: &PgPool) -> Result<bool, Error> {
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
            connection.close().await?;
        }
        Ok(is_free)
    }
}
