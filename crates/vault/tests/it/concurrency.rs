//! Concurrency: changes are atomic, acknowledged ones apply to the next call, and callers may disconnect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use toolvault_vault::Error;

use crate::harness::app::key;
use crate::harness::{Actor, App, NewSecretExt as _, secret};
use toolvault_core::scope::Scope;

async fn work(person: Actor, number: usize) {
    for round in 0..6 {
        let name = format!("{number}-{round}");
        let info = person
            .store(secret(&name, "the value").default_for(&name, "api_token"))
            .await;
        person.set_value(info.secret_id, &name).await;
        assert_eq!(person.token(&name).await, name);
        let child = person.delegate(key(&name, &[Scope::Resolve])).await;
        assert_eq!(child.token(&name).await, name);
        person
            .vault
            .revoke_key(&person.caller, child.key_id())
            .await
            .unwrap();
        assert!(matches!(
            child.sign_in_again().await,
            Err(Error::Unauthenticated)
        ));
        if round % 2 == 0 {
            person.delete(info.secret_id).await.unwrap();
            assert_eq!(person.resolve(&name).await.unwrap().applied.len(), 0);
        }
    }
}

/// Stops the readers, even if the test fails.
#[derive(Default)]
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

on_both! {
    async fn sixteen_writers_see_what_they_were_told(app: App) {
        let people = [app.person("ann").await, app.person("ben").await, app.person("cy").await];
        let writers: Vec<_> = (0..16)
            .map(|number| tokio::spawn(work(people[number % 3].clone(), number)))
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let mut stored = 0;
        for person in &people {
            let usage = person.vault.usage(&person.caller).await.unwrap();
            let listed = person.list().await.len();
            assert_eq!(usage.secrets, i64::try_from(listed).unwrap());
            stored += listed;
        }
        assert_eq!(stored, 16 * 3);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn a_fill_that_is_slower_than_a_change_never_brings_the_old_value_back(app: App) {
        let mut settings = app.settings();
        // Space for a few entries: they keep evicting each other, and are filled again and again.
        settings.cache_bytes = 12_000;
        let app = app.reopen_with(settings).await;
        let people = [app.person("ann").await, app.person("ben").await, app.person("cy").await];
        let mut ids = Vec::new();
        for person in &people {
            ids.push(person.store(secret("s", "value 0").default_for("t", "api_token")).await.secret_id);
        }
        let is_over = Over::default();
        let readers: Vec<_> = people.iter().chain(&people).map(|person| {
            let (person, is_over) = (person.clone(), Arc::clone(&is_over.0));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    person.sign_in_again().await.unwrap();
                    assert_eq!(person.list().await.len(), 1);
                    tokio::task::yield_now().await;
                }
            })
        }).collect();
        for round in 1..40 {
            for (person, id) in people.iter().zip(&ids) {
                let value = format!("value {round}");
                person.set_value(*id, &value).await;
                assert_eq!(person.token("t").await, value);
            }
        }
        drop(is_over);
        for reader in readers {
            reader.await.unwrap();
        }
        app.vault.close().await;
    }

    async fn a_change_is_done_to_its_end_though_the_caller_left(app: App) {
        let operator = app.operator().await;
        for number in 0..20 {
            let name = number.to_string();
            let storing = operator.try_store(secret(&name, "the value"));
            tokio::select! {
                biased;
                stored = storing => { stored.unwrap(); }
                () = std::future::ready(()) => {}
            }
        }
        // Later entries wait behind earlier ones in the queue. A caller who disconnected while the database was
        // still being read has queued nothing; with an index in memory there is nothing to read.
        operator.store(secret("last", "the value")).await;
        let stored = operator.list().await.len();
        assert!(stored == 21 || !app.is_sqlite() && stored < 21, "{stored}");
        let usage = operator.vault.usage(&operator.caller).await.unwrap();
        assert_eq!(usage.secrets, i64::try_from(stored).unwrap());
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn what_was_acknowledged_is_there_after_reopening(app: App) {
        let operator = app.operator().await;
        for number in 0..5 {
            operator.store(secret(&number.to_string(), "the value").default_for("t", "api_token")).await;
        }
        operator.resolve("t").await.unwrap();
        let before = operator.list().await;
        let app = app.reopen().await;
        let operator = app.operator().await;
        assert_eq!(operator.list().await, before);
        assert_eq!(operator.token("t").await, "the value");
        app.vault.close().await;
    }
}
