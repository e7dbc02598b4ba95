//! Changes that are saved together: what one cannot save, and how often the database is asked.

use futures_util::future::join_all;
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::scope::Scope;
use toolvault_vault::{Error, SecretChange};

use crate::harness::app::key;
use crate::harness::databases::on_postgres;
use crate::harness::round_trips::RoundTrips;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

/// How many changes wait at once.
const MANY: usize = 64;
/// Begin and lock; read; write and lock the trail; write the page; commit.
const MOST: usize = 5;

async fn store_many(actor: &Actor, first: &str) -> Vec<SecretId> {
    let new = (0..MANY).map(|number| secret(&format!("{first} {number}"), "the first value"));
    let stored = join_all(new.map(|new| actor.store(new))).await;
    stored.into_iter().map(|info| info.secret_id).collect()
}

fn value(text: &str) -> SecretChange {
    SecretChange {
        value: Some(Confidential::from(text)),
        ..SecretChange::default()
    }
}

async fn asks_no_more_often_for_more_changes(app: App) {
    let (trips, location) = RoundTrips::before(&app).await;
    let mut settings = app.settings();
    settings.database = location;
    settings.limits.versions = 2;
    let app = app.another(settings).await;
    let mut people = vec![app.operator().await];
    for name in ["ann", "ben", "cy"] {
        people.push(app.person(name).await);
    }
    // Which of them are used for the first time is noted once a minute.
    for person in &people {
        person.store(secret("first", "the first value")).await;
    }
    trips.take();
    let mut secrets = Vec::new();
    for person in &people {
        secrets.push(store_many(person, "s").await);
    }
    for round in 0..4 {
        let changes = people.iter().zip(&secrets).flat_map(|(person, secrets)| {
            secrets.iter().map(move |id| async move {
                person
                    .change(*id, value(&format!("value {round}")))
                    .await
                    .unwrap();
            })
        });
        join_all(changes).await;
    }
    let all = trips.take();
    assert!(all.iter().all(|count| *count <= MOST), "{all:?}");
    let changes = people.len() * MANY * 5;
    assert!(all.len() < changes / 2, "{} transactions", all.len());
    let verified = app.vault.verify_audit(None).await.unwrap();
    assert!(verified.ok, "{verified:?}");
    app.vault.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_round_trips_of_a_group_do_not_grow_with_its_changes() {
    on_postgres(asks_no_more_often_for_more_changes).await;
}

on_both! {
    async fn a_row_that_the_database_refuses_takes_back_one_change(app: App) {
        let operator = app.operator().await;
        let ids = store_many(&operator, "s").await;
        let spoilt = ids[MANY / 2];
        let rows = Rows::of(&app).await;
        // The next version of one secret is there already.
        rows.run(&format!(
            "INSERT INTO secret_versions SELECT secret_id, 2, data_key, value, display, created_at, \
             created_by, mac FROM secret_versions WHERE secret_id = {}",
            rows.id(spoilt.0)
        ))
        .await;
        rows.close().await;
        let changes = ids.iter().map(|id| operator.change(*id, value(&format!("value of {id}"))));
        for (id, answer) in ids.iter().zip(join_all(changes).await) {
            if *id == spoilt {
                assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
            } else {
                answer.unwrap();
            }
        }
        let usage = operator.vault.usage(&operator.caller).await.unwrap();
        assert_eq!(usage.secrets, i64::try_from(MANY).unwrap());
        operator.delete(spoilt).await.unwrap();
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn each_change_sees_those_before_it(app: App) {
        let operator = app.operator().await;
        let id = operator.store(secret("a", "value 0").default_for("t", "api_token")).await.secret_id;
        let changes = (1..=40).map(|number| operator.change(id, value(&format!("value {number}"))));
        let answers = join_all(changes).await;
        let mut times: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().info.updated_at).collect();
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 40, "each is later than the one before");
        let versions = operator.vault.list_versions(&operator.caller, id).await.unwrap();
        let numbers: Vec<_> = versions.iter().map(|version| version.version).collect();
        assert_eq!(numbers, (32..=41).rev().collect::<Vec<_>>());
        for version in 32..=40 {
            operator.vault.restore_version(&operator.caller, id, version).await.unwrap();
        }
        let (deleted, last, issued) = tokio::join!(
            operator.delete(id),
            operator.change(id, value("the last value")),
            operator.issue(key("k", &[Scope::Use])),
        );
        deleted.unwrap();
        issued.unwrap();
        assert!(matches!(last, Ok(_) | Err(Error::NotFound)), "{last:?}");
        assert_eq!(operator.list().await.len(), 0);
        assert_eq!(operator.vault.usage(&operator.caller).await.unwrap().secrets, 0);
        let app = app.reopen().await;
        assert_eq!(app.operator().await.list().await.len(), 0);
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        app.vault.close().await;
    }
}
