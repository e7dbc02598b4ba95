//! Someone who writes to the database: no row of a connection opens that is not as it was stored, and none that was
//! deleted comes back.

use toolvault_vault::{Consistency, Error};

use crate::harness::connections::tokens;
use crate::harness::rows::Rows;
use crate::harness::{App, secret};

/// A vault that reads the database for each use.
async fn strict(app: &App) -> App {
    let mut settings = app.settings();
    settings.consistency = Consistency::Strict;
    app.reopen_with(settings).await
}

on_both! {
    async fn a_deleted_connection_that_is_put_back_closes_everything_of_its_user(app: App) {
        let app = strict(&app).await;
        let ann = app.person("ann").await;
        ann.connect("linear", "ann").await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM connections").await;
        ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
        rows.run("INSERT INTO connections SELECT * FROM kept").await;
        assert!(matches!(ann.opened("linear").await, Err(Error::Integrity)));
        assert!(matches!(ann.resolve("any").await, Err(Error::Integrity)));
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert_eq!(verified.faults[0].kind, "connection");
        // What was tampered with can be deleted, without tokens, and then all is well.
        assert!(ann.vault.disconnect(&ann.caller, "linear").await.is_ok());
        rows.close().await;
    }

    async fn a_row_that_was_changed_can_be_replaced(app: App) {
        let app = strict(&app).await;
        let ann = app.person("ann").await;
        ann.store(secret("s", "v")).await;
        ann.connect("github", "hub").await;
        ann.connect("linear", "ann").await;
        let stamp = ann.connected("linear").await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE connections SET resource = 'https://evil.example/mcp' WHERE server = 'linear'").await;
        rows.close().await;
        assert!(matches!(ann.opened("linear").await, Err(Error::Integrity)));
        assert!(matches!(ann.opened("github").await, Err(Error::Integrity)));
        assert!(ann.vault.lease_refresh(&ann.caller, "linear", stamp).await.is_err());
        ann.try_connect("linear", tokens("again")).await.unwrap();
        assert_eq!(ann.access("linear").await.as_deref(), Some("again-access"));
        assert_eq!(ann.access("github").await.as_deref(), Some("hub-access"));
        assert!(app.vault.verify_audit(None).await.unwrap().ok);
    }

    async fn a_connection_of_another_user_or_server_does_not_open(app: App) {
        let app = strict(&app).await;
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        ann.connect("linear", "ann").await;
        bob.connect("linear", "bob").await;
        let rows = Rows::of(&app).await;
        let bob_id = rows.id(bob.caller.user().0);
        rows.run(&format!("DELETE FROM connections WHERE user_id = {bob_id}")).await;
        rows.run(&format!("UPDATE connections SET user_id = {bob_id}")).await;
        assert!(matches!(bob.opened("linear").await, Err(Error::Integrity)));
        rows.run("UPDATE connections SET server = 'evil'").await;
        assert!(matches!(bob.opened("evil").await, Err(Error::Integrity)));
        rows.close().await;
    }
}
