//! Backups of a test's store, and stores made from them.

use std::io::Read;
use std::sync::Arc;

use toolvault_vault::{
    DatabaseLocation, Keys, Piece, RestoreError, Restored, SystemEntropy, restore,
};

use super::App;
use super::app::{open, patient, root_key_of};
use super::clock::TestClock;
use super::databases::{Place, bare_postgres_place, postgres_place};

/// An empty place on SQLite.
pub(crate) fn sqlite_place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let location = DatabaseLocation::Directory(directory.path().join("data"));
    Place {
        directory,
        location,
        database: None,
    }
}

/// An empty place on SQLite, and one on PostgreSQL unless those tests are skipped.
pub(crate) async fn empty_places() -> Vec<Place> {
    let mut places = vec![sqlite_place()];
    places.extend(postgres_place().await);
    places
}

/// The same without any tables.
pub(crate) async fn bare_places() -> Vec<Place> {
    let mut places = vec![sqlite_place()];
    places.extend(bare_postgres_place().await);
    places
}

/// Restores `file` to `place` with the root key that is there.
pub(crate) async fn restore_at(
    place: &Place,
    clock: &TestClock,
    file: impl Read + Send,
    keys: Keys,
    progress: &mut (dyn FnMut(i64, i64) + Send),
) -> Result<Restored, RestoreError> {
    restore(
        patient(place),
        &root_key_of(place),
        Arc::new(clock.clone()),
        Arc::new(SystemEntropy),
        file,
        keys,
        progress,
    )
    .await
}

impl App {
    /// The bytes of a backup.
    pub(crate) async fn backup(&self) -> Vec<u8> {
        let backup = self.vault.back_up(&self.local().caller).await.unwrap();
        let mut pieces = backup.pieces;
        let mut file = Vec::new();
        loop {
            match pieces.recv().await.unwrap().unwrap() {
                Piece::Bytes(bytes) => file.extend(bytes),
                Piece::End => return file,
            }
        }
    }

    /// Restores a backup of this store to `place`.
    pub(crate) async fn try_restore(
        &self,
        place: &Place,
        file: impl Read + Send,
        keys: Keys,
    ) -> Result<Restored, RestoreError> {
        std::fs::copy(
            self.place.directory.path().join("root.key"),
            place.directory.path().join("root.key"),
        )
        .unwrap();
        let (mut last, mut progress) = ((0, 1), Vec::new());
        let restored = restore_at(place, &self.clock, file, keys, &mut |done, total| {
            progress.push((done, total));
        })
        .await?;
        for step in progress {
            assert!(step.0 > last.0, "{step:?} after {last:?}");
            last = step;
        }
        assert_eq!(last, (restored.contents.total(), restored.contents.total()));
        Ok(restored)
    }

    /// The store that a backup of this one becomes at `place`, with what was said about it.
    pub(crate) async fn restore(&self, place: Place, file: &[u8], keys: Keys) -> (Self, Restored) {
        let restored = self.try_restore(&place, file, keys).await.unwrap();
        assert!(restored.verification.ok, "{:?}", restored.verification);
        let opened = open(&place, patient(&place), &self.clock).await.unwrap();
        assert!(opened.first_keys.is_none());
        let app = Self {
            vault: opened.vault,
            place: Arc::new(place),
            ..self.clone()
        };
        (app, restored)
    }

    /// Closes the store and removes its database.
    pub(crate) async fn remove(self) {
        self.vault.close().await;
        self.place.remove().await;
    }
}
