//! The trail has each change, use and refusal, and nothing else.

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Field, KeyChange, SecretChange, UserChange};

use crate::harness::actor::{any_record, pattern};
use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{App, NewSecretExt as _, SECOND, secret};

on_both! {
    async fn each_change_has_its_record(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&app.vault, &operator.caller);
        let id = operator.store(secret("s", "the value").default_for("t*", "k")).await.secret_id;
        let all_at_once = SecretChange {
            name: Some("renamed".into()),
            value: Some("second value".into()),
            tool: Field::Set(pattern("tool")),
            ..SecretChange::default()
        };
        operator.change(id, all_at_once).await.unwrap();
        operator.store(secret("s", "the value").default_for("too*", "k")).await;
        vault.set_policy(caller, id, Policy { redact: false, ..Policy::default() }, Vec::new()).await.unwrap();
        vault.restore_version(caller, id, 1).await.unwrap();
        vault.delete_version(caller, id, 1).await.unwrap();
        operator.resolve("tool").await.unwrap();
        operator.delete(id).await.unwrap();
        let issued = operator.issue(key("k", &[Scope::Manage])).await.unwrap();
        let change = KeyChange { name: Some("x".into()), ..KeyChange::default() };
        vault.update_key(caller, issued.info.key_id, change).await.unwrap();
        vault.rotate_key(caller, issued.info.key_id, SECOND).await.unwrap();
        vault.revoke_key(caller, issued.info.key_id).await.unwrap();
        let user = vault.create_user(caller, "alice").await.unwrap().user_id;
        let change = UserChange { bytes_limit: Some(Some(1)), ..UserChange::default() };
        vault.update_user(caller, user, change).await.unwrap();
        vault.delete_user(caller, user).await.unwrap();

        let page = operator.audit(&any_record()).await;
        let actions: Vec<_> = page.records.iter().rev().map(|record| record.action.name()).collect();
        assert_eq!(actions, [
            "store.created", "user.created", "key.created", "key.created",
            "secret.created",
            "secret.renamed", "secret.rebound", "secret.value_replaced",
            "secret.created",
            "secret.policy_changed",
            "secret.version_restored",
            "secret.version_deleted",
            "secret.used",
            "secret.deleted",
            "key.created", "key.changed", "key.created", "key.rotated", "key.revoked",
            "user.created", "user.changed", "user.deleted",
        ]);
        let sequences: Vec<_> = page.records.iter().rev().map(|record| record.sequence).collect();
        assert_eq!(sequences, (1..=22).collect::<Vec<_>>());
        assert!(page.next_cursor.is_none());
        assert!(page.records.iter().all(|record| record.decision == Decision::Allowed));
    }

    async fn each_refusal_has_its_record(app: App) {
        let operator = app.operator().await;
        let holder = operator.delegate(key("a", &[Scope::Audit])).await;
        assert!(holder.resolve("t").await.is_err());
        holder.try_store(secret("s", "the value")).await.unwrap_err();
        operator.try_store(secret("s", &"x".repeat(1 << 21))).await.unwrap_err();
        let records = operator.records(Action::AccessDenied).await;
        let told: Vec<_> = records.iter().map(|record| (record.actor.as_str(), record.reason.as_deref().unwrap())).collect();
        let (own, other) = (operator.caller.actor().to_string(), holder.caller.actor().to_string());
        assert_eq!(told, [
            (own.as_str(), "quota_exceeded"),
            (other.as_str(), "missing_scope"),
            (other.as_str(), "missing_scope"),
        ]);
        assert!(records.iter().all(|record| record.decision == Decision::Denied));
    }

    async fn reads_of_metadata_are_not_recorded(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("s", "the value")).await.secret_id;
        let before = operator.audit(&any_record()).await.records.len();
        operator.list().await;
        operator.vault.get_secret(&operator.caller, id).await.unwrap();
        operator.vault.usage(&operator.caller).await.unwrap();
        operator.change(id, SecretChange::default()).await.unwrap();
        operator.vault.list_keys(&operator.caller, None).await.unwrap();
        operator.resolve("without_secrets").await.unwrap();
        assert_eq!(operator.audit(&any_record()).await.records.len(), before);
    }

    async fn failed_sign_ins_are_one_record_per_source_reason_and_second(app: App) {
        let operator = app.operator().await;
        for _ in 0..3 {
            app.vault.note_sign_in_failure("192.0.2.1", "key_not_accepted");
        }
        app.vault.note_sign_in_failure("192.0.2.2", "key_not_accepted");
        // A change writes the seconds that have ended, which this one has not.
        operator.store(secret("s", "the value")).await;
        assert!(operator.records(Action::SignInFailed).await.is_empty());
        app.clock.advance(SECOND);
        app.vault.note_sign_in_failure("192.0.2.1", "key_not_accepted");
        let app = app.reopen().await;
        let records = app.operator().await.records(Action::SignInFailed).await;
        let mut told: Vec<_> = records.iter()
            .map(|record| (record.at.seconds(), record.source.as_deref().unwrap(), record.count)).collect();
        told.sort_unstable();
        let second = told[0].0;
        assert_eq!(told, [
            (second, "192.0.2.1", Some(3)),
            (second, "192.0.2.2", None),
            (second + 1, "192.0.2.1", None),
        ]);
        app.vault.close().await;
    }

    async fn failed_sign_ins_are_recorded_after_the_database_did_not_take_them(app: App) {
        let operator = app.operator().await;
        for _ in 0..3 {
            app.vault.note_sign_in_failure("192.0.2.1", "key_not_accepted");
        }
        app.clock.advance(SECOND);
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM audit_head; DELETE FROM audit_head;").await;
        operator.try_store(secret("s", "the value")).await.unwrap_err();
        rows.run("INSERT INTO audit_head SELECT * FROM kept; DROP TABLE kept;").await;
        rows.close().await;
        operator.store(secret("s", "the value")).await;
        let counts: Vec<_> = operator.records(Action::SignInFailed).await
            .iter().map(|record| record.count).collect();
        assert_eq!(counts, [Some(3)]);
    }

    async fn failed_sign_ins_are_recorded_though_nothing_else_happens(app: App) {
        let operator = app.operator().await;
        app.vault.note_sign_in_failure("192.0.2.1", "key_not_accepted");
        app.clock.advance(SECOND);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        while operator.records(Action::SignInFailed).await.is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "it was never recorded");
            tokio::task::yield_now().await;
        }
    }
}
