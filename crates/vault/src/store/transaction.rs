//! A transaction on either database, and the macro that runs one query body on it.

use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, Transaction};

use super::dialect;

/// A transaction on whichever database is in use.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one query body against whichever database the transaction belongs to.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {
        match $tx {
            $crate::store::transaction::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $body
            }
            $crate::store::transaction::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use on;

/// Ends a transaction of which the driver does not know.
const ROLLBACK: &str = "ROLLBACK; ";

impl Tx {
    /// Begins on a connection of the pool. To test each one before would take a round trip; instead, one that was lost while
    /// it was idle is replaced.
    pub(crate) async fn begin(pool: PgPool, statement: String) -> sqlx::Result<Self> {
        let begun = tokio::spawn(async move {
            let mut idle = pool.size();
            let mut statement = statement;
            loop {
                match pool.begin_with(AssertSqlSafe(statement.clone())).await {
                    Err(error) if idle > 0 && dialect::is_connection_lost(&error) => idle -= 1,
                    // One that began, but then got no lock. The driver does not know it, so it put the connection back.
                    Err(error)
                        if !statement.starts_with(ROLLBACK) && dialect::is_aborted(&error) =>
                    {
                        statement.insert_str(0, ROLLBACK);
                    }
                    begun => return begun.map(Self::Postgres),
                }
            }
        });
        // A task, because a caller may leave: the driver would put a connection back that is in a transaction of which it
        // does not know, and the next caller would see that transaction's old state.
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    pub(crate) async fn rollback(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }

    /// Sets the savepoint of the next change in a group. It replaces the one before, if there is one: both statements are
    /// one round trip.
    pub(crate) async fn set_savepoint(&mut self, replaces: bool) -> sqlx::Result<()> {
        self.run(if replaces {
            "RELEASE SAVEPOINT one_change; SAVEPOINT one_change"
        } else {
            "SAVEPOINT one_change"
        })
        .await
    }

    /// Undoes everything since [`Tx::set_savepoint`], and keeps the savepoint.
    pub(crate) async fn undo_change(&mut self) -> sqlx::Result<()> {
        self.run("ROLLBACK TO SAVEPOINT one_change").await
    }

    async fn run(&mut self, statements: &'static str) -> sqlx::Result<()> {
        on!(self, connection => sqlx::raw_sql(statements).execute(connection).await.map(|_| ()))
    }
}
