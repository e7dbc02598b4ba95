//! The hostile writer of the database: thousands of random edits, swaps, deletions and rollbacks of rows.
//!
//! Each is made behind the back of a vault that reads the database on each use, or before it is opened. For
//! each, `audit verify` must find it, and every answer must be exactly the one without it, or a refusal:
//! never another user's, and never another version's. [`deed`] says what is done, [`scene`] to whom.

mod columns;
mod deed;
mod judge;
mod scene;

use self::judge::tamper;
use crate::harness::App;
use crate::harness::databases::{on_postgres, on_sqlite};

/// Deeds against each of four stores on SQLite, done side by side.
const DEEDS: usize = 2_500;
const STORES: u64 = 4;
const DEEDS_ON_POSTGRES: usize = 400;
/// Deeds after which the vault is opened anew.
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
