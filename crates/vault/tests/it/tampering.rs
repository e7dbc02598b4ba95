//! A hostile writer of the database: thousands of random edits, swaps, deletions and rollbacks of rows.
//!
//! Each is made while a vault that reads the database on each use is open, or before it is opened. For
//! each, `audit verify` must find it, and every answer must be unchanged or a refusal:
//! never another user's value, and never another version. [`deed`] has the manipulations, [`scene`] the store.

mod columns;
mod deed;
mod judge;
mod scene;

use self::judge::tamper;
use crate::harness::App;
use crate::harness::databases::{on_postgres, on_sqlite};

/// The number of manipulations of each of four SQLite stores, which run in parallel.
const DEEDS: usize = 2_500;
const STORES: u64 = 4;
const DEEDS_ON_POSTGRES: usize = 400;
/// The number of manipulations after which the vault is reopened.
const DEEDS_BEFORE_OPENING: usize = 150;

#[test]
fn sqlite_ten_thousand_deeds_are_refused_and_found() {
    let stores = (0..STORES).map(|seed| std::thread::spawn(move || tamper_on_sqlite(seed)));
    let stores: Vec<_> = stores.collect();
    let done: usize = stores.into_iter().map(|store| store.join().unwrap()).sum();
    assert_eq!(done, 10_000);
}

#[tokio::main(flavor = "current_thread")]
async fn tamper_on_sqlite(seed: u64) -> usize {
    let app = App::in_directory(tempfile::tempdir().unwrap()).await;
    tamper(&app, seed, DEEDS).await
}

async fn tamper_here(app: App) {
    assert_eq!(tamper(&app, 99, DEEDS_ON_POSTGRES).await, DEEDS_ON_POSTGRES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_deeds_are_refused_and_found() {
    on_postgres(tamper_here).await;
}

async fn tamper_with_the_keyring(app: App) {
    judge::tamper_before_opening(&app, 7, DEEDS_BEFORE_OPENING).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_a_changed_keyring_or_installation_opens_nothing() {
    on_sqlite(tamper_with_the_keyring).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_a_changed_keyring_or_installation_opens_nothing() {
    on_postgres(tamper_with_the_keyring).await;
}
