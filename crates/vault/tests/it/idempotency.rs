//! A repeated request is carried out once.

use toolvault_vault::{Error, NewSecret, SecretAnswer};

use crate::harness::app::key;
use crate::harness::{Actor, App, DAY, NewSecretExt as _, secret};
use toolvault_core::scope::Scope;

async fn send(actor: &Actor, new: NewSecret, key: &str) -> Result<SecretAnswer, Error> {
    actor
        .vault
        .create_secret(&actor.caller, new, Some(key))
        .await
}

on_both! {
    async fn the_same_request_gets_the_same_answer(app: App) {
        let operator = app.operator().await;
        let new = || secret("a", "short").default_for("t", "k");
        let first = send(&operator, new(), "k1").await.unwrap();
        operator.set_value(first.info.secret_id, "another value").await;
        let again = send(&operator, new(), "k1").await.unwrap();
        assert_eq!(again, first);
        assert_eq!(operator.list().await.len(), 1);
        let other = send(&operator, new(), "k2").await.unwrap();
        assert_ne!(other.info.secret_id, first.info.secret_id);
    }

    async fn another_request_with_the_same_key_is_refused(app: App) {
        let operator = app.operator().await;
        send(&operator, secret("a", "value"), "k").await.unwrap();
        for other in [
            secret("b", "value"),
            secret("a", "valuE"),
            secret("a", "value").bound("t", "k"),
        ] {
            match send(&operator, other, "k").await {
                Err(Error::Invalid(problems)) => assert_eq!(problems[0].kind, "idempotency_key_reused"),
                _ => panic!("it was not refused"),
            }
        }
        assert_eq!(operator.list().await.len(), 1);
    }

    async fn the_idempotency_keys_of_two_credentials_do_not_meet(app: App) {
        let operator = app.operator().await;
        let second = operator.delegate(key("second", &[Scope::Manage])).await;
        let first = send(&operator, secret("a", "value"), "k").await.unwrap();
        let other = send(&second, secret("a", "value"), "k").await.unwrap();
        assert_ne!(first.info.secret_id, other.info.secret_id);
        let bob = app.person("bob").await;
        send(&bob, secret("b", "other"), "k").await.unwrap();
    }

    async fn after_a_day_the_answer_is_forgotten(app: App) {
        let operator = app.operator().await;
        let first = send(&operator, secret("a", "value"), "k").await.unwrap();
        app.clock.advance(DAY);
        let again = send(&operator, secret("a", "value"), "k").await.unwrap();
        assert_eq!(again, first);
        app.clock.advance(1);
        let new = send(&operator, secret("b", "value"), "k").await.unwrap();
        assert_ne!(new.info.secret_id, first.info.secret_id);
    }

    async fn sixteen_at_once_store_one_secret(app: App) {
        let operator = app.operator().await;
        let senders: Vec<_> = (0..16)
            .map(|_| {
                let operator = operator.clone();
                tokio::spawn(async move { send(&operator, secret("a", "value"), "k").await })
            })
            .collect();
        let mut answers = Vec::new();
        for sender in senders {
            answers.push(sender.await.unwrap().unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(operator.list().await.len(), 1);
    }

    async fn a_refused_request_is_not_remembered(app: App) {
        let operator = app.operator().await;
        let too_large = secret("a", &"x".repeat((1 << 20) + 1));
        let refused = send(&operator, too_large, "k").await;
        assert!(matches!(refused, Err(Error::QuotaExceeded(_))));
        send(&operator, secret("a", "value"), "k").await.unwrap();
    }
}
