//! A rotation that is stopped after each transaction, and one while others work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_vault::SecretChange;

use super::{assert_sound, begin, finish, left_behind, person, rotate, step};
use crate::harness::{Actor, App, NewSecretExt as _, secret};

/// More than two portions of one user.
const MANY: usize = 80;

fn new_value(text: &str) -> SecretChange {
    SecretChange {
        value: Some(Confidential::from(text)),
        ..SecretChange::default()
    }
}

/// A user with many secrets.
pub(crate) async fn with_many(app: &App) -> (Actor, Vec<SecretId>) {
    let ann = app.person("ann").await;
    let mut ids = Vec::new();
    for number in 0..MANY {
        let name = format!("t{number}");
        let new = secret(&name, "first value").default_for(&name, "api_token");
        ids.push(ann.store(new).await.secret_id);
    }
    (ann, ids)
}

on_both! {
    async fn one_that_is_stopped_after_any_transaction_goes_on(app: App) {
        let (ann, ids) = with_many(&app).await;
        person(&app, "ben").await;
        let mut app = app;
        let mut number = 1;
        // The last of these is more than the rotation has portions.
        for stop in 0..6 {
            number += 1;
            let mut at = Some(begin(&app).await);
            for _ in 0..stop {
                let Some(position) = at else { break };
                at = step(&app, position).await.position;
            }
            app = app.reopen().await;
            let ann = app.sign_in(&ann.key).await;
            for place in [stop, 31 + stop, MANY - 1 - stop] {
                let (tool, value) = (format!("t{place}"), format!("value {stop}"));
                ann.change(ids[place], new_value(&value)).await.unwrap();
                assert_eq!(ann.token(&tool).await, value);
            }
            ann.store(secret("new", "the value")).await;
            assert_sound(&app).await;
            let sums = finish(&app, begin(&app).await).await;
            assert!(sums.left.is_empty());
            // One that was completed is followed by another.
            number += u32::from(at.is_none());
            assert_eq!(left_behind(&app, number).await, 0, "stopped after {stop}");
            assert_sound(&app).await;
        }
        assert!(number > 7, "no rotation was completed by its steps");
        app.vault.close().await;
    }

    async fn whoever_uses_and_changes_secrets_meanwhile_notices_nothing(app: App) {
        let (ann, ids) = with_many(&app).await;
        let (ben, _) = person(&app, "ben").await;
        let is_over = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..8).map(|number| {
            let (ann, ben, is_over) = (ann.clone(), ben.clone(), Arc::clone(&is_over));
            let own = ids[number * 9];
            let tool = format!("t{}", number * 9);
            tokio::spawn(async move {
                let mut round = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let value = format!("value {round}");
                    ann.change(own, new_value(&value)).await.unwrap();
                    assert_eq!(ann.token(&tool).await, value);
                    assert_eq!(ben.token("t").await, "second value");
                    let versions = ann.vault.list_versions(&ann.caller, own).await.unwrap();
                    ann.vault.restore_version(&ann.caller, own, versions[1].version).await.unwrap();
                    assert_ne!(ann.token(&tool).await, value);
                    ben.vault.usage(&ben.caller).await.unwrap();
                    let new = ann.store(secret("short-lived", "the value")).await;
                    ann.delete(new.secret_id).await.unwrap();
                    round += 1;
                }
                round
            })
        }).collect();
        for number in 2..6 {
            assert!(rotate(&app).await.left.is_empty());
            assert_eq!(left_behind(&app, number).await, 0);
        }
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            assert!(worker.await.unwrap() > 0);
        }
        assert_sound(&app).await;
    }
}
