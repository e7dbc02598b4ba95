//! A store for each test, a clock that moves only on request, and actors who use the store.
//!
//! Start at [`on_both!`](macro.on_both.html), then [`app::App`] and [`actor::Actor`].

pub(crate) mod actor;
pub(crate) mod app;
pub(crate) mod backups;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod connections;
pub(crate) mod databases;
pub(crate) mod entropy;
pub(crate) mod gateway;
pub(crate) mod round_trips;
pub(crate) mod rows;

pub(crate) use actor::{Actor, NewSecretExt, secret};
pub(crate) use app::App;
pub(crate) use calls::{Answered, call};
pub(crate) use clock::{DAY, HOUR, MINUTE};
pub(crate) use toolvault_core::timestamp::SECOND;

/// Makes a test on SQLite and one on PostgreSQL from each body.
macro_rules! on_both {
    ($(async fn $name:ident($app:ident: $type:ty) $body:block)*) => {
        $(async fn $name($app: $type) $body)*

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::harness::databases::on_sqlite(super::$name).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::harness::databases::on_postgres(super::$name).await;
            })*
        }
    };
}
