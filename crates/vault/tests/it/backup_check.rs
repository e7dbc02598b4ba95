//! A backup is read back with the store's own keys.

use std::io::{self, Read};

use toolvault_vault::{Keys, RestoreError};

use crate::harness::backups::restore_at;
use crate::harness::rows::Rows;
use crate::harness::{App, NewSecretExt as _, secret};

/// A file that cannot be read.
struct Gone;

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

on_both! {
    async fn a_backup_is_whole_and_of_this_store_or_refused(app: App) {
        let operator = app.operator().await;
        operator.store(secret("s", "the value").default_for("t", "k")).await;
        let file = app.backup().await;
        let contents = app.vault.check_backup(file.as_slice()).unwrap();
        assert_eq!((contents.rows("users"), contents.rows("secrets")), (1, 1));
        for place in (0..file.len()).step_by(file.len() / 40) {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(app.vault.check_backup(changed.as_slice()).is_err(), "{place}");
            assert!(app.vault.check_backup(&file[..place]).is_err(), "{place}");
        }
        let longer = [file.as_slice(), b"x"].concat();
        assert!(app.vault.check_backup(longer.as_slice()).is_err());
        let torn = app.vault.check_backup(file[..file.len() / 2].chain(Gone));
        assert!(matches!(torn, Err(RestoreError::File(_))), "{torn:?}");
        let other = App::in_directory(tempfile::tempdir().unwrap()).await;
        let refused = other.vault.check_backup(file.as_slice());
        assert!(matches!(refused, Err(RestoreError::Format(_))), "{refused:?}");
        other.remove().await;
    }

    async fn a_store_that_is_not_restored_to_is_not_migrated_either(app: App) {
        let file = app.backup().await;
        app.vault.close().await;
        let rows = Rows::of(&app).await;
        let newest = "FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
        rows.run(&format!("CREATE TABLE kept AS SELECT * {newest}; DELETE {newest}")).await;
        let count = "SELECT COUNT(*) FROM _sqlx_migrations";
        let before = rows.number(count).await;
        let refused = restore_at(&app.place, &app.clock, file.as_slice(), Keys::Keep, &mut |_, _| ()).await;
        assert!(matches!(refused, Err(RestoreError::NotEmpty)), "{refused:?}");
        assert_eq!(rows.number(count).await, before);
        rows.run("INSERT INTO _sqlx_migrations SELECT * FROM kept; DROP TABLE kept").await;
        rows.close().await;
    }
}
