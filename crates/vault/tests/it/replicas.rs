//! Two vaults on one PostgreSQL database: a change takes effect on the other within a second.

use std::time::Duration;

use tokio::time::Instant;
use toolvault_core::digest::sha256;
use toolvault_core::scope::Scope;
use toolvault_vault::{Consistency, Error, KeyChange, SeenTool, Settings, UserChange};

use crate::harness::app::key;
use crate::harness::databases::on_postgres;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};
use crate::user_keys;

/// How long the other replica may lag.
const BOUND: Duration = Duration::from_secs(1);

macro_rules! on_two {
    ($(async fn $name:ident($one:ident: App, $two:ident: App) $body:block)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            on_postgres(|$one: App| async move {
                let $two = $one.another($one.settings()).await;
                { $body }
                $two.vault.close().await;
            }).await;
        })*
    };
}

/// Polls; from the maximum lag after `since` on, the condition must be true.
async fn soon(since: Instant, is_so: impl AsyncFn() -> bool) {
    loop {
        let asked = since.elapsed();
        if is_so().await {
            return;
        }
        assert!(asked <= BOUND, "not when asked after {asked:?}");
        tokio::task::yield_now().await;
    }
}

async fn named(actor: &Actor, name: &str) -> bool {
    actor
        .list()
        .await
        .iter()
        .any(|info| info.secret_name == name)
}

async fn is_refused(actor: &Actor) -> bool {
    match actor.sign_in_again().await {
        Ok(_) => false,
        Err(Error::Unauthenticated) => true,
        Err(error) => panic!("{error:?}"),
    }
}

/// Terminates the sessions that listen.
async fn cut(rows: &Rows) {
    rows.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .await;
}

async fn listeners(rows: &Rows) -> i64 {
    rows.number(
        "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .await
}

on_two! {
    async fn each_hears_of_the_other(one: App, two: App) {
        let since = Instant::now();
        for app in [&one, &two] {
            let local = app.local();
            let hears = async || {
                let status = app.vault.status(&local.caller).await.unwrap();
                let [other] = status.replicas.as_slice() else { return false };
                other.silent_ms < 60_000
            };
            soon(since, hears).await;
        }
    }

    async fn one_of_them_leads_until_its_connection_ends(one: App, two: App) {
        let [mut first, mut second] = [&one, &two].map(|app| app.vault.lead("work"));
        for _ in 0..2 {
            assert!(first.is_held().await.unwrap());
            assert!(!second.is_held().await.unwrap());
            assert_eq!(first.holder(), None);
        }
        let holder = second.holder().unwrap();
        assert_eq!(holder.application.as_deref(), Some("toolvault"));
        assert!(holder.role.is_some() && holder.to_string().contains(&holder.pid.to_string()));
        assert!(two.vault.lead("other work").is_held().await.unwrap());
        // Its connection is cut. It notices when it asks, and may be too late.
        let rows = Rows::of(&one).await;
        rows.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .await;
        rows.close().await;
        assert!(second.is_held().await.unwrap());
        assert_eq!(second.holder(), None);
        assert!(!first.is_held().await.unwrap());
    }

    async fn an_accepted_change_of_a_tool_holds_on_the_other(one: App, two: App) {
        let here = one.operator().await;
        let tool = |definition: &str| SeenTool {
            name: "a".to_owned(),
            hash: sha256(definition.as_bytes()),
            definition: None,
        };
        for definition in ["one", "two"] {
            let noted = here.vault.note_tools(&here.caller, "files", vec![tool(definition)]);
            noted.await.unwrap();
        }
        soon(Instant::now(), async || two.vault.pins_stamp().is_some()).await;
        let stamp = two.vault.pins_stamp();
        let since = Instant::now();
        let accepted = here.vault.accept_tool(&here.caller, "files", "a", sha256(b"two"));
        accepted.await.unwrap();
        soon(since, async || two.vault.pins_stamp() != stamp).await;
    }

    async fn a_change_and_a_deletion_hold_on_the_other(one: App, two: App) {
        let (here, there) = (one.operator().await, two.operator().await);
        for round in 0..10 {
            let name = format!("s{round}");
            let info = here.store(secret(&name, "the value").default_for("t", "api_token")).await;
            soon(Instant::now(), async || named(&there, &name).await).await;
            assert_eq!(there.token("t").await, "the value");
            here.set_value(info.secret_id, "second value").await;
            let since = Instant::now();
            soon(since, async || there.token("t").await == "second value").await;
            here.delete(info.secret_id).await.unwrap();
            soon(Instant::now(), async || !named(&there, &name).await).await;
        }
    }

    async fn a_revocation_and_a_disabling_hold_on_the_other(one: App, two: App) {
        let here = one.operator().await;
        for round in 0..5 {
            let holder = here.delegate(key("k", &[Scope::Manage])).await;
            let person = one.person(&format!("p{round}")).await;
            let there = two.sign_in(&holder.key).await;
            let person_there = two.sign_in(&person.key).await;
            one.vault.revoke_key(&here.caller, holder.key_id()).await.unwrap();
            soon(Instant::now(), async || is_refused(&there).await).await;
            let change = UserChange { disabled: Some(true), ..UserChange::default() };
            one.vault.update_user(&here.caller, person.caller.user(), change).await.unwrap();
            soon(Instant::now(), async || is_refused(&person_there).await).await;
        }
    }

    async fn what_happens_while_the_channel_is_cut_holds_all_the_same(one: App, two: App) {
        let (here, there) = (one.operator().await, two.operator().await);
        let rows = Rows::of(&one).await;
        for round in 0..4 {
            let deadline = Instant::now() + Duration::from_secs(20);
            while listeners(&rows).await < 2 {
                assert!(Instant::now() < deadline, "the channel did not come back");
            }
            there.list().await;
            cut(&rows).await;
            let name = format!("s{round}");
            here.store(secret(&name, "the value")).await;
            soon(Instant::now(), async || named(&there, &name).await).await;
            let holder = here.delegate(key("k", &[Scope::Manage])).await;
            let held = two.sign_in(&holder.key).await;
            one.vault.revoke_key(&here.caller, holder.key_id()).await.unwrap();
            soon(Instant::now(), async || is_refused(&held).await).await;
        }
        rows.close().await;
    }

    async fn thirty_two_creators_on_two_replicas_do_not_pass_the_limit(one: App, two: App) {
        let person = one.person("ann").await;
        let local = one.local();
        let change = UserChange { secrets_limit: Some(Some(10)), ..UserChange::default() };
        one.vault.update_user(&local.caller, person.caller.user(), change).await.unwrap();
        let there = two.sign_in(&person.key).await;
        let creators: Vec<_> = (0..32).map(|number| {
            let actor = if number % 2 == 0 { person.clone() } else { there.clone() };
            tokio::spawn(async move { actor.try_store(secret("s", "the value")).await })
        }).collect();
        let mut stored = 0;
        for creator in creators {
            match creator.await.unwrap() {
                Ok(_) => stored += 1,
                Err(error) => assert!(matches!(error, Error::QuotaExceeded(_)), "{error:?}"),
            }
        }
        assert_eq!(stored, 10);
        let verified = two.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn what_two_replicas_change_of_one_row_is_not_lost(one: App, two: App) {
        let (here, there) = (one.operator().await, two.operator().await);
        for round in 0..20 {
            let user = one.vault.create_user(&here.caller, &format!("u{round}")).await.unwrap().user_id;
            let holder = here.issue(key("k", &[Scope::Manage])).await.unwrap().info.key_id;
            let disable = UserChange { disabled: Some(true), ..UserChange::default() };
            let limit = UserChange { bytes_limit: Some(Some(7)), ..UserChange::default() };
            let rename = KeyChange { name: Some("renamed".into()), ..KeyChange::default() };
            let (a, b, c, d) = tokio::join!(
                one.vault.update_user(&here.caller, user, disable),
                two.vault.update_user(&there.caller, user, limit),
                one.vault.revoke_key(&here.caller, holder),
                two.vault.update_key(&there.caller, holder, rename),
            );
            a.unwrap();
            b.unwrap();
            c.unwrap();
            d.unwrap();
            let users = one.vault.list_users(&here.caller, None).await.unwrap();
            let info = users.iter().find(|info| info.user_id == user).unwrap();
            assert_eq!((info.disabled, info.bytes_limit), (true, Some(7)));
            let keys = one.vault.list_keys(&here.caller, None).await.unwrap();
            let info = keys.iter().find(|info| info.key_id == holder).unwrap();
            assert!(info.revoked_at.is_some() && info.name == "renamed");
        }
        let verified = one.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn user_keys_rotate_on_one_while_the_other_works(one: App, two: App) {
        let (here, there) = (one.operator().await, two.operator().await);
        let mut ids = Vec::new();
        for number in 0..80 {
            let name = format!("t{number}");
            ids.push(here.store(secret(&name, "the value").default_for(&name, "api_token")).await.secret_id);
        }
        let mut turns = 0;
        for round in 0..3 {
            // Both have the user in their caches, with the keys from before.
            assert_eq!((here.list().await.len(), there.list().await.len()), (80, 80));
            let mut at = Some(user_keys::begin(&one).await);
            while let Some(position) = at {
                turns += 1;
                let app = if turns % 2 == 0 { &one } else { &two };
                at = user_keys::step(app, position).await.position;
                for (number, actor) in [(3, &here), (20, &there), (40, &there), (70, &here)] {
                    let value = format!("value {round} {at:?}");
                    actor.set_value(ids[number], &value).await;
                    assert_eq!(actor.token(&format!("t{number}")).await, value);
                }
            }
        }
        let verified = two.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }

    async fn replicas_that_change_many_users_never_wait_for_each_other(one: App, two: App) {
        let mut people = Vec::new();
        for number in 0..6 {
            people.push(one.person(&number.to_string()).await);
        }
        let admin = one.operator().await;
        let mut workers = Vec::new();
        for app in [&one, &two] {
            for (number, person) in people.iter().enumerate() {
                let here = app.sign_in(&person.key).await;
                let admin = Actor { vault: app.vault.clone(), ..admin.clone() };
                let other = people[(number + 3) % 6].caller.user();
                workers.push(tokio::spawn(async move {
                    for round in 0..5 {
                        let info = here.store(secret("s", "the value")).await;
                        let issued = here.issue(key("k", &[Scope::Use])).await.unwrap();
                        let quota = UserChange { bytes_limit: Some(Some(9_000 + round)), ..UserChange::default() };
                        admin.vault.update_user(&admin.caller, other, quota).await.unwrap();
                        admin.vault.revoke_key(&admin.caller, issued.info.key_id).await.unwrap();
                        here.sign_in_again().await.unwrap();
                        here.delete(info.secret_id).await.unwrap();
                    }
                }));
            }
        }
        for worker in workers {
            worker.await.unwrap();
        }
        let verified = one.vault.verify_audit(None).await.unwrap();
        assert!(verified.ok, "{verified:?}");
    }
}

async fn each_use_reads(one: App) {
    let mut settings = one.settings();
    settings.consistency = Consistency::Strict;
    let two = one.another(settings).await;
    let (here, there) = (one.operator().await, two.operator().await);
    let id = here
        .store(secret("s", "value").default_for("t", "api_token"))
        .await
        .secret_id;
    for round in 0..20 {
        let value = format!("value {round}");
        here.set_value(id, &value).await;
        assert_eq!(there.token("t").await, value);
    }
    one.vault
        .revoke_key(&here.caller, here.key_id())
        .await
        .unwrap();
    assert!(there.sign_in_again().await.is_err());
    two.vault.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_consistency_reads_the_database_on_each_use() {
    on_postgres(each_use_reads).await;
}

on_two! {
    async fn a_transaction_that_waited_too_long_for_a_lock_leaves_the_connection_usable(one: App, _two: App) {
        let settings = Settings { patience: Duration::from_millis(500), ..one.settings() };
        let hasty = one.another(settings).await;
        let Rows::Postgres(pool) = Rows::of(&one).await else { unreachable!() };
        let mut holder = pool.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM ledgers FOR NO KEY UPDATE").execute(&mut *holder).await.unwrap();
        let operator = hasty.operator().await;
        let refused = operator.try_store(secret("s", "the value")).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        holder.rollback().await.unwrap();
        for number in 0..20 {
            operator.store(secret(&format!("s{number}"), "the value")).await;
            assert_eq!(operator.list().await.len(), number + 1);
        }
        hasty.vault.close().await;
    }
}
