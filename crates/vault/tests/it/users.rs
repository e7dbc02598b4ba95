//! Users: create, list, disable, delete.

use toolvault_core::audit::record::Action;
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_vault::{Denial, Error, UserChange};
use uuid::Uuid;

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{App, NewSecretExt as _, secret};

fn disabled(is_disabled: bool) -> UserChange {
    UserChange {
        disabled: Some(is_disabled),
        ..UserChange::default()
    }
}

on_both! {
    async fn local_names_are_unique(app: App) {
        let operator = app.operator().await;
        let alice = app.vault.create_user(&operator.caller, "alice").await.unwrap();
        assert_eq!((alice.name.as_str(), alice.origin.as_str(), alice.disabled), ("alice", "local", false));
        let again = app.vault.create_user(&operator.caller, "alice").await;
        assert!(matches!(again, Err(Error::Invalid(problems)) if problems[0].kind == "name_taken"));
        let everybody = app.vault.list_users(&operator.caller, None).await.unwrap();
        assert_eq!(everybody.len(), 2);
        let named = app.vault.list_users(&operator.caller, Some("alice")).await.unwrap();
        assert_eq!(named, [alice]);
    }

    async fn sixteen_at_once_make_one_user_of_a_name(app: App) {
        let makers: Vec<_> = (0..16).map(|_| {
            let local = app.local();
            tokio::spawn(async move { local.vault.create_user(&local.caller, "alice").await })
        }).collect();
        let mut made = 0;
        for maker in makers {
            made += usize::from(maker.await.unwrap().is_ok());
        }
        assert_eq!(made, 1);
    }

    async fn a_disabled_user_is_refused_with_the_next_call(app: App) {
        let operator = app.operator().await;
        let alice = app.person("alice").await;
        let user = alice.caller.user();
        let child = alice.delegate(key("child", &[Scope::Resolve])).await;
        let info = app.vault.update_user(&operator.caller, user, disabled(true)).await.unwrap();
        assert!(info.disabled);
        for holder in [&alice, &child] {
            assert!(matches!(holder.sign_in_again().await, Err(Error::Unauthenticated)));
        }
        app.vault.update_user(&operator.caller, user, disabled(false)).await.unwrap();
        alice.sign_in_again().await.unwrap();
        let records = operator.records(Action::UserChanged).await;
        let reasons: Vec<_> = records.iter().filter_map(|record| record.reason.as_deref()).collect();
        assert_eq!(reasons, ["enabled", "disabled"]);
    }

    async fn an_erased_user_leaves_no_row(app: App) {
        let operator = app.operator().await;
        let alice = app.person("alice").await;
        let user = alice.caller.user();
        let new = secret("s", "the value").default_for("t", "k");
        let id = alice.vault.create_secret(&alice.caller, new, Some("once")).await.unwrap().info.secret_id;
        alice.set_value(id, "second value").await;
        alice.connect("linear", "alice").await;
        alice.delegate(key("child", &[Scope::Use])).await;
        alice.sign_in_again().await.unwrap();
        app.vault.delete_user(&operator.caller, user).await.unwrap();
        assert!(matches!(alice.sign_in_again().await, Err(Error::Unauthenticated)));
        assert!(matches!(alice.try_store(secret("x", "value")).await, Err(Error::Unauthenticated)));
        let rows = Rows::of(&app).await;
        let user_id = rows.id(user.0);
        for table in ["users", "ledgers", "secrets", "api_keys", "connections", "idempotent_answers"] {
            let query = format!("SELECT COUNT(*) FROM {table} WHERE user_id = {user_id}");
            assert_eq!(rows.number(&query).await, 0, "{table}");
        }
        assert_eq!(rows.number("SELECT COUNT(*) FROM secret_versions").await, 0);
        assert_eq!(rows.number("SELECT COUNT(*) FROM api_key_uses u WHERE NOT EXISTS \
            (SELECT 1 FROM api_keys k WHERE k.key_id = u.key_id)").await, 0);
        rows.close().await;
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        let again = app.vault.delete_user(&operator.caller, user).await;
        assert!(matches!(again, Err(Error::NotFound)));
    }

    async fn only_admin_administers(app: App) {
        let operator = app.operator().await;
        let manager = operator.delegate(key("m", &[Scope::Manage, Scope::Resolve, Scope::Audit])).await;
        let (vault, caller) = (&app.vault, &manager.caller);
        let user = app.user;
        for refused in [
            vault.create_user(caller, "x").await.err(),
            vault.list_users(caller, None).await.err(),
            vault.update_user(caller, user, disabled(true)).await.err(),
            vault.delete_user(caller, user).await.err(),
            vault.diagnose(caller).await.err(),
        ] {
            let missing = Denial::MissingScope(Scope::Admin);
            assert!(matches!(refused, Some(Error::Denied(denial)) if denial == missing));
        }
        let unknown = UserId(Uuid::from_u128(9));
        let changed = vault.update_user(&operator.caller, unknown, disabled(true)).await;
        assert!(matches!(changed, Err(Error::NotFound)));
    }
}
