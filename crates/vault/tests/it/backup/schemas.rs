//! Backups of older and newer schemas, and from before and in the middle of rotations of keys.

use toolvault_core::confidential::Key;
use toolvault_vault::{Keys, RestoreError};

use super::{assert_empty, furnished};
use crate::harness::App;
use crate::harness::backups::{bare_places, empty_places, sqlite_place};
use crate::harness::databases::bare_postgres_place;
use crate::harness::rows::Rows;
use crate::user_keys::under_way::with_many;
use crate::user_keys::{begin, finish, left_behind, rotate, step};

/// Claims a schema that this version does not know.
const TO_UNKNOWN: &str = "UPDATE _sqlx_migrations SET version = 9000 \
    WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";

/// The statements that take the tables back to the first schema, whatever later migrations do: they compare the tables
/// with those of a database in which only the first migration ran.
async fn to_first(app: &App) -> String {
    let (place, migration) = if app.is_sqlite() {
        let migration = include_str!("../../../migrations/sqlite/0001_store.sql");
        (sqlite_place(), migration)
    } else {
        let migration = include_str!("../../../migrations/postgres/0001_store.sql");
        (bare_postgres_place().await.unwrap(), migration)
    };
    let (first, now) = (Rows::at(&place).await, Rows::of(app).await);
    first.run(migration).await;
    let mut statements = "DELETE FROM _sqlx_migrations WHERE version > 1;".to_owned();
    let tables = first.tables().await;
    let (indexes, indexes_now) = (first.indexes().await, now.indexes().await);
    for index in indexes_now.iter().filter(|index| !indexes.contains(index)) {
        let (before, _) = index.split_once(" ON ").unwrap();
        let (_, name) = before.rsplit_once(' ').unwrap();
        statements.extend(["DROP INDEX ", name, ";"]);
    }
    for table in now.tables().await {
        if !tables.contains(&table) {
            statements.extend(["DROP TABLE ", &table, ";"]);
            continue;
        }
        let columns = first.columns(&table).await;
        for column in now.columns(&table).await {
            if !columns.contains(&column) {
                statements.extend(["ALTER TABLE ", &table, " DROP COLUMN ", &column, ";"]);
            }
        }
    }
    for index in indexes.iter().filter(|index| !indexes_now.contains(index)) {
        statements.extend([index, ";"]);
    }
    first.close().await;
    now.close().await;
    place.remove().await;
    statements
}

/// A backup that is made after these statements.
async fn backup_after(app: &App, statements: &str) -> Vec<u8> {
    let rows = Rows::of(app).await;
    rows.run(statements).await;
    rows.close().await;
    app.backup().await
}

on_both! {
    async fn a_backup_of_the_first_schema_becomes_a_store_of_the_newest(app: App) {
        let ann = furnished(&app).await;
        // The ledger of then counted none.
        ann.vault.disconnect(&ann.caller, "linear").await.unwrap();
        let listed = ann.list().await;
        let file = backup_after(&app, &to_first(&app).await).await;
        for place in bare_places().await {
            let (there, restored) = app.restore(place, &file, Keys::Keep).await;
            assert_eq!(restored.contents.schema, 1);
            let ann = there.sign_in(&ann.key).await;
            assert_eq!(ann.list().await, listed);
            // What needs the newest schema works.
            assert_eq!(rotate(&there).await.users, 3);
            assert_eq!(left_behind(&there, 2).await, 0);
            assert_eq!(ann.token("tool").await, "second-value");
            let second = there.backup().await;
            let (back, restored) = there.restore(sqlite_place(), &second, Keys::Keep).await;
            assert!(restored.contents.schema > 1);
            assert_eq!(back.sign_in(&ann.key).await.token("tool").await, "second-value");
            back.remove().await;
            there.remove().await;
        }
    }

    async fn a_backup_of_a_newer_schema_or_for_newer_tables_is_refused(app: App) {
        let newer = backup_after(&app, TO_UNKNOWN).await;
        let older = backup_after(&app, &to_first(&app).await).await;
        for place in empty_places().await {
            let refused = app.try_restore(&place, newer.as_slice(), Keys::Keep).await;
            assert!(matches!(refused, Err(RestoreError::Newer(_))), "{refused:?}");
            // Creates the tables of this version.
            assert_empty(&place, &app).await;
            let refused = app.try_restore(&place, older.as_slice(), Keys::Keep).await;
            assert!(matches!(refused, Err(RestoreError::NewerTables)), "{refused:?}");
            assert_empty(&place, &app).await;
            place.remove().await;
        }
    }

    async fn a_backup_needs_the_root_key_of_its_time(app: App) {
        let before = app.backup().await;
        let new = Key::from_slice(&[7; Key::LENGTH]).unwrap();
        assert!(app.vault.rotate_root_key(&app.local().caller, new).await.unwrap());
        let after = app.backup().await;
        for place in empty_places().await {
            let refused = app.try_restore(&place, after.as_slice(), Keys::Keep).await;
            assert!(matches!(refused, Err(RestoreError::WrongRootKey)), "{refused:?}");
            let (there, _) = app.restore(place, &before, Keys::Keep).await;
            there.remove().await;
        }
    }

    async fn a_rotation_that_was_stopped_goes_on_after_a_restore(app: App) {
        let (ann, _) = with_many(&app).await;
        let at = begin(&app).await;
        step(&app, at).await;
        assert!(left_behind(&app, 2).await > 0);
        let file = app.backup().await;
        for place in empty_places().await {
            let (there, _) = app.restore(place, &file, Keys::Keep).await;
            let local = there.local().caller;
            assert!(there.vault.diagnose(&local).await.unwrap().is_rotating);
            let begun = there.vault.begin_user_key_rotation(&local).await.unwrap();
            assert!(begun.resumed);
            assert!(finish(&there, begun.position).await.left.is_empty());
            assert_eq!(left_behind(&there, 2).await, 0);
            assert_eq!(there.sign_in(&ann.key).await.token("t0").await, "first value");
            assert!(there.vault.verify_audit(None).await.unwrap().ok);
            there.remove().await;
        }
    }
}
