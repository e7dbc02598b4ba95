//! A transaction on either database, and the macro that runs one query body on it.

use sqlx::{Postgres, Sqlite, Transaction};

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

impl Tx {
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

    /// Sets the savepoint of one change in a group.
    pub(crate) async fn begin_change(&mut self) -> sqlx::Result<()> {
        self.run("SAVEPOINT one_change").await
    }

    /// Keeps the change since [`Tx::begin_change`].
    pub(crate) async fn keep_change(&mut self) -> sqlx::Result<()> {
        self.run("RELEASE SAVEPOINT one_change").await
    }

    /// Undoes the change since [`Tx::begin_change`].
    pub(crate) async fn undo_change(&mut self) -> sqlx::Result<()> {
        self.run("ROLLBACK TO SAVEPOINT one_change").await?;
        self.keep_change().await
    }

    async fn run(&mut self, statement: &'static str) -> sqlx::Result<()> {
        on!(self, connection => sqlx::query(statement).execute(connection).await.map(|_| ()))
    }
}
