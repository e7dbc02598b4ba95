//! Verifying the trail: a clean store passes, epochs hand over, and truncation and hidden rows are found.

use toolvault_core::audit::record::Action;
use toolvault_core::digest::from_hexadecimal;
use toolvault_vault::{Error, Progress, Verification};

use crate::harness::rows::Rows;
use crate::harness::{App, MINUTE, NewSecretExt as _, secret};

async fn verify(app: &App) -> Verification {
    let first = from_hexadecimal(&app.audit_public_key).unwrap();
    app.vault.verify_audit(Some(&first)).await.unwrap()
}

on_both! {
    async fn a_clean_store_verifies_from_its_first_public_key(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("s", "the value").default_for("t", "k")).await.secret_id;
        operator.set_value(id, "second value").await;
        operator.resolve("t").await.unwrap();
        operator.delete(id).await.unwrap();
        assert_eq!(app.vault.audit_progress(), Progress::default());
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        assert_eq!(verified.public_key, app.audit_public_key);
        let whole = Progress { pages: verified.pages, of: verified.pages };
        assert_eq!(app.vault.audit_progress(), whole);
        let wrong = app.vault.verify_audit(Some(&[7; 32])).await.unwrap();
        assert!(!wrong.ok);
        assert_eq!(wrong.faults[0].kind, "trail");
    }

    async fn a_signing_key_hands_over_after_ten_minutes(app: App) {
        let operator = app.operator().await;
        for _ in 0..3 {
            operator.store(secret("s", "the value")).await;
            app.clock.advance(10 * MINUTE - 1);
            operator.store(secret("s", "the value")).await;
            app.clock.advance(1);
        }
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT COUNT(*) FROM audit_epochs").await, 3);
        rows.close().await;
        let app = app.reopen().await;
        app.operator().await.store(secret("s", "the value")).await;
        let verified = verify(&app).await;
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }

    async fn a_signing_key_hands_over_after_1024_pages(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "k")).await;
        let settings = toolvault_vault::Settings {
            audit_uses: toolvault_vault::Durability::Disk,
            ..app.settings()
        };
        let app = app.reopen_with(settings).await;
        let operator = app.operator().await;
        for _ in 0..1_030 {
            operator.resolve("t").await.unwrap();
        }
        let rows = Rows::of(&app).await;
        assert_eq!(rows.number("SELECT COUNT(*) FROM audit_epochs").await, 2);
        assert_eq!(rows.number("SELECT MAX(first_page) FROM audit_epochs").await, 1_025);
        rows.close().await;
        let verified = verify(&app).await;
        assert!(verified.ok, "{verified:?}");
        assert!(verified.pages > 1_024);
    }

    async fn a_failed_group_does_not_lose_the_next_epochs_key(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value")).await;
        app.clock.advance(10 * MINUTE);
        let rows = Rows::of(&app).await;
        let newest = rows.number("SELECT MAX(page) FROM audit_pages").await;
        // The next page's number is taken, so the group that begins the next epoch cannot be committed.
        rows.run(&format!("INSERT INTO audit_pages SELECT {newest} + 1, 9999, 9999, first_at, last_at, \
            epoch, records, hash, signature FROM audit_pages WHERE page = {newest}")).await;
        let refused = operator.try_store(secret("s", "the value")).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        rows.run("DELETE FROM audit_pages WHERE first_sequence = 9999").await;
        operator.store(secret("s", "the value")).await;
        operator.store(secret("s", "the value")).await;
        rows.close().await;
        let verified = verify(&app).await;
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_deletion_behind_the_vaults_back_is_found_though_the_ledger_went_back_too(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "the value")).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE old_ledgers AS SELECT * FROM ledgers").await;
        let id = operator.store(secret("b", "the value")).await.secret_id;
        let id = rows.id(id.0);
        rows.run(&format!("DELETE FROM secret_versions WHERE secret_id = {id}; \
            DELETE FROM secrets WHERE secret_id = {id}; \
            DELETE FROM ledgers; INSERT INTO ledgers SELECT * FROM old_ledgers; DROP TABLE old_ledgers;")).await;
        rows.close().await;
        let verified = verify(&app).await;
        assert_eq!(verified.faults.len(), 1, "{verified:?}");
        assert_eq!(verified.faults[0].what, "its row is missing");
    }

    async fn a_page_before_the_first_is_found(app: App) {
        let rows = Rows::of(&app).await;
        rows.run(
            "INSERT INTO audit_pages SELECT -1, 9999, 9999, first_at, last_at, epoch, records, \
             hash, signature FROM audit_pages WHERE page = 1",
        )
        .await;
        rows.close().await;
        let verified = verify(&app).await;
        assert_eq!(verified.faults[0].kind, "trail");
    }

    async fn a_broken_secret_can_be_erased_and_the_others_are_usable_again(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "the value").default_for("t", "api_token")).await;
        let broken = operator.store(secret("b", "the value")).await.secret_id;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE secrets SET name = 'c' WHERE name = 'b'").await;
        rows.close().await;
        let app = app.reopen().await;
        let operator = app.operator().await;
        assert!(matches!(operator.resolve("t").await, Err(Error::Integrity)));
        assert!(matches!(operator.try_store(secret("d", "value")).await, Err(Error::Integrity)));
        assert!(!operator.records(Action::TamperingDetected).await.is_empty());
        operator.delete(broken).await.unwrap();
        assert_eq!(operator.token("t").await, "the value");
        operator.store(secret("d", "value")).await;
        let verified = verify(&app).await;
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }
}
