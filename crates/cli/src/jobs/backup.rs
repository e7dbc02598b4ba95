//! Writes backups to a directory, checks each, and removes the oldest.

use std::io::BufReader;

use tokio_util::sync::CancellationToken;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{Backup, Caller, Piece, Vault};

use super::series::Series;
use super::{Work, off_the_runtime};
use crate::config::Backups;
use crate::failure::with_causes;
use crate::new_file::NewFile;
use crate::store::own_uid;

pub(super) struct BackupWork {
    pub(super) vault: Vault,
    pub(super) settings: Backups,
    pub(super) stop: CancellationToken,
}

impl Work for BackupWork {
    fn series(&self) -> Option<Series> {
        let directory = &self.settings.directory;
        Some(Series::backups(directory, self.vault.installation()))
    }

    fn last(&self) -> Option<Timestamp> {
        None
    }

    async fn run(&self) -> Result<Timestamp, String> {
        let series = Series::backups(&self.settings.directory, self.vault.installation());
        let at = self.vault.clock().now();
        // Before the backup, which keeps a transaction open: the directory may not answer.
        let beginning = series.clone();
        let file = off_the_runtime(move || {
            let cleared = beginning.remove_partial();
            let begun = cleared.and_then(|()| beginning.begin(at));
            begun.map_err(|error| error.to_string())
        })
        .await?;
        let caller = Caller::local(own_uid(), None);
        let backup = self.vault.back_up(&caller).await;
        let backup = backup.map_err(|error| with_causes(&error))?;
        let (vault, stop, keep) = (self.vault.clone(), self.stop.clone(), self.settings.keep);
        off_the_runtime(move || {
            write(&vault, &stop, backup, file)?;
            let pruned = series.prune(keep, at);
            pruned.map_err(|error| format!("cannot remove the oldest: {error}"))
        })
        .await?;
        Ok(at)
    }
}

/// Writes the backup. It gets its name when it was read back whole.
fn write(
    vault: &Vault,
    stop: &CancellationToken,
    mut backup: Backup,
    mut file: NewFile,
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
