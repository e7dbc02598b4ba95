//! Pruning the trail: the rest verifies.

mod attacks;

use toolvault_core::audit::checkpoint::Checkpoint;
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::digest::from_hexadecimal;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{
    Clock as _, Durability, Error, Evidence, Keys, Pruned, Settings, Verification,
};

use crate::harness::app::key;
use crate::harness::backups::empty_places;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, DAY, NewSecretExt as _, secret};

/// The tables of the trail.
const TRAIL: [&str; 5] = [
    "audit_pages",
    "audit_epochs",
    "audit_head",
    "audit_cut",
    "audit_kept",
];

async fn verify(app: &App) -> Verification {
    let first = from_hexadecimal(&app.audit_public_key).unwrap();
    app.vault.verify_audit(Some(&first)).await.unwrap()
}

async fn assert_sound(app: &App) -> Verification {
    let verified = verify(app).await;
    assert!(verified.ok, "{verified:?}");
    verified
}

/// What is wrong with the trail, which must be something.
async fn fault(app: &App) -> String {
    let verified = verify(app).await;
    verified.faults.first().unwrap().what.clone()
}

async fn prune(app: &App, before: Timestamp) -> Result<Pruned, Error> {
    app.vault.prune_audit(&app.local().caller, before).await
}

/// Prunes what is older than a day.
async fn prune_old(app: &App) -> Pruned {
    prune(app, app.clock.now().plus(-DAY)).await.unwrap()
}

/// Users, keys, secrets and versions that were changed and deleted.
async fn furnish(app: &App, name: &str) -> Actor {
    let person = app.person(name).await;
    let id = person
        .store(secret("s", "first value").default_for("tool", "api_token"))
        .await
        .secret_id;
    person.set_value(id, "second value").await;
    person.set_value(id, "third value").await;
    app.vault
        .delete_version(&person.caller, id, 1)
        .await
        .unwrap();
    let gone = person.store(secret("gone", "the value")).await.secret_id;
    person.delete(gone).await.unwrap();
    let child = person.delegate(key("child", &[Scope::Use])).await;
    app.vault
        .revoke_key(&person.caller, child.key_id())
        .await
        .unwrap();
    person.connect("linear", "first").await;
    person.connect("linear", "second").await;
    person.connect("github", "gone").await;
    let disconnected = app.vault.disconnect(&person.caller, "github").await;
    disconnected.unwrap();
    let other = app.person(&format!("{name}'s other")).await;
    other.connect("linear", "other").await;
    other.store(secret("s", "the value")).await;
    app.vault
        .delete_user(&app.local().caller, other.caller.user())
        .await
        .unwrap();
    person
}

/// A store that was pruned three days after its first changes, with others later.
async fn pruned(app: &App) -> (Actor, Pruned) {
    let ann = furnish(app, "ann").await;
    app.clock.advance(3 * DAY);
    furnish(app, "bea").await;
    let pruned = prune_old(app).await;
    assert!(pruned.records > 0);
    (ann, pruned)
}

async fn prunes(app: &App) -> Vec<Record> {
    app.operator().await.records(Action::AuditPruned).await
}

async fn dump(rows: &Rows) -> Vec<Vec<String>> {
    let mut dumped = Vec::new();
    for table in TRAIL {
        dumped.push(rows.dump(table).await);
    }
    dumped
}

/// Copies the tables of the trail; the statements put them back.
async fn copy(rows: &Rows, name: &str, tables: &[&str]) -> String {
    let mut back = String::new();
    for table in tables {
        rows.run(&format!(
            "CREATE TABLE {name}_{table} AS SELECT * FROM {table}"
        ))
        .await;
        let again = [
            "DELETE FROM ",
            table,
            "; INSERT INTO ",
            table,
            " SELECT * FROM ",
        ];
        back.extend(again.into_iter().chain([name, "_", table, ";"]));
    }
    back
}

/// Runs a statement in each step.
fn trigger(rows: &Rows, statement: &str) -> String {
    match rows {
        Rows::Sqlite(_) => {
            format!("CREATE TRIGGER stop BEFORE INSERT ON audit_cut BEGIN {statement}; END")
        }
        Rows::Postgres(_) => format!(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; \
             RETURN NEW; END $$; \
             CREATE TRIGGER stop BEFORE INSERT ON audit_cut FOR EACH ROW EXECUTE FUNCTION stop()"
        ),
    }
}

fn untrigger(rows: &Rows) -> &'static str {
    match rows {
        Rows::Sqlite(_) => "DROP TRIGGER stop",
        Rows::Postgres(_) => "DROP TRIGGER stop ON audit_cut; DROP FUNCTION stop",
    }
}

on_both! {
    async fn the_rest_verifies_with_all_rows_and_a_record_says_what_went(app: App) {
        let (ann, pruned) = pruned(&app).await;
        let verified = assert_sound(&app).await;
        let part = verified.pruned.unwrap();
        assert_eq!((part.pages, part.records), (pruned.pages, pruned.records));
        assert_eq!(part.actor, "local:1000");
        let records = prunes(&app).await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].count, Some(pruned.records));
        let reason = records[0].reason.as_deref().unwrap();
        assert!(reason.starts_with(&format!("up to record {} of page {}, hash ", pruned.records, pruned.pages)), "{reason}");
        let status = app.vault.status(&app.local().caller).await.unwrap();
        assert_eq!(status.audit_records, verified.records);
        assert_eq!(status.audit_pages, verified.pages);

        // Rows of before are changed, deleted and created as ever, and pruned again.
        ann.set_value(ann.list().await[0].secret_id, "fourth value").await;
        app.vault.delete_user(&app.local().caller, ann.caller.user()).await.unwrap();
        furnish(&app, "cid").await;
        assert_sound(&app).await;
        app.clock.advance(3 * DAY);
        let second = prune_old(&app).await;
        assert!(second.records > 0);
        let app = app.reopen().await;
        furnish(&app, "dan").await;
        let verified = assert_sound(&app).await;
        assert_eq!(verified.pruned.unwrap().records, pruned.records + second.records);
        assert_eq!(prunes(&app).await.len(), 1);
        app.vault.close().await;
    }

    async fn only_an_administrator_prunes_and_the_last_day_stays(app: App) {
        let ann = furnish(&app, "ann").await;
        app.clock.advance(3 * DAY);
        let now = app.clock.now();
        let refused = app.vault.prune_audit(&ann.caller, now.plus(-DAY)).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        for later in [now.plus(1 - DAY), now, now.plus(DAY)] {
            let refused = prune(&app, later).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
        // The oldest record is exactly that old.
        let first = now.plus(-3 * DAY);
        assert_eq!(prune(&app, first).await.unwrap(), Pruned::default());
        assert!(prunes(&app).await.is_empty());
        assert!(prune(&app, first.plus(1)).await.unwrap().records > 0);
        // Its own record, and the newest page.
        app.clock.advance(3 * DAY);
        prune_old(&app).await;
        assert_eq!(prune_old(&app).await.records, 1);
        assert_sound(&app).await;
    }

    async fn a_backup_of_a_pruned_store_is_one(app: App) {
        let (ann, _) = pruned(&app).await;
        let file = app.backup().await;
        for keys in [Keys::Keep, Keys::Revoke] {
            for place in empty_places().await {
                let (there, restored) = app.restore(place, &file, keys).await;
                assert_eq!(restored.verification.pruned, verify(&app).await.pruned);
                if keys == Keys::Keep {
                    assert_eq!(there.sign_in(&ann.key).await.token("tool").await, "third value");
                    there.clock.advance(3 * DAY);
                    assert!(prune_old(&there).await.records > 0);
                    there.clock.advance(-3 * DAY);
                }
                assert_sound(&there).await;
                there.remove().await;
            }
        }
    }

    async fn checkpoints_of_before_count_as_pruned(app: App) {
        let local = app.local().caller;
        let mut checkpoints = Vec::new();
        for name in ["ann", "bea", "cid"] {
            furnish(&app, name).await;
            checkpoints.extend(app.vault.checkpoint(&local, None).await.unwrap());
            app.clock.advance(2 * DAY);
        }
        prune_old(&app).await;
        // The newest page stays in any case.
        furnish(&app, "dan").await;
        let evidence = |checkpoints: &[Checkpoint]| Evidence {
            public_key: Some(app.audit_public_key.clone()),
            checkpoints: checkpoints.to_vec(),
        };
        let verified = app.vault.prove_audit(&local, evidence(&checkpoints)).await.unwrap();
        assert!(verified.ok, "{verified:?}");
        assert_eq!(verified.pruned.unwrap().checkpoints, 2);
        for previous in &checkpoints {
            assert!(app.vault.checkpoint(&local, Some(previous)).await.unwrap().is_some());
        }
        checkpoints[0].hash[0] ^= 1;
        assert!(app.vault.checkpoint(&local, Some(&checkpoints[0])).await.unwrap().is_none());
        let verified = app.vault.prove_audit(&local, evidence(&checkpoints)).await.unwrap();
        assert_eq!(verified.faults.len(), 1, "{verified:?}");
        assert_eq!(verified.faults[0].kind, "checkpoint");
    }

    async fn many_pages_go_in_steps_over_epochs(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "k")).await;
        let settings = Settings { audit_uses: Durability::Disk, ..app.settings() };
        let app = app.reopen_with(settings).await;
        let operator = app.operator().await;
        for _ in 0..1_100 {
            operator.resolve("t").await.unwrap();
        }
        app.clock.advance(3 * DAY);
        operator.store(secret("later", "the value")).await;
        // A database writer who comes after the verification does not change what the steps keep.
        let rows = Rows::of(&app).await;
        rows.run(&trigger(&rows, "UPDATE audit_epochs SET first_page = first_page + 1000000 \
            WHERE epoch > 1 AND first_page < 1000000")).await;
        let pruned = prune_old(&app).await;
        rows.run(untrigger(&rows)).await;
        rows.run("UPDATE audit_epochs SET first_page = first_page - 1000000 WHERE first_page > 1000000").await;
        rows.close().await;
        assert!(pruned.pages > 1_024, "{pruned:?}");
        let counts: Vec<_> = prunes(&app).await.iter().map(|record| record.count.unwrap()).collect();
        assert_eq!(counts.len(), 2);
        assert_eq!(counts.iter().sum::<i64>(), pruned.records);
        let part = assert_sound(&app).await.pruned.unwrap();
        assert_eq!(part.records, pruned.records);
        app.vault.close().await;
    }

    async fn a_step_that_is_not_committed_changes_nothing(app: App) {
        furnish(&app, "ann").await;
        app.clock.advance(3 * DAY);
        furnish(&app, "bea").await;
        let rows = Rows::of(&app).await;
        // The number of the page with the record is taken.
        let newest = rows.number("SELECT MAX(page) FROM audit_pages").await;
        let taken = format!("INSERT INTO audit_pages SELECT {newest} + 1, 9999, 9999, first_at, last_at, epoch, records, \
            hash, signature FROM audit_pages WHERE page = {newest}");
        let before = dump(&rows).await;
        // Verification would see it, so it comes when that is over.
        let guard = "DELETE FROM audit_pages WHERE first_sequence = 9999";
        rows.run(&trigger(&rows, &taken)).await;
        prune(&app, app.clock.now().plus(-DAY)).await.unwrap_err();
        rows.run(untrigger(&rows)).await;
        assert_eq!(rows.run(guard).await, 0);
        assert_eq!(dump(&rows).await, before);
        rows.close().await;
        assert!(prune_old(&app).await.records > 0);
        assert_sound(&app).await;
    }

    async fn of_two_prunes_at_once_none_takes_the_other_for_tampering(app: App) {
        pruned(&app).await;
        app.clock.advance(3 * DAY);
        furnish(&app, "cid").await;
        let before = app.clock.now().plus(-DAY);
        let (one, other) = tokio::join!(prune(&app, before), prune(&app, before));
        assert!([&one, &other].iter().any(|done| matches!(done, Ok(Pruned { records: 1.., .. }))));
        for done in [one, other] {
            assert!(matches!(done, Ok(_) | Err(Error::Unavailable(_))), "{done:?}");
        }
        assert_sound(&app).await;
    }

    async fn a_step_without_an_answer_is_tried_again(app: App) {
        pruned(&app).await;
        app.clock.advance(3 * DAY);
        let ann = furnish(&app, "cid").await;
        // With the vault's default patience.
        let app = app.reopen_with(Settings::new(app.place.location.clone())).await;
        let ann = app.sign_in(&ann.key).await;
        let rows = Rows::of(&app).await;
        let begin = if app.is_sqlite() { "BEGIN IMMEDIATE;" } else { "BEGIN;" };
        rows.run(&format!("{begin} UPDATE audit_head SET page = page;")).await;
        let (done, ()) = tokio::join!(prune(&app, app.clock.now().plus(-DAY)), async {
            // As long as the first try of the step waits at most.
            for _ in 0..2 {
                ann.try_store(secret("late", "the value")).await.unwrap_err();
            }
            rows.run("ROLLBACK").await;
        });
        assert!(done.unwrap().records > 0);
        rows.close().await;
        assert_sound(&app).await;
        app.vault.close().await;
    }
}
