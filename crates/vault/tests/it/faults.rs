//! Failures are closed, and every caller gets an answer within two seconds.

use std::time::Duration;

use tokio::time::Instant;
use toolvault_vault::{Error, NewSecret};

use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

/// Two seconds, plus the time that a busy machine needs to wake a task.
const SOON: Duration = Duration::from_millis(2_500);

fn bound(name: &str) -> NewSecret {
    secret(name, "the value").default_for("t", "k")
}

/// With the vault's default patience.
async fn impatient(app: &App) -> App {
    let settings = toolvault_vault::Settings::new(app.place.location.clone());
    app.reopen_with(settings).await
}

async fn all_refused(operator: &Actor) {
    // On SQLite, uses are accepted by the journal until a group was not saved.
    let stored = operator.try_store(bound("b")).await;
    assert!(matches!(stored, Err(Error::Unavailable(_))));
    let began = Instant::now();
    let (used, stored) = tokio::join!(
        Box::pin(operator.resolve("t")),
        Box::pin(operator.try_store(bound("b"))),
    );
    assert!(matches!(used, Err(Error::Unavailable(_))));
    assert!(matches!(stored, Err(Error::Unavailable(_))));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

on_both! {
    async fn without_the_head_of_the_trail_nothing_is_used_or_changed(app: App) {
        let app = impatient(&app).await;
        let operator = app.operator().await;
        operator.store(bound("a")).await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_head; DELETE FROM audit_head;").await;
        all_refused(&operator).await;
        assert!(!app.vault.failed().is_cancelled());
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(!verified.ok);
        rows.run("INSERT INTO audit_head SELECT * FROM kept; DROP TABLE kept;").await;
        rows.close().await;
        operator.resolve("t").await.unwrap();
        assert_eq!(operator.list().await.len(), 1);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }

    async fn while_somebody_holds_the_lock_callers_hear_in_time(app: App) {
        let app = impatient(&app).await;
        let operator = app.operator().await;
        operator.store(bound("a")).await;
        let rows = Rows::of(&app).await;
        let begin = if app.is_sqlite() { "BEGIN IMMEDIATE;" } else { "BEGIN;" };
        rows.run(&format!("{begin} UPDATE audit_head SET page = page;")).await;
        all_refused(&operator).await;
        rows.run("ROLLBACK").await;
        rows.close().await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while operator.resolve("t").await.is_err() {
            assert!(Instant::now() < deadline, "it did not recover");
        }
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }

    async fn a_change_that_the_database_refuses_does_not_harm_its_group(app: App) {
        let operator = app.operator().await;
        // The second table that is written refuses some of the changes.
        let rows = Rows::of(&app).await;
        let trigger = if app.is_sqlite() {
            "CREATE TRIGGER refuse BEFORE INSERT ON secret_versions WHEN \
             (SELECT name FROM secrets WHERE secret_id = NEW.secret_id) = 'refused' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        } else {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF (SELECT name FROM secrets WHERE secret_id = NEW.secret_id) = 'refused' THEN \
             RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER refuse AFTER INSERT ON secret_versions FOR EACH ROW EXECUTE FUNCTION refuse()"
        };
        rows.run(trigger).await;
        rows.close().await;
        let creators: Vec<_> = (0..32).map(|number| {
            let operator = operator.clone();
            let name = if number % 4 == 0 { "refused" } else { "stored" };
            tokio::spawn(async move { (name, operator.try_store(secret(name, "the value")).await.is_ok()) })
        }).collect();
        for creator in creators {
            let (name, is_stored) = creator.await.unwrap();
            assert_eq!(is_stored, name == "stored");
        }
        assert_eq!(operator.list().await.len(), 24);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn it_is_not_ready_while_it_cannot_write_and_then_is_again(app: App) {
        let app = impatient(&app).await;
        assert!(app.vault.is_ready().await);
        let operator = app.operator().await;
        operator.store(bound("a")).await;
        let rows = Rows::of(&app).await;
        let (refuse, allow) = if app.is_sqlite() {
            // This rolls back the whole transaction, as SQLite does when the disk is full.
            let refuse = |name: &str, event: &str| {
                format!("CREATE TRIGGER {name} BEFORE {event} BEGIN SELECT RAISE(ROLLBACK, 'full'); END;")
            };
            let refuse = refuse("full_1", "INSERT ON audit_pages") + &refuse("full_2", "UPDATE ON installation");
            (refuse, "DROP TRIGGER full_1; DROP TRIGGER full_2;")
        } else {
            let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$; \
                CREATE TRIGGER full_1 BEFORE INSERT ON audit_pages FOR EACH ROW EXECUTE FUNCTION refuse(); \
                CREATE TRIGGER full_2 BEFORE UPDATE ON installation FOR EACH ROW EXECUTE FUNCTION refuse();";
            (refuse.to_owned(), "DROP TRIGGER full_1 ON audit_pages; DROP TRIGGER full_2 ON installation;")
        };
        rows.run(&refuse).await;
        for _ in 0..3 {
            all_refused(&operator).await;
            assert!(!app.vault.is_ready().await);
        }
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(!app.vault.is_ready().await, "it asks the database again");
        assert!(!app.vault.failed().is_cancelled());
        rows.run(allow).await;
        rows.close().await;
        // It recovers without a failing request.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(app.vault.is_ready().await);
        operator.resolve("t").await.unwrap();
        operator.store(bound("b")).await;
        assert_eq!(operator.list().await.len(), 2);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }

    async fn a_closed_vault_refuses_everything(app: App) {
        let app = impatient(&app).await;
        let operator = app.operator().await;
        operator.store(bound("a")).await;
        app.vault.close().await;
        all_refused(&operator).await;
        assert!(!app.vault.is_ready().await);
        assert!(!app.vault.failed().is_cancelled());
    }
}
