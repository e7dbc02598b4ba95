//! The data directory of the embedded database: its owner, its permissions and its lock.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::open_database_error::OpenDatabaseError;

const LOCK_NAME: &str = "lock";

/// Creates the directory, accessible to its owner only, and locks it.
pub(super) fn lock(directory: &Path) -> Result<File, OpenDatabaseError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenDatabaseError::Directory { path, source }
    };
    if !directory.exists() {
        std::fs::create_dir_all(directory).map_err(failed(directory))?;
        set_mode(directory, 0o700).map_err(failed(directory))?;
    }
    require_own(directory)?;
    let path = directory.join(LOCK_NAME);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed(&path))?;
    // An earlier version created it readable, and anyone who can open it could lock it.
    restrict(&path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(OpenDatabaseError::InUse(directory.to_owned()))
        }
        Err(std::fs::TryLockError::Error(source)) => Err(failed(&path)(source)),
    }
}

/// Refuses a directory whose files other users could replace or lock.
fn require_own(directory: &Path) -> Result<(), OpenDatabaseError> {
    let path = directory.to_owned();
    let found = match std::fs::metadata(directory) {
        Ok(found) => found,
        Err(source) => return Err(OpenDatabaseError::Directory { path, source }),
    };
    let (owner, own) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner != own {
        return Err(OpenDatabaseError::Owner { path, owner, own });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(OpenDatabaseError::Writable { path, mode });
    }
    Ok(())
}

pub(super) fn restrict(path: &Path) -> Result<(), OpenDatabaseError> {
    set_mode(path, 0o600).map_err(|source| OpenDatabaseError::Directory {
        path: path.to_owned(),
        source,
    })
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
