//! Replaces a file atomically: it has either its old content or its new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// The mode of a new file: readable by its owner only.
const NEW_MODE: u32 = 0o600;

/// Replaces the content of the file at `path`, keeping its mode and owner.
///
/// `before` is the content that was read, `None` for a new file. A file that has changed since then is left unchanged.
/// A symbolic link stays, and its target is replaced.
pub(crate) fn replace(path: &Path, before: Option<&[u8]>, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(directory)?;
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => {
            require_regular(&path)?;
            Some(metadata)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let temporary = beside(&path);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(NEW_MODE)
        .open(&temporary)?;
    let written = write(&mut file, metadata.as_ref(), content)
        .and_then(|()| require_unchanged(&path, before))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // The first error is more useful than one of this cleanup.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_directory(&path);
    Ok(())
}

/// Refuses what is no regular file: a rename would destroy a device or a pipe.
pub(crate) fn require_regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        Err(not_regular())
    }
}

/// The error for a device, a pipe or a directory.
pub(crate) fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Makes the name of a new file last. Not every file system can sync a directory, so a failure is ignored.
pub(crate) fn sync_directory(path: &Path) {
    let _ = File::open(directory_of(path)).and_then(|directory| directory.sync_all());
}

/// The directory of a file.
pub(crate) fn directory_of(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

fn write(file: &mut File, as_it_was: Option<&fs::Metadata>, content: &[u8]) -> io::Result<()> {
    if let Some(metadata) = as_it_was {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(&*file, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    }
    file.write_all(content)?;
    file.sync_all()
}

fn require_unchanged(path: &Path, before: Option<&[u8]>) -> io::Result<()> {
    let now = match fs::read(path) {
        Ok(now) => Some(toolvault_core::confidential::Wiped::new(now)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if now.as_ref().map(|now| now.as_slice()) == before {
        Ok(())
    } else {
        Err(io::Error::other(
            "another process changed it in the meantime",
        ))
    }
}

/// A name for the new content, in the same directory.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_only_and_an_old_one_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below").join("file");
        replace(&path, None, b"one").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"one".to_vec(), 0o600)
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, Some(b"one"), b"two").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"two".to_vec(), 0o640)
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "theirs").unwrap();
        for before in [None, Some(&b"ours"[..])] {
            assert!(replace(&path, before, b"new").is_err());
        }
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, Some(b"one"), b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }
}
