//! Tasks at tool servers: known to whoever began them, through any server of the store.

use toolvault_core::scope::Scope;
use toolvault_vault::{Error, TaskAt};

use crate::harness::rows::Rows;
use crate::harness::{Actor, App};

const DAY: i64 = 86_400_000_000;

const fn at(id: &str) -> TaskAt<'_> {
    TaskAt {
        server: "linear",
        id,
    }
}

async fn note(actor: &Actor, id: &str) {
    let noted = actor.vault.note_task(&actor.caller, at(id), "slow");
    noted.await.unwrap();
}

async fn find(actor: &Actor, id: &str) -> Option<String> {
    let found = actor.vault.find_task(&actor.caller, at(id));
    found.await.unwrap()
}

on_both! {
    async fn only_who_began_a_task_finds_it_also_after_a_restart(app: App) {
        let ann = app.person("ann").await;
        let same_user = ann.limited(&[Scope::Use], &["*"]).await;
        let bob = app.person("bob").await;
        note(&ann, "t-1").await;
        let reopened = app.reopen().await;
        let again = reopened.sign_in(&ann.key).await;
        assert_eq!(find(&again, "t-1").await.as_deref(), Some("slow"));
        assert_eq!(find(&again, "t-2").await, None);
        let elsewhere = TaskAt { server: "other", id: "t-1" };
        assert_eq!(again.vault.find_task(&again.caller, elsewhere).await.unwrap(), None);
        for other in [&same_user, &bob] {
            let other = reopened.sign_in(&other.key).await;
            assert_eq!(find(&other, "t-1").await, None);
        }
        let reader = again.limited(&[Scope::Audit], &["*"]).await;
        let refused = reader.vault.find_task(&reader.caller, at("t-1")).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        reopened.vault.close().await;
    }

    async fn it_is_known_for_a_week(app: App) {
        let ann = app.person("ann").await;
        note(&ann, "old").await;
        app.clock.advance(6 * DAY);
        note(&ann, "new").await;
        assert!(find(&ann, "old").await.is_some());
        app.clock.advance(2 * DAY);
        note(&ann, "newest").await;
        assert_eq!(find(&ann, "old").await, None);
        assert!(find(&ann, "new").await.is_some());
    }

    async fn a_row_that_was_changed_or_moved_is_refused(app: App) {
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        note(&ann, "one").await;
        note(&bob, "two").await;
        let rows = Rows::of(&app).await;
        rows.run("CREATE TABLE kept AS SELECT * FROM gateway_tasks").await;
        let other = "(SELECT sealed FROM kept k WHERE k.task <> gateway_tasks.task)";
        rows.run(&format!("UPDATE gateway_tasks SET sealed = {other}")).await;
        for (actor, id) in [(&ann, "one"), (&bob, "two")] {
            let found = actor.vault.find_task(&actor.caller, at(id)).await;
            assert!(matches!(found, Err(Error::Integrity)), "{found:?}");
        }
        rows.close().await;
    }
}
