//! The journal of uses: what it accepted is in the trail exactly once, whenever the process stops.

mod left;
mod unable;

use std::path::PathBuf;

use tempfile::TempDir;
use toolvault_core::audit::record::Action;
use toolvault_vault::{DatabaseLocation, Durability, NewSecret, Settings};

use crate::harness::databases::on_sqlite;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

fn bound() -> NewSecret {
    secret("s", "the value").default_for("t", "k")
}

fn directory(app: &App) -> PathBuf {
    match &app.place.location {
        DatabaseLocation::Directory(directory) => directory.clone(),
        DatabaseLocation::Postgres(_) => panic!("these tests run on SQLite"),
    }
}

fn journal(app: &App) -> Vec<u8> {
    std::fs::read(directory(app).join("uses.journal")).unwrap()
}

/// How many uses of the tool `t` the trail has.
async fn uses(operator: &Actor) -> usize {
    operator.records(Action::SecretUsed).await.len()
}

/// A store whose journal has three uses that no page has, and the connection that keeps the writer from saving them.
async fn ahead(app: &App) -> (Actor, Rows) {
    let operator = app.operator().await;
    operator.store(bound()).await;
    let rows = Rows::of(app).await;
    rows.run("BEGIN IMMEDIATE").await;
    for _ in 0..3 {
        operator.resolve("t").await.unwrap();
    }
    (operator, rows)
}

/// A copy of the store as a process leaves it that is killed now.
fn killed(app: &App, journal: &[u8]) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory(app)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    std::fs::write(copy.path().join("uses.journal"), journal).unwrap();
    copy
}

/// Opens a copy of the store.
async fn opened(app: &App, copy: &TempDir) -> App {
    let location = DatabaseLocation::Directory(copy.path().to_owned());
    app.another(Settings::new(location)).await
}

async fn after_kill(app: &App, journal: &[u8]) -> (TempDir, App) {
    let copy = killed(app, journal);
    let again = opened(app, &copy).await;
    (copy, again)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_in_the_journal_before_its_value_is_returned() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let text = String::from_utf8_lossy(&journal(&app)).into_owned();
        assert_eq!(text.matches(r#""action":"secret.used""#).count(), 3);
        assert!(!text.contains("the value"));
        rows.run("ROLLBACK").await;
        rows.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_trail_sees_the_uses_in_the_journal() {
    on_sqlite(async |app: App| {
        let operator = app.operator().await;
        operator.store(bound()).await;
        for count in 1..=5 {
            operator.resolve("t").await.unwrap();
            assert_eq!(uses(&operator).await, count);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_that_no_page_has_are_in_the_trail_after_a_kill() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let (_copy, again) = after_kill(&app, &journal(&app)).await;
        rows.run("ROLLBACK").await;
        rows.close().await;
        assert_eq!(uses(&again.operator().await).await, 3);
        let verified = again.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_that_a_page_has_are_not_added_again() {
    on_sqlite(async |app: App| {
        let (operator, rows) = ahead(&app).await;
        let before = journal(&app);
        rows.run("ROLLBACK").await;
        rows.close().await;
        assert_eq!(uses(&operator).await, 3);
        assert!(
            journal(&app).len() < before.len(),
            "the journal was emptied"
        );
        // As if the process was killed after the commit and before it emptied the journal.
        let (_copy, again) = after_kill(&app, &before).await;
        assert_eq!(uses(&again.operator().await).await, 3);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_that_waits_for_the_disk_is_not_in_the_journal() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let left = journal(&app);
        let (copy, again) = after_kill(&app, &left).await;
        rows.run("ROLLBACK").await;
        rows.close().await;
        let settings = Settings {
            audit_uses: Durability::Disk,
            ..Settings::new(DatabaseLocation::Directory(copy.path().to_owned()))
        };
        let again = again.reopen_with(settings).await;
        let operator = again.operator().await;
        let empty = std::fs::read(copy.path().join("uses.journal")).unwrap();
        assert!(empty.len() < left.len());
        operator.resolve("t").await.unwrap();
        assert_eq!(
            std::fs::read(copy.path().join("uses.journal")).unwrap(),
            empty
        );
        assert_eq!(uses(&operator).await, 4);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_many_uses_at_once_is_recorded_once() {
    on_sqlite(async |app: App| {
        let operator = app.operator().await;
        operator.store(bound()).await;
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let operator = operator.clone();
                tokio::spawn(async move {
                    for _ in 0..60 {
                        operator.resolve("t").await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let rows = Rows::of(&app).await;
        operator.store(secret("after", "the value")).await;
        let largest = rows
            .number("SELECT MAX(last_sequence - first_sequence) FROM audit_pages")
            .await;
        assert!(largest < 512, "a page has at most 512 records");
        rows.close().await;
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        assert_eq!(uses(&operator).await, 960);
    })
    .await;
}
