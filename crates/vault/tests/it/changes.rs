//! Announcements of changes by this process and by others on the database; and secrets due for rotation.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::timeout;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_vault::{Changed, Consistency, UserChange, Vault};

use crate::harness::app::key;
use crate::harness::databases::on_postgres;
use crate::harness::rows::Rows;
use crate::harness::{App, DAY, NewSecretExt as _, SECOND, secret};

/// The announcements so far. On PostgreSQL, `Changed::All` is announced until the channel is up.
fn told(receiver: &mut Receiver<Changed>) -> Vec<Changed> {
    let mut told = Vec::new();
    loop {
        match receiver.try_recv() {
            Ok(Changed::All) => {}
            Ok(changed) => told.push(changed),
            Err(TryRecvError::Empty) => return told,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits until `wanted` is announced.
async fn hear(receiver: &mut Receiver<Changed>, wanted: Changed) {
    let hearing = async { while receiver.recv().await.unwrap() != wanted {} };
    timeout(Duration::from_secs(20), hearing).await.unwrap();
}

async fn listeners(rows: &Rows) -> i64 {
    rows.number(
        "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .await
}

/// Waits until this many vaults listen on the channel.
async fn channel(app: &App, count: i64) {
    let rows = Rows::of(app).await;
    let listening = async { while listeners(&rows).await < count {} };
    timeout(Duration::from_secs(20), listening).await.unwrap();
    rows.close().await;
}

on_both! {
    async fn each_change_is_told_before_its_answer_once_it_holds(app: App) {
        let ann = app.person("ann").await;
        let (user, local) = (Changed::User(ann.caller.user()), app.local());
        let mut news = app.vault.changes();
        let info = ann.store(secret("s", "the value").default_for("t", "api_token")).await;
        assert_eq!(told(&mut news), [user]);
        ann.set_value(info.secret_id, "second value").await;
        assert_eq!(told(&mut news), [user]);
        let policy = Policy { redact: false, ..Policy::default() };
        app.vault.set_policy(&ann.caller, info.secret_id, policy, Vec::new()).await.unwrap();
        assert_eq!(told(&mut news), [user]);
        assert_eq!(ann.token("t").await, "second value");
        ann.delete(info.secret_id).await.unwrap();
        assert_eq!(told(&mut news), [user]);
        let child = ann.delegate(key("c", &[Scope::Use])).await;
        told(&mut news);
        app.vault.revoke_key(&ann.caller, child.key_id()).await.unwrap();
        assert_eq!(told(&mut news), [Changed::Key(child.key_id())]);
        let change = UserChange { disabled: Some(true), ..UserChange::default() };
        app.vault.update_user(&local.caller, ann.caller.user(), change).await.unwrap();
        assert_eq!(told(&mut news), [user]);
        assert!(app.vault.recheck(&ann.caller).await.is_err());
        app.vault.delete_user(&local.caller, ann.caller.user()).await.unwrap();
        let last = told(&mut news);
        assert!(last.contains(&user) && last.contains(&Changed::Key(ann.key_id())), "{last:?}");
    }

    async fn what_changes_nothing_is_no_news(app: App) {
        let ann = app.person("ann").await;
        let info = ann.store(secret("s", "the value").default_for("t", "api_token")).await;
        let mut news = app.vault.changes();
        ann.token("t").await;
        ann.list().await;
        app.vault.set_policy(&ann.caller, info.secret_id, Policy::default(), Vec::new()).await.unwrap();
        app.vault.recheck(&ann.caller).await.unwrap();
        assert_eq!(told(&mut news), []);
    }

    async fn a_receiver_that_is_too_slow_is_told_so(app: App) {
        let ann = app.person("ann").await;
        let mut news = app.vault.changes();
        let info = ann.store(secret("s", "value")).await;
        for round in 0..1_100 {
            ann.set_value(info.secret_id, &format!("value {round}")).await;
        }
        assert!(matches!(news.try_recv(), Err(TryRecvError::Lagged(_))));
    }

    async fn what_is_due_for_rotation_is_counted_over_all_users(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        assert_eq!(app.vault.rotation_due().await.unwrap(), 0);
        let mut ids = Vec::new();
        for (actor, days) in [(&ann, Some(1)), (&ann, Some(30)), (&bob, Some(1)), (&bob, None)] {
            let id = actor.store(secret("s", "the value")).await.secret_id;
            // A companion argument with that name is not a rotation period.
            let when = [("\"rotate_after_days\":null".to_owned(), vec!["x".to_owned()])];
            let policy = Policy { rotate_after_days: days, when: when.into_iter().collect(), ..Policy::default() };
            app.vault.set_policy(&actor.caller, id, policy, Vec::new()).await.unwrap();
            ids.push(id);
        }
        app.clock.advance(DAY - 1);
        assert_eq!(app.vault.rotation_due().await.unwrap(), 0);
        app.clock.advance(1);
        assert_eq!(app.vault.rotation_due().await.unwrap(), 2);
        ann.set_value(ids[0], "second value").await;
        assert_eq!(app.vault.rotation_due().await.unwrap(), 1);
        // The times of one user's changes are never equal, so the second began a little later.
        app.clock.advance(29 * DAY + SECOND);
        assert_eq!(app.vault.rotation_due().await.unwrap(), 3);
        ann.delete(ids[1]).await.unwrap();
        assert_eq!(app.vault.rotation_due().await.unwrap(), 2);
    }
}

async fn hears_the_other(one: App, two: Vault) {
    channel(&one, 2).await;
    let (ann, mut news) = (one.person("ann").await, two.changes());
    let info = ann.store(secret("s", "the value")).await;
    hear(&mut news, Changed::User(ann.caller.user())).await;
    ann.delete(info.secret_id).await.unwrap();
    hear(&mut news, Changed::User(ann.caller.user())).await;
    let child = ann.delegate(key("c", &[Scope::Use])).await;
    let caller = two
        .authenticate_key(&child.key, toolvault_vault::OnBehalf::Unnamed, false)
        .await
        .unwrap();
    two.recheck(&caller).await.unwrap();
    one.vault
        .revoke_key(&ann.caller, child.key_id())
        .await
        .unwrap();
    hear(&mut news, Changed::Key(child.key_id())).await;
    assert!(two.recheck(&caller).await.is_err());
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_another_process_are_heard() {
    on_postgres(|one: App| async move {
        let two = one.another(one.settings()).await.vault;
        hears_the_other(one, two).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_heard_also_where_each_use_reads_the_database() {
    on_postgres(|one: App| async move {
        let mut settings = one.settings();
        settings.consistency = Consistency::Strict;
        let two = one.another(settings).await.vault;
        hears_the_other(one, two).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_was_cut_says_that_anything_may_have_changed() {
    on_postgres(|app: App| async move {
        channel(&app, 1).await;
        let mut news = app.vault.changes();
        let rows = Rows::of(&app).await;
        rows.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .await;
        hear(&mut news, Changed::All).await;
        rows.close().await;
    })
    .await;
}
