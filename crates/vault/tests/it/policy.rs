//! Policies: read, replace, and what a protected secret refuses.

use toolvault_core::audit::record::Action;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Clock as _, Denial, Error, Field, SecretChange};

use crate::harness::actor::pattern;
use crate::harness::clock::{DAY, HOUR};
use crate::harness::{App, NewSecretExt as _, secret};

fn protected() -> Policy {
    Policy {
        protected: true,
        ..Policy::default()
    }
}

fn is_protected<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Denied(Denial::SecretProtected)))
}

on_both! {
    async fn a_policy_is_kept_and_an_equal_one_is_no_change(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        let before = operator.store(secret("s", "the value")).await;
        let id = before.secret_id;
        assert_eq!(vault.get_policy(caller, id).await.unwrap(), Policy::default());
        vault.set_policy(caller, id, Policy::default(), Vec::new()).await.unwrap();
        assert_eq!(vault.get_secret(caller, id).await.unwrap(), before);
        vault.set_policy(caller, id, protected(), Vec::new()).await.unwrap();
        assert_eq!(vault.get_policy(caller, id).await.unwrap(), protected());
        assert!(vault.get_secret(caller, id).await.unwrap().updated_at > before.updated_at);
        assert_eq!(operator.records(Action::SecretPolicyChanged).await.len(), 1);
        let app = app.reopen().await;
        assert_eq!(app.vault.get_policy(caller, id).await.unwrap(), protected());
        app.vault.close().await;
    }

    async fn of_two_changes_of_one_policy_the_second_is_refused(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        let id = operator.store(secret("s", "the value")).await.secret_id;
        let seen = vec![vault.get_policy(caller, id).await.unwrap().entity_tag()];
        let other = Policy { redact: false, ..Policy::default() };
        let first = vault.set_policy(caller, id, protected(), seen.clone());
        let second = vault.set_policy(caller, id, other.clone(), seen.clone());
        let (first, second) = tokio::join!(first, second);
        let refused = [first, second].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert!(matches!(refused[..], [Error::PreconditionFailed]), "{refused:?}");
        let now = vault.get_policy(caller, id).await.unwrap();
        assert_ne!(vec![now.entity_tag()], seen);
        // A new value is no change of the policy.
        operator.set_value(id, "second value").await;
        vault.set_policy(caller, id, Policy::default(), vec![now.entity_tag()]).await.unwrap();
        vault.set_policy(caller, id, other, vec!["\"x\"".into(), "*".into()]).await.unwrap();
    }

    async fn only_the_value_of_a_protected_secret_may_change(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        let id = operator.store(secret("s", "the value").default_for("t*", "k")).await.secret_id;
        operator.set_value(id, "second value").await;
        vault.set_policy(caller, id, protected(), Vec::new()).await.unwrap();
        for change in [
            SecretChange { name: Some("x".into()), ..SecretChange::default() },
            SecretChange { tool: Field::Set(pattern("*")), ..SecretChange::default() },
            SecretChange { argument: Field::Clear, ..SecretChange::default() },
            SecretChange { is_default: Some(false), ..SecretChange::default() },
        ] {
            assert!(is_protected(&operator.change(id, change).await));
        }
        assert!(is_protected(&vault.restore_version(caller, id, 1).await));
        assert!(is_protected(&operator.try_store(secret("s", "other value")).await));
        assert!(is_protected(&operator.try_store(secret("y", "other value").default_for("tool", "k")).await));
        operator.store(secret("z", "other value").default_for("tool", "other")).await;
        operator.set_value(id, "third value").await;
    }

    async fn a_limited_key_does_not_lift_the_protection(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("s", "the value").bound("t1", "k")).await.secret_id;
        operator.vault.set_policy(&operator.caller, id, protected(), Vec::new()).await.unwrap();
        let limited = operator.limited(&[Scope::Manage], &["t*"]).await;
        assert!(is_protected(&limited.vault.set_policy(&limited.caller, id, Policy::default(), Vec::new()).await));
        assert!(is_protected(&limited.vault.delete_secret(&limited.caller, id, Vec::new()).await));
        operator.vault.set_policy(&operator.caller, id, Policy::default(), Vec::new()).await.unwrap();
    }

    async fn what_is_due_or_expired_is_told_of_secrets_with_a_policy(app: App) {
        let operator = app.operator().await;
        let (vault, caller) = (&operator.vault, &operator.caller);
        operator.store(secret("plain", "the value")).await;
        let id = operator.store(secret("s", "the value").bound("t1", "k")).await.secret_id;
        let expires_at = app.clock.now().plus(3 * DAY);
        let policy = Policy {
            expires_at: Some(expires_at),
            rotate_after_days: Some(2),
            ..Policy::default()
        };
        vault.set_policy(caller, id, policy.clone(), Vec::new()).await.unwrap();
        let listed = || async { vault.list_policies(caller).await.unwrap() };
        let first = listed().await;
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].secret_id, &first[0].policy), (id, &policy));
        assert!(!first[0].is_due && !first[0].is_expired);

        // Times of changes strictly increase, so they are a little ahead of the clock.
        app.clock.advance(2 * DAY + HOUR);
        let due = listed().await;
        assert!(due[0].is_due && !due[0].is_expired);
        assert_eq!(due[0].rotation_due_at, first[0].rotation_due_at);
        // A new name is not a new value.
        let renamed = SecretChange { name: Some("x".into()), ..SecretChange::default() };
        operator.change(id, renamed).await.unwrap();
        assert!(listed().await[0].is_due);
        operator.set_value(id, "second value").await;
        assert!(!listed().await[0].is_due);

        app.clock.advance(DAY);
        assert!(listed().await[0].is_expired);
        let limited = operator.limited(&[Scope::Manage], &["u*"]).await;
        assert_eq!(limited.vault.list_policies(&limited.caller).await.unwrap(), []);
        let reader = operator.limited(&[Scope::Resolve], &["t*"]).await;
        assert!(matches!(reader.vault.list_policies(&reader.caller).await, Err(Error::Denied(_))));
    }
}
