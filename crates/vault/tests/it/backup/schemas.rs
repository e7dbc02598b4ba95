//! Backups of older and newer schemas, and from before and in the middle of rotations of keys.

use toolvault_core::confidential::Key;
use toolvault_vault::{Keys, RestoreError};

use super::{assert_empty, furnished};
use crate::harness::App;
use crate::harness::backups::{bare_places, empty_places, sqlite_place};
use crate::harness::rows::Rows;
use crate::user_keys::under_way::with_many;
use crate::user_keys::{begin, finish, left_behind, rotate, step};

/// Takes the tables back to the first schema.
const TO_FIRST: &str = "ALTER TABLE installation DROP COLUMN user_keys_before; \
    CREATE INDEX secrets_by_user ON secrets (user_id); DROP INDEX secrets_in_order; \
    DELETE FROM _sqlx_migrations WHERE version > 1;";
/// Claims a schema that this version does not know.
const TO_UNKNOWN: &str = "UPDATE _sqlx_migrations SET version = 9000 \
    WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";

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
        let listed = ann.list().await;
        let file = backup_after(&app, TO_FIRST).await;
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
        let older = backup_after(&app, TO_FIRST).await;
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
