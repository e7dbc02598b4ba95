//! Versions: numbered from the first, kept up to the limit, restored, deleted.

use toolvault_core::audit::record::Action;
use toolvault_vault::Error;

use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

async fn numbers(operator: &Actor, id: toolvault_core::identity::SecretId) -> Vec<i64> {
    let versions = operator
        .vault
        .list_versions(&operator.caller, id)
        .await
        .unwrap();
    assert!(
        versions
            .iter()
            .all(|version| version.created_by == operator.caller.actor().to_string())
    );
    assert_eq!(
        versions
            .iter()
            .filter(|version| version.state == "current")
            .count(),
        1
    );
    assert_eq!(versions[0].state, "current");
    versions.iter().map(|version| version.version).collect()
}

on_both! {
    async fn the_last_ten_versions_are_kept_and_what_goes_is_recorded(app: App) {
        let operator = app.operator().await;
        let new = secret("a", "value 1").default_for("t", "api_token");
        let id = operator.store(new).await.secret_id;
        for number in 2..=12 {
            operator.set_value(id, &format!("value {number}")).await;
        }
        assert_eq!(numbers(&operator, id).await, (3..=12).rev().collect::<Vec<_>>());
        assert_eq!(operator.resolve("t").await.unwrap().applied[0].version, 12);
        let gone = operator.records(Action::SecretVersionDeleted).await;
        let gone: Vec<_> = gone.iter().filter_map(|record| record.version).collect();
        assert_eq!(gone, [2, 1]);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_lower_limit_prunes_with_the_next_version(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "value 1")).await.secret_id;
        for number in 2..=6 {
            operator.set_value(id, &format!("value {number}")).await;
        }
        let mut settings = app.settings();
        settings.limits.versions = 2;
        let app = app.reopen_with(settings).await;
        let operator = app.operator().await;
        operator.set_value(id, "value 7").await;
        assert_eq!(numbers(&operator, id).await, [7, 6]);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }

    async fn a_restored_version_is_the_newest(app: App) {
        let operator = app.operator().await;
        let new = secret("a", "first value").default_for("t", "api_token");
        let id = operator.store(new).await.secret_id;
        operator.set_value(id, "second value").await;
        operator.vault.restore_version(&operator.caller, id, 1).await.unwrap();
        assert_eq!(operator.token("t").await, "first value");
        assert_eq!(numbers(&operator, id).await, [3, 2, 1]);
        assert_eq!(operator.records(Action::SecretVersionRestored).await.len(), 1);
        let unknown = operator.vault.restore_version(&operator.caller, id, 9).await;
        assert!(matches!(unknown, Err(Error::NotFound)));
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn an_erased_version_cannot_be_restored(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "first value")).await.secret_id;
        operator.set_value(id, "second value").await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        let current = vault.delete_version(caller, id, 2).await;
        assert!(matches!(current, Err(Error::Invalid(_))));
        vault.delete_version(caller, id, 1).await.unwrap();
        assert!(matches!(vault.delete_version(caller, id, 1).await, Err(Error::NotFound)));
        assert!(matches!(vault.restore_version(caller, id, 1).await, Err(Error::NotFound)));
        assert_eq!(numbers(&operator, id).await, [2]);
        operator.set_value(id, "third value").await;
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn an_edited_history_is_not_told(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "first value")).await.secret_id;
        operator.set_value(id, "second value").await;
        let rows = Rows::of(&app).await;
        for edit in ["created_by = 'nobody'", "created_at = created_at + 1"] {
            rows.run(&format!("UPDATE secret_versions SET {edit} WHERE version = 1")).await;
            let told = operator.vault.list_versions(&operator.caller, id).await;
            assert!(matches!(told, Err(Error::Integrity)), "{edit}");
            let verified = app.vault.verify_audit(None).await.unwrap();
            assert!(!verified.ok);
        }
        rows.close().await;
        assert_eq!(operator.records(Action::TamperingDetected).await.len(), 2);
    }
}
