//! Writes backups to a directory, checks each, and removes the oldest.

use std::io::BufReader;

use tokio_util::sync::CancellationToken;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Backup, Caller, Piece, Vault};

use super::Work;
use super::series::Series;
use crate::config::Backups;
use crate::failure::with_causes;
use crate::new_file::NewFile;
use crate::store::own_uid;

pub(super) struct BackupWork {
    pub(super) vault: Vault,
    pub(super) settings: Backups,
    pub(super) stop: CancellationToken,
}

impl BackupWork {
    fn series(&self) -> Series<'_> {
        Series::backups(&self.settings.directory, self.vault.installation())
    }

    fn explain(&self, error: &dyn std::fmt::Display) -> String {
        let directory = self.settings.directory.display();
        format!("cannot write to {directory}: {error}")
    }
}

impl Work for BackupWork {
    fn newest(&self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let newest = self.series().newest(now);
        let newest = newest.map_err(|error| self.explain(&error))?;
        Ok(newest.map(|(at, _)| at))
    }

    async fn run(&self) -> Result<Timestamp, String> {
        let series = self.series();
        let cleared = series.remove_partial();
        cleared.map_err(|error| self.explain(&error))?;
        let caller = Caller::local(own_uid(), None);
        let backup = self.vault.back_up(&caller).await;
        let backup = backup.map_err(|error| with_causes(&error))?;
        let at = backup.contents.created_at;
        let file = series.begin(at).map_err(|error| self.explain(&error))?;
        let (vault, stop) = (self.vault.clone(), self.stop.clone());
        let writing = tokio::task::spawn_blocking(move || write(file, backup, &vault, &stop));
        let written = writing.await.map_err(|error| error.to_string())?;
        written.map_err(|error| self.explain(&error))?;
        let pruned = series.prune(self.settings.keep, at);
        pruned.map_err(|error| {
            let directory = self.settings.directory.display();
            format!("cannot remove old backups from {directory}: {error}")
        })?;
        Ok(at)
    }
}

/// Writes the backup. It gets its name when it was read back whole.
fn write(
    mut file: NewFile,
    mut backup: Backup,
    vault: &Vault,
    stop: &CancellationToken,
) -> Result<(), String> {
    loop {
        if stop.is_cancelled() {
            return Err("the server stops".to_owned());
        }
        match backup.pieces.blocking_recv() {
            Some(Ok(Piece::Bytes(bytes))) => {
                file.write(&bytes).map_err(|error| error.to_string())?;
            }
            Some(Ok(Piece::End)) => break,
            Some(Err(error)) => return Err(with_causes(&error)),
            None => return Err("the backup ended early".to_owned()),
        }
    }
    let written = file.reopen().map_err(|error| error.to_string())?;
    let found = vault
        .check_backup(BufReader::new(written))
        .map_err(|error| with_causes(&error))?;
    if found != backup.contents {
        return Err("what is on the disk is not the backup".to_owned());
    }
    file.finish().map_err(|error| error.to_string())
}
