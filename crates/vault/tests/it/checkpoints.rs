//! Checkpoints: what they are of, and which changes of the trail they find.

use toolvault_core::scope::Scope;
use toolvault_vault::{Error, Evidence, Verification};

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{App, MINUTE, NewSecretExt as _, secret};

/// The tables of the trail.
const TRAIL: [&str; 3] = ["audit_pages", "audit_epochs", "audit_head"];

async fn verify(app: &App, evidence: Evidence) -> Verification {
    let operator = app.operator().await;
    let verified = app.vault.prove_audit(&operator.caller, evidence).await;
    verified.unwrap()
}

/// Puts the trail and all users back to what they are now, when the returned text is run.
async fn keep(rows: &Rows) -> String {
    let tables: Vec<_> = TRAIL.into_iter().chain(["users", "ledgers"]).collect();
    for table in &tables {
        let copied = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
        rows.run(&copied).await;
    }
    let emptied = tables
        .iter()
        .rev()
        .map(|table| format!("DELETE FROM {table};"));
    let filled = tables.iter().map(|table| {
        format!("INSERT INTO {table} SELECT * FROM kept_{table}; DROP TABLE kept_{table};")
    });
    emptied.chain(filled).collect()
}

on_both! {
    async fn a_checkpoint_is_the_head_with_every_use(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "k")).await;
        operator.resolve("t").await.unwrap();
        let made = app.vault.checkpoint(&operator.caller, None).await.unwrap().unwrap();
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert_eq!((made.page, made.sequence), (verified.pages, verified.records));
        assert_eq!(toolvault_core::digest::hexadecimal(&made.hash), verified.head);
        assert_eq!(made.installation, app.vault.installation());
        let evidence = Evidence { checkpoints: vec![made.clone()], ..Evidence::default() };
        assert!(verify(&app, evidence).await.ok);
        app.vault.create_user(&operator.caller, "one").await.unwrap();
        let next = app.vault.checkpoint(&operator.caller, Some(&made)).await.unwrap().unwrap();
        assert_eq!((next.page, next.sequence), (made.page + 1, made.sequence + 1));
    }

    async fn only_an_administrator_gets_a_checkpoint(app: App) {
        let operator = app.operator().await;
        let other = operator.delegate(key("k", &[Scope::Manage, Scope::Audit])).await;
        let refused = app.vault.checkpoint(&other.caller, None).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }

    async fn a_head_that_the_trails_key_did_not_sign_gets_no_checkpoint(app: App) {
        let operator = app.operator().await;
        let rows = Rows::of(&app).await;
        let zeros = if app.is_sqlite() { "zeroblob(64)" } else { "decode(repeat('00', 64), 'hex')" };
        rows.run(&format!("UPDATE audit_pages SET signature = {zeros}")).await;
        rows.close().await;
        let refused = app.vault.checkpoint(&operator.caller, None).await;
        assert!(matches!(refused, Err(Error::Integrity)), "{refused:?}");
    }

    async fn a_store_that_was_put_back_and_went_on_is_found(app: App) {
        let operator = app.operator().await;
        let rows = Rows::of(&app).await;
        let back = keep(&rows).await;
        app.vault.create_user(&operator.caller, "one").await.unwrap();
        let lost = app.vault.checkpoint(&operator.caller, None).await.unwrap().unwrap();
        app.clock.advance(10 * MINUTE);
        app.vault.create_user(&operator.caller, "two").await.unwrap();
        let of_next_epoch = app.vault.checkpoint(&operator.caller, None).await.unwrap().unwrap();
        assert_eq!(of_next_epoch.epoch, 2);
        app.vault.close().await;
        rows.run(&back).await;
        rows.close().await;

        let app = app.reopen().await;
        let evidence = Evidence {
            checkpoints: vec![lost.clone(), of_next_epoch],
            ..Evidence::default()
        };
        let found = verify(&app, evidence.clone()).await;
        let whats = |found: &Verification| -> Vec<_> {
            found.faults.iter().map(|fault| (fault.kind.to_string(), fault.what.clone())).collect()
        };
        assert!(!found.ok);
        assert!(whats(&found).iter().all(|(kind, what)| kind == "checkpoint" && what.contains("ends before")));
        assert_eq!(found.faults.len(), 2);

        // It goes on; the next epoch begins with another key.
        let operator = app.operator().await;
        for name in ["other", "and another"] {
            app.vault.create_user(&operator.caller, name).await.unwrap();
        }
        let found = verify(&app, evidence).await;
        let [first, second] = whats(&found).try_into().unwrap();
        let all = [first.1, second.1];
        assert!(all.iter().any(|what| what.contains("did not sign")), "{all:?}");
        assert!(all.iter().any(|what| what.contains("has another page")), "{all:?}");
        let refused = app.vault.checkpoint(&operator.caller, Some(&lost)).await.unwrap();
        assert!(refused.is_none());
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
        app.vault.close().await;
    }
}
