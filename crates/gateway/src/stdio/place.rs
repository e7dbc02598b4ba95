//! An empty directory of its own for each program that has no other.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the directories of this process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Directories that others left under our names are passed over.
const MOST_TRIES: u32 = 1_000;

/// A directory that only its owner can enter, removed with all that is in it when this is dropped.
pub(super) struct Place(PathBuf);

impl Place {
    /// A new one among the system's temporary files.
    pub(super) fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        let process = std::process::id();
        for _ in 0..MOST_TRIES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("toolvault-{process}-{number}"));
            // It fails if there is anything of that name, a link included.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
