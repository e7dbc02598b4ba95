//! New keys for all users: everything stays usable at every moment, and nothing is left under an old key.

pub(crate) mod under_way;

use toolvault_core::audit::record::Action;
use toolvault_core::identity::SecretId;
use toolvault_core::scope::Scope;
use toolvault_vault::{Error, RotationPortion, RotationPosition, SecretChange};

use crate::harness::app::key;
use crate::harness::rows::Rows;
use crate::harness::{Actor, App, NewSecretExt as _, secret};

/// Begins, or goes on with a rotation that was stopped.
pub(crate) async fn begin(app: &App) -> RotationPosition {
    app.clock.advance(1);
    let local = app.local().caller;
    let begun = app.vault.begin_user_key_rotation(&local);
    begun.await.unwrap().position
}

pub(crate) async fn step(app: &App, at: RotationPosition) -> RotationPortion {
    let local = app.local().caller;
    let portion = app.vault.continue_user_key_rotation(&local, at);
    portion.await.unwrap()
}

/// Rotates from this position to the end; returns the sums.
pub(crate) async fn finish(app: &App, at: RotationPosition) -> RotationPortion {
    let mut sum = RotationPortion::default();
    let mut at = Some(at);
    while let Some(position) = at {
        let portion = step(app, position).await;
        sum.users += portion.users;
        sum.data_keys += portion.data_keys;
        sum.versions += portion.versions;
        sum.left.extend(portion.left);
        at = portion.position;
    }
    sum
}

pub(crate) async fn rotate(app: &App) -> RotationPortion {
    finish(app, begin(app).await).await
}

/// How many blobs are sealed with another user key than the one with this number.
pub(crate) async fn left_behind(app: &App, number: u32) -> i64 {
    let rows = Rows::of(app).await;
    let number = rows.bytes(&number.to_be_bytes());
    let mut left = 0;
    for (column, table) in [
        ("data_key", "secret_versions"),
        ("data_key", "connections"),
        ("sealed", "ledgers"),
        ("sealed", "idempotent_answers"),
    ] {
        let query =
            format!("SELECT COUNT(*) FROM {table} WHERE substr({column}, 3, 4) <> {number}");
        left += rows.number(&query).await;
    }
    rows.close().await;
    left
}

async fn assert_sound(app: &App) {
    let verified = app.vault.verify_audit(None).await.unwrap();
    assert!(verified.ok, "{verified:?}");
}

/// A user with a secret of two versions, as default for the tool `t`.
async fn person(app: &App, name: &str) -> (Actor, SecretId) {
    let person = app.person(name).await;
    let new = secret("s", "first value").default_for("t", "api_token");
    let id = person.store(new).await.secret_id;
    person.set_value(id, "second value").await;
    (person, id)
}

on_both! {
    async fn everything_moves_to_the_new_key_and_stays_as_it_was(app: App) {
        let (ann, id) = person(&app, "ann").await;
        let (ben, _) = person(&app, "ben").await;
        let new = || secret("again", "the value");
        let remembered = ann.vault.create_secret(&ann.caller, new(), Some("k")).await.unwrap();
        let before = ann.list().await;
        let sums = rotate(&app).await;
        // Ann, Ben and the user from set-up.
        assert_eq!((sums.users, sums.data_keys, sums.versions), (3, 5, 5));
        assert_eq!(left_behind(&app, 2).await, 0);
        for reopened in [false, true] {
            let app = if reopened { app.reopen().await } else { app.clone() };
            let (ann, ben) = (app.sign_in(&ann.key).await, app.sign_in(&ben.key).await);
            assert_eq!(ann.list().await, before);
            assert_eq!((ann.token("t").await, ben.token("t").await), ("second value".into(), "second value".into()));
            let repeated = ann.vault.create_secret(&ann.caller, new(), Some("k")).await.unwrap();
            assert_eq!(repeated, remembered);
            assert_sound(&app).await;
            if reopened {
                ann.vault.restore_version(&ann.caller, id, 1).await.unwrap();
                assert_eq!(ann.token("t").await, "first value");
                rotate(&app).await;
                assert_eq!(left_behind(&app, 3).await, 0);
                assert_eq!(ann.token("t").await, "first value");
                assert_sound(&app).await;
                app.vault.close().await;
            }
        }
    }

    async fn each_user_and_the_whole_are_in_the_trail(app: App) {
        let ann = app.person("ann").await;
        let operator = app.operator().await;
        rotate(&app).await;
        let records = operator.records(Action::UserKeysRotated).await;
        let told: Vec<_> = records
            .iter()
            .rev()
            .map(|record| (record.user_id, record.reason.as_deref().unwrap()))
            .collect();
        let (first, second) = (app.user.min(ann.caller.user()), app.user.max(ann.caller.user()));
        assert_eq!(told, [
            (None, "begun"), (Some(first), "completed"), (Some(second), "completed"), (None, "completed"),
        ]);
        assert!(records.iter().all(|record| record.actor == "local:1000"));
    }

    async fn users_who_came_after_the_begin_need_nothing(app: App) {
        person(&app, "ann").await;
        let at = begin(&app).await;
        let (late, _) = person(&app, "late").await;
        let sums = finish(&app, at).await;
        assert_eq!((sums.users, sums.data_keys, sums.versions), (2, 2, 4));
        assert_eq!(late.token("t").await, "second value");
        assert_eq!(rotate(&app).await.users, 3);
    }

    async fn a_key_that_was_made_while_the_clock_was_ahead_is_replaced_too(app: App) {
        let (ann, _) = person(&app, "ann").await;
        app.clock.advance(1_000_000);
        rotate(&app).await;
        app.clock.advance(-2_000_000);
        assert_eq!(rotate(&app).await.users, 2);
        assert_eq!(left_behind(&app, 3).await, 0);
        assert_eq!(ann.token("t").await, "second value");
    }

    async fn an_old_row_that_is_put_back_is_refused(app: App) {
        let (ann, id) = person(&app, "ann").await;
        let rows = Rows::of(&app).await;
        let tables = ["users", "ledgers", "secret_versions"];
        let keep = tables.map(|table| format!("CREATE TABLE old_{table} AS SELECT * FROM {table};\
            CREATE TABLE new_{table} AS SELECT * FROM {table} WHERE 1 = 0;"));
        let put = tables.map(|table| format!("INSERT INTO new_{table} SELECT * FROM {table}; \
            DELETE FROM {table}; INSERT INTO {table} SELECT * FROM old_{table};"));
        rows.run(&keep.concat()).await;
        rotate(&app).await;
        for (table, put) in tables.into_iter().zip(&put) {
            rows.run(put).await;
            let app = app.reopen().await;
            let ann = app.sign_in(&ann.key).await;
            assert!(matches!(ann.resolve("t").await, Err(Error::Integrity)), "{table}");
            let change = SecretChange { name: Some("n".into()), ..SecretChange::default() };
            assert!(matches!(ann.change(id, change).await, Err(Error::Integrity)), "{table}");
            app.vault.close().await;
            rows.run(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM new_{table}; \
                DELETE FROM new_{table};")).await;
        }
        // All of them together are an earlier state of the user, which the trail finds.
        rows.run(&put.concat()).await;
        rows.close().await;
        let app = app.reopen().await;
        let verified = app.vault.verify_audit(None).await.unwrap();
        assert!(!verified.ok);
        app.vault.close().await;
    }

    async fn a_user_with_a_changed_row_is_left_and_the_others_are_not(app: App) {
        let (ann, _) = person(&app, "ann").await;
        let (ben, id) = person(&app, "ben").await;
        let rows = Rows::of(&app).await;
        let rename = |name: &str| {
            format!("UPDATE secrets SET name = '{name}' WHERE secret_id = {}", rows.id(id.0))
        };
        rows.run(&rename("other")).await;
        let sums = rotate(&app).await;
        assert_eq!((sums.users, sums.left.as_slice()), (2, &[ben.caller.user()][..]));
        assert_eq!(ann.token("t").await, "second value");
        let tampering = app.local().records(Action::TamperingDetected).await;
        assert!(tampering.iter().any(|record| record.user_id == Some(ben.caller.user())));
        assert!(app.vault.diagnose(&app.local().caller).await.unwrap().is_rotating);

        rows.run(&rename("s")).await;
        rows.close().await;
        let sums = rotate(&app).await;
        assert_eq!((sums.users, sums.data_keys, sums.left.len()), (1, 2, 0));
        assert_eq!(left_behind(&app, 2).await, 0);
        assert_eq!(app.sign_in(&ben.key).await.token("t").await, "second value");
        assert!(!app.vault.diagnose(&app.local().caller).await.unwrap().is_rotating);
        assert_sound(&app).await;
    }

    // Whoever writes to the database could otherwise make every rotation do nothing.
    async fn a_rotation_that_began_long_ago_is_begun_again(app: App) {
        let (ann, _) = person(&app, "ann").await;
        rotate(&app).await;
        let rows = Rows::of(&app).await;
        rows.run("UPDATE installation SET user_keys_before = 1").await;
        rows.close().await;
        assert_eq!(rotate(&app).await.users, 2);
        assert_eq!(left_behind(&app, 3).await, 0);
        assert_eq!(ann.token("t").await, "second value");
    }

    async fn a_row_that_only_claims_a_new_key_keeps_the_old_one(app: App) {
        let (ben, id) = person(&app, "ben").await;
        let rows = Rows::of(&app).await;
        let row = format!("secret_id = {} AND version = 1", rows.id(id.0));
        let sealed = rows.blob(&format!("SELECT data_key FROM secret_versions WHERE {row}")).await;
        let mut claims = sealed.clone();
        claims[2..6].copy_from_slice(&2_u32.to_be_bytes());
        let put = async |data_key: &[u8]| {
            let data_key = rows.bytes(data_key);
            rows.run(&format!("UPDATE secret_versions SET data_key = {data_key} WHERE {row}")).await;
        };
        put(&claims).await;
        assert_eq!(rotate(&app).await.left, [ben.caller.user()]);
        put(&sealed).await;
        rows.close().await;
        assert_eq!(rotate(&app).await.left, []);
        assert_eq!(app.sign_in(&ben.key).await.token("t").await, "second value");
    }

    async fn a_late_command_does_not_end_the_rotation_after_its_own(app: App) {
        person(&app, "ann").await;
        let late = begin(&app).await;
        rotate(&app).await;
        let at = begin(&app).await;
        assert_eq!(finish(&app, late).await.users, 0);
        assert!(app.vault.diagnose(&app.local().caller).await.unwrap().is_rotating);
        assert_eq!(finish(&app, at).await.users, 2);
        assert!(!app.vault.diagnose(&app.local().caller).await.unwrap().is_rotating);
    }

    async fn only_admins_rotate(app: App) {
        let operator = app.operator().await;
        let at = begin(&app).await;
        for scope in [Scope::Manage, Scope::Use, Scope::Resolve, Scope::Audit] {
            let holder = operator.delegate(key("k", &[scope])).await;
            assert!(app.vault.begin_user_key_rotation(&holder.caller).await.is_err());
            assert!(app.vault.continue_user_key_rotation(&holder.caller, at).await.is_err());
        }
        assert_eq!(left_behind(&app, 1).await, 0);
    }
}
