//! Quotas: exact at the limit, even under concurrent requests.

use toolvault_vault::{Error, Field, SecretChange, UserChange};

use crate::harness::{Actor, App, secret};

async fn set_limits(app: &App, user: &Actor, secrets: Option<i64>, bytes: Option<i64>) {
    let change = UserChange {
        secrets_limit: secrets.map(Some),
        bytes_limit: bytes.map(Some),
        ..UserChange::default()
    };
    let local = app.local();
    let changed = app
        .vault
        .update_user(&local.caller, user.caller.user(), change)
        .await;
    changed.unwrap();
}

fn is_refused<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::QuotaExceeded(_)))
}

on_both! {
    async fn the_limit_on_secrets_is_exact(app: App) {
        let alice = app.person("alice").await;
        set_limits(&app, &alice, Some(3), None).await;
        for number in 0..3 {
            alice.store(secret(&number.to_string(), "value")).await;
        }
        assert!(is_refused(&alice.try_store(secret("4th", "value")).await));
        let listed = alice.list().await;
        assert_eq!(listed.len(), 3);
        alice.delete(listed[0].secret_id).await.unwrap();
        alice.store(secret("4th", "value")).await;
        assert!(is_refused(&alice.try_store(secret("5th", "value")).await));
    }

    async fn the_limit_on_bytes_is_exact(app: App) {
        let alice = app.person("alice").await;
        set_limits(&app, &alice, None, Some(100)).await;
        let id = alice.store(secret("a", &"x".repeat(60))).await.secret_id;
        assert!(is_refused(&alice.try_store(secret("b", &"x".repeat(41))).await));
        alice.store(secret("b", &"é".repeat(20))).await;
        assert!(is_refused(&alice.try_store(secret("c", "1234")).await));
        let larger = SecretChange { value: Some("y".repeat(61).as_str().into()), ..SecretChange::default() };
        assert!(is_refused(&alice.change(id, larger).await));
        alice.set_value(id, &"y".repeat(60)).await;
    }

    async fn beyond_a_lowered_limit_one_may_shrink_but_not_grow(app: App) {
        let alice = app.person("alice").await;
        let id = alice.store(secret("a", &"x".repeat(60))).await.secret_id;
        alice.store(secret("b", &"x".repeat(60))).await;
        set_limits(&app, &alice, Some(1), Some(100)).await;
        assert!(is_refused(&alice.try_store(secret("c", "1234")).await));
        alice.set_value(id, &"y".repeat(60)).await;
        alice.set_value(id, &"y".repeat(59)).await;
        let rename = SecretChange { name: Some("z".into()), argument: Field::Set("k".into()), ..SecretChange::default() };
        alice.change(id, rename).await.unwrap();
        let larger = SecretChange { value: Some("y".repeat(60).as_str().into()), ..SecretChange::default() };
        assert!(is_refused(&alice.change(id, larger).await));
        let usage = alice.vault.usage(&alice.caller).await.unwrap();
        assert_eq!((usage.secrets, usage.secrets_limit, usage.bytes_limit), (2, 1, 100));
    }

    async fn thirty_two_creators_at_once_do_not_pass_the_limit(app: App) {
        let alice = app.person("alice").await;
        set_limits(&app, &alice, Some(10), Some(10 * 64)).await;
        let creators: Vec<_> = (0..32)
            .map(|number| {
                let alice = alice.clone();
                let new = secret(&number.to_string(), &"x".repeat(64));
                tokio::spawn(async move { alice.try_store(new).await })
            })
            .collect();
        let mut stored = 0;
        for creator in creators {
            match creator.await.unwrap() {
                Ok(_) => stored += 1,
                Err(error) => assert!(matches!(error, Error::QuotaExceeded(_)), "{error:?}"),
            }
        }
        assert_eq!(stored, 10);
        assert_eq!(alice.list().await.len(), 10);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_negative_limit_is_refused(app: App) {
        let alice = app.person("alice").await;
        let change = UserChange { secrets_limit: Some(Some(-1)), ..UserChange::default() };
        let local = app.local();
        let changed = app.vault.update_user(&local.caller, alice.caller.user(), change).await;
        assert!(matches!(changed, Err(Error::Invalid(_))));
    }
}
