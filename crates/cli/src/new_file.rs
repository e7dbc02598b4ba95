//! Writes a file that appears only when it is complete and on disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::replace::{directory_of, require_regular, sync_directory};

/// A file that is being written, under another name in the same directory. Dropping it removes it.
pub(crate) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    is_replacing: bool,
    bytes: u64,
}

impl NewFile {
    /// Begins the file, which only its owner can read. An existing one is an error unless it is to be replaced; then
    /// a symbolic link stays, and its target is replaced. A device, a pipe or a directory is never replaced.
    pub(crate) fn begin(path: &Path, is_replacing: bool) -> io::Result<Self> {
        let mut path = path.to_owned();
        if path.symlink_metadata().is_ok() {
            if !is_replacing {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            path = path.canonicalize()?;
            require_regular(&path)?;
        }
        let file = Self::begin_as(&path, ".toolvault-")?;
        Ok(Self {
            is_replacing,
            ..file
        })
    }

    /// Begins the file, which replaces an existing one or a link. Until it is complete, its name begins with `prefix`.
    pub(crate) fn begin_as(path: &Path, prefix: &str) -> io::Result<Self> {
        let file = Builder::new()
            .prefix(prefix)
            .tempfile_in(directory_of(path))
            .map_err(without_name)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            is_replacing: true,
            bytes: 0,
        })
    }

    /// Appends to it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes were written.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file, to read it from its beginning. It is on disk then.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        self.file.as_file().sync_all()?;
        self.file.reopen()
    }

    /// Makes it appear under its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        let named = if self.is_replacing {
            self.file.persist(&self.path)
        } else {
            // Another process may have made the file meanwhile.
            self.file.persist_noclobber(&self.path)
        };
        named.map_err(|error| error.error)?;
        sync_directory(&self.path);
        Ok(())
    }
}

/// The error without the temporary name, which means nothing to a user.
fn without_name(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((cause, _)) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    #[test]
    fn it_appears_when_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut file = NewFile::begin(&path, false).unwrap();
        file.write(b"one").unwrap();
        file.write(b"two").unwrap();
        assert!(!path.exists());
        assert_eq!(file.bytes(), 6);
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"onetwo");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("none/file");
        let refused = NewFile::begin(&path, false).err().unwrap();
        assert_eq!(
            refused.to_string(),
            "No such file or directory (os error 2)"
        );
    }

    #[test]
    fn only_a_file_is_replaced_and_a_link_stays() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("fifo"))
            .status();
        assert!(made.unwrap().success());
        fs::write(at("file"), "old").unwrap();
        for (link, target) in [
            ("to-fifo", "fifo"),
            ("to-file", "file"),
            ("to-none", "none"),
        ] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        for name in ["directory", "fifo", "to-fifo", "to-none"] {
            assert!(NewFile::begin(&at(name), true).is_err(), "{name}");
        }
        let mut file = NewFile::begin(&at("to-file"), true).unwrap();
        file.write(b"new").unwrap();
        file.finish().unwrap();
        assert!(at("to-file").symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        assert!(!at("none").exists());
    }

    #[test]
    fn it_replaces_a_file_only_if_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        // Another process makes it meanwhile.
        let mut late = NewFile::begin(&path, false).unwrap();
        late.write(b"late").unwrap();
        fs::write(&path, "theirs").unwrap();
        let refused = late.finish().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        let refused = NewFile::begin(&path, false).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");

        let mut file = NewFile::begin(&path, true).unwrap();
        file.write(b"ours").unwrap();
        drop(NewFile::begin(&directory.path().join("other"), false).unwrap());
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(names(directory.path()), ["file"]);
    }
}
