//! When records cannot be saved or the journal cannot be kept, uses take the slower way or are refused.

use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use toolvault_core::audit::record::Action;
use toolvault_vault::{Error, Settings};

use super::{ahead, bound, directory, journal, killed, opened, uses};
use crate::harness::databases::on_sqlite;
use crate::harness::rows::Rows;
use crate::harness::{App, SECOND, secret};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_group_uses_are_refused_until_one_is_saved() {
    on_sqlite(async |app: App| {
        let app = app
            .reopen_with(Settings::new(app.place.location.clone()))
            .await;
        let operator = app.operator().await;
        operator.store(bound()).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_head; DELETE FROM audit_head;")
            .await;
        // The journal takes the first use. The trail cannot, so there are no further ones.
        operator.resolve("t").await.unwrap();
        operator
            .try_store(secret("other", "the value"))
            .await
            .unwrap_err();
        operator.resolve("t").await.err().unwrap();
        rows.run("INSERT INTO audit_head SELECT * FROM kept; DROP TABLE kept;")
            .await;
        rows.close().await;
        operator.resolve("t").await.unwrap();
        assert_eq!(uses(&operator).await, 2);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_commit_hangs_uses_are_refused() {
    on_sqlite(async |app: App| {
        let app = app
            .reopen_with(Settings::new(app.place.location.clone()))
            .await;
        let (operator, rows) = ahead(&app).await;
        let accepted = journal(&app);
        app.clock.advance(SECOND);
        let refused = operator.resolve("t").await;
        assert!(matches!(refused.err(), Some(Error::Unavailable(_))));
        assert_eq!(journal(&app), accepted);
        rows.run("ROLLBACK").await;
        rows.close().await;
        operator.resolve("t").await.unwrap();
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_uses_cannot_be_saved_the_trail_can_be_read() {
    on_sqlite(async |app: App| {
        let app = app
            .reopen_with(Settings::new(app.place.location.clone()))
            .await;
        let (operator, rows) = ahead(&app).await;
        assert_eq!(operator.records(Action::SecretCreated).await.len(), 1);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        rows.run("ROLLBACK").await;
        rows.close().await;
        let now = app.vault.verify_audit(None).await.unwrap();
        assert_eq!(now.records, verified.records + 3);
        app.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_begun_does_not_stop_the_start() {
    on_sqlite(async |app: App| {
        let (_, rows) = ahead(&app).await;
        let left = journal(&app);
        let copy = killed(&app, &left);
        rows.run("ROLLBACK").await;
        rows.close().await;
        let obstacle = copy.path().join("uses.journal.next");
        std::fs::create_dir(&obstacle).unwrap();
        let again = opened(&app, &copy).await;
        let operator = again.operator().await;
        let used = || std::fs::read(copy.path().join("uses.journal")).unwrap();
        operator.resolve("t").await.unwrap();
        assert_eq!(used(), left, "the trail has the use");
        let rows = Rows::in_directory(copy.path()).await;
        let newest = "SELECT last_sequence FROM audit_pages ORDER BY page DESC LIMIT 1";
        let sequence = rows.number(newest).await;
        std::fs::remove_dir(&obstacle).unwrap();
        // The journal is begun again after this page, and takes the next use.
        operator.resolve("t").await.unwrap();
        assert_eq!(rows.number(newest).await, sequence + 1);
        rows.close().await;
        assert_ne!(used(), left);
        operator.resolve("t").await.unwrap();
        assert_eq!(uses(&operator).await, 6);
        again.vault.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_their_answer_before_a_disk_that_hangs_is_searched_for_the_cause() {
    on_sqlite(async |app: App| {
        let settings = Settings {
            patience: Duration::from_hours(1),
            ..app.settings()
        };
        let app = app.reopen_with(settings).await;
        let operator = app.operator().await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_head; DELETE FROM audit_head;")
            .await;
        // Whoever opens a pipe for writing waits for a reader.
        let pipe = directory(&app).join("write-test");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let stuck = Duration::from_secs(30);
        let answered = tokio::time::timeout(stuck, operator.try_store(bound())).await;
        let written = tokio::task::spawn_blocking(move || std::fs::read(pipe));
        assert!(!written.await.unwrap().unwrap().is_empty());
        let refused = answered.expect("an answer while the search waits");
        assert!(matches!(refused.err(), Some(Error::Unavailable(_))));
        rows.run("INSERT INTO audit_head SELECT * FROM kept; DROP TABLE kept;")
            .await;
        rows.close().await;
        operator.store(bound()).await;
        app.vault.close().await;
    })
    .await;
}
