//! Why the embedded database cannot be written to. SQLite says only "disk I/O error" for a quota, a read-only file system
//! and missing permissions alike, so the operating system is asked by writing a file beside the database.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "write-test";
/// Larger than one transaction usually is, so that a disk with little space left is recognised.
const LENGTH: usize = 256 << 10;

/// The data directory cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {source}; {}", directory.display(), advice(source))]
pub(crate) struct Obstacle {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

/// What is in the way of a write to the directory, if anything is. Waits for the disk.
pub(crate) fn obstacle(directory: &Path) -> Option<Obstacle> {
    let path = directory.join(FILE_NAME);
    let written = write(&path);
    // It is not there if it could not be made.
    let _ = std::fs::remove_file(&path);
    written.err().map(|source| Obstacle {
        directory: directory.to_owned(),
        source,
    })
}

/// Whether the disk has space for one transaction. Waits for the disk.
pub(crate) fn has_space(directory: &Path) -> bool {
    rustix::fs::statvfs(directory)
        .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= LENGTH as u64)
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&vec![0; LENGTH])?;
    file.sync_all()
}

/// What the operator can do.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => "free space on its disk",
        ErrorKind::QuotaExceeded => "raise the disk quota, or free space",
        ErrorKind::ReadOnlyFilesystem => {
            "look for disk errors in the kernel's log, then mount its file system for writing"
        }
        ErrorKind::PermissionDenied => "give the directory back to this user with mode 0700",
        ErrorKind::NotFound => "put the directory back where it was",
        _ => "check its disk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_can_be_written_to_is_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        assert!(has_space(directory.path()));
        assert!(!has_space(&directory.path().join("gone")));
        assert!(obstacle(directory.path()).is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn cause_and_remedy_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let gone = directory.path().join("gone");
        let said = obstacle(&gone).unwrap().to_string();
        assert_eq!(
            said,
            format!(
                "cannot write to {}: No such file or directory (os error 2); put the directory back where it was",
                gone.display()
            )
        );
    }
}
