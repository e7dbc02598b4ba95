//! The store at a glance.

use toolvault_core::confidential::Key;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Error, SystemEntropy};

use crate::harness::app::key;
use crate::harness::{App, HOUR, NewSecretExt as _, secret};

on_both! {
    async fn it_counts_what_there_is_and_what_is_due(app: App) {
        let operator = app.operator().await;
        let set_up = app.clock.now();
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(operator.store(secret(name, "the value").default_for("t", name)).await.secret_id);
        }
        let expiring = Policy { expires_at: Some(set_up.plus(HOUR)), ..Policy::default() };
        let rotating = Policy { rotate_after_days: Some(1), ..Policy::default() };
        for (id, policy) in [(ids[0], expiring), (ids[1], rotating)] {
            app.vault.set_policy(&operator.caller, id, policy, Vec::new()).await.unwrap();
        }
        let status = async || app.vault.status(&operator.caller).await.unwrap();
        let before = status().await;
        assert_eq!((before.users, before.keys, before.secrets), (1, 2, 3));
        assert_eq!((before.secrets_due, before.secrets_expired), (0, 0));
        assert_eq!(before.installation, app.vault.installation());
        assert!(before.root_key_since <= set_up);
        let engine = if app.is_sqlite() { "SQLite" } else { "PostgreSQL" };
        assert_eq!(before.engine, engine);
        assert!(before.audit_pages > 0 && before.audit_records >= before.audit_pages);
        assert!(before.replicas.is_empty());

        app.clock.advance(48 * HOUR);
        let root = Key::generate(&SystemEntropy).unwrap();
        assert!(app.vault.rotate_root_key(&operator.caller, root).await.unwrap());
        let after = status().await;
        assert_eq!((after.secrets_due, after.secrets_expired), (1, 1));
        assert_eq!(after.root_key_since, app.clock.now());
    }

    async fn only_an_administrator_sees_it(app: App) {
        let operator = app.operator().await;
        let other = operator.delegate(key("k", &[Scope::Manage, Scope::Audit])).await;
        let refused = app.vault.status(&other.caller).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    }
}
