//! What programs must not read, remembered from the start of the server.
//!
//! A path is not enough: a program may rename a directory above it, and is started again. So each file and directory is
//! held open and known by device and inode. Programs start only while each of them is where it was.

use std::fmt;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use parking_lot::Mutex;

/// Device and inode: what a file or directory is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// What `path` leads to now; symbolic links are followed.
    pub(super) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::from)
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.device, self.inode)
    }
}

impl FromStr for Identity {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(':');
        let numbers = numbers.and_then(|(device, inode)| {
            let (device, inode) = (device.parse().ok()?, inode.parse().ok()?);
            Some(Self { device, inode })
        });
        numbers.ok_or("expected <device>:<inode>")
    }
}

/// Why nothing may start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConcealError {
    /// A path leads elsewhere, and what was there still exists.
    #[error(
        "{} is not what it was when the server started, so it cannot be concealed; put it back, or restart the server",
        .0.display()
    )]
    Moved(PathBuf),
    /// A file can be read by another name.
    #[error("{} has another hard link, which cannot be concealed; remove that link", .0.display())]
    Linked(PathBuf),
}

/// The files and directories that programs must not read.
#[derive(Default)]
pub(crate) struct Concealed(Mutex<Vec<Remembered>>);

struct Remembered {
    path: PathBuf,
    /// Held open, so that its inode number is not given to another file.
    file: Option<File>,
}

/// What each path led to when a program started.
#[derive(Debug, Default)]
pub(super) struct Snapshot(Vec<(PathBuf, Option<Identity>)>);

impl Concealed {
    /// Remembers what is at these paths now. A path that is remembered already keeps what was there first: programs may
    /// have moved it since.
    pub(crate) fn add(&self, paths: &[PathBuf]) {
        let mut remembered = self.0.lock();
        for path in paths {
            if !remembered.iter().any(|known| known.path == *path) {
                remembered.push(Remembered {
                    path: path.clone(),
                    file: open(path).ok(),
                });
            }
        }
    }

    /// What to conceal, if all of it is where it was. A file that was deleted, and perhaps replaced, is no fault: what took
    /// its place is concealed instead.
    pub(super) fn snapshot(&self) -> Result<Snapshot, ConcealError> {
        let mut remembered = self.0.lock();
        let found = remembered.iter_mut().map(|known| {
            let identity = known.refresh()?;
            if let Some(linked) = identity.and_then(|_| other_link(&known.path)) {
                return Err(ConcealError::Linked(linked));
            }
            Ok((known.path.clone(), identity))
        });
        found.collect::<Result<_, _>>().map(Snapshot)
    }
}

impl Remembered {
    /// What is at the path, if that is what was there or has taken the place of what is gone for good.
    fn refresh(&mut self) -> Result<Option<Identity>, ConcealError> {
        let moved = || ConcealError::Moved(self.path.clone());
        let known = match &self.file {
            Some(file) => Some(file.metadata().map_err(|_| moved())?),
            None => None,
        };
        let here = Identity::at(&self.path);
        match known {
            Some(known) if here == Some(Identity::from(&known)) => Ok(here),
            Some(known) if known.nlink() > 0 => Err(moved()),
            _ => {
                self.file = match here {
                    Some(_) => Some(open(&self.path).map_err(|_| moved())?),
                    None => None,
                };
                Ok(here)
            }
        }
    }
}

impl Snapshot {
    /// Whether each path still leads to the same.
    pub(super) fn is_unchanged(&self) -> bool {
        let is_same = |(path, then): &(PathBuf, Option<Identity>)| Identity::at(path) == *then;
        self.0.iter().all(is_same)
    }

    /// What there is to conceal.
    pub(super) fn present(&self) -> impl Iterator<Item = (&Path, Identity)> {
        self.0
            .iter()
            .filter_map(|(path, identity)| Some((path.as_path(), (*identity)?)))
    }
}

/// Opens without reading, so that any kind of file will do.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    Ok(File::from(opened))
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// A private file at `path`, or directly in it, that has a second name.
fn other_link(path: &Path) -> Option<PathBuf> {
    let is_linked =
        |found: &Metadata| found.is_file() && found.nlink() > 1 && found.mode() & 0o004 == 0;
    let found = std::fs::metadata(path).ok()?;
    if is_linked(&found) {
        return Some(path.to_owned());
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut linked = entries.filter(|entry| entry.metadata().is_ok_and(|found| is_linked(&found)));
    linked.next().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    struct Ground(TempDir);

    impl Ground {
        fn new() -> Self {
            let ground = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir_all(ground.path("home/data")).unwrap();
            ground.write("home/key", "1");
            ground
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.path(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }

        fn rename(&self, from: &str, to: &str) {
            std::fs::rename(self.path(from), self.path(to)).unwrap();
        }

        fn concealed(&self) -> Concealed {
            let concealed = Concealed::default();
            concealed.add(&["home/key", "home/data", "home/new"].map(|name| self.path(name)));
            concealed
        }
    }

    fn moved(concealed: &Concealed) -> Option<PathBuf> {
        match concealed.snapshot() {
            Ok(_) => None,
            Err(ConcealError::Moved(path) | ConcealError::Linked(path)) => Some(path),
        }
    }

    #[test]
    fn a_renamed_parent_is_noticed_with_and_without_a_decoy() {
        let ground = Ground::new();
        let concealed = ground.concealed();
        assert_eq!(moved(&concealed), None);
        ground.rename("home", "elsewhere");
        assert_eq!(moved(&concealed), Some(ground.path("home/key")));
        std::fs::create_dir_all(ground.path("home/data")).unwrap();
        ground.write("home/key", "decoy");
        assert_eq!(moved(&concealed), Some(ground.path("home/key")));
        concealed.add(&[ground.path("home/key")]);
        assert_eq!(
            moved(&concealed),
            Some(ground.path("home/key")),
            "reading the settings again forgives nothing"
        );
        std::fs::remove_dir_all(ground.path("home")).unwrap();
        ground.rename("elsewhere", "home");
        assert_eq!(moved(&concealed), None);
    }

    #[test]
    fn a_file_that_was_replaced_is_concealed_in_its_place() {
        let ground = Ground::new();
        let concealed = ground.concealed();
        let before = concealed.snapshot().unwrap();
        ground.write("home/key", "longer");
        assert!(before.is_unchanged(), "it is the same file");
        ground.write("other", "2");
        ground.rename("other", "home/key");
        assert!(!before.is_unchanged(), "it is another");
        let after = concealed.snapshot().unwrap();
        assert!(after.is_unchanged());
        assert!(
            after
                .present()
                .any(|(path, identity)| Some(identity) == Identity::at(path))
        );
        std::fs::remove_file(ground.path("home/key")).unwrap();
        assert!(!after.is_unchanged());
        assert_eq!(concealed.snapshot().unwrap().present().count(), 1);
    }

    #[test]
    fn a_file_that_comes_later_is_concealed_from_then_on() {
        let ground = Ground::new();
        let concealed = ground.concealed();
        let before = concealed.snapshot().unwrap();
        ground.write("home/new", "1");
        assert!(!before.is_unchanged());
        assert_eq!(concealed.snapshot().unwrap().present().count(), 3);
        ground.rename("home/new", "home/kept");
        assert_eq!(moved(&concealed), Some(ground.path("home/new")));
    }

    #[test]
    fn a_private_file_with_another_name_is_refused() {
        let ground = Ground::new();
        let concealed = ground.concealed();
        let link = |name: &str, other: &str| {
            std::fs::hard_link(ground.path(name), ground.path(other)).unwrap();
        };
        link("home/key", "other");
        assert_eq!(moved(&concealed), Some(ground.path("home/key")));
        std::fs::remove_file(ground.path("other")).unwrap();
        assert_eq!(moved(&concealed), None);
        ground.write("home/data/toolvault.db", "1");
        link("home/data/toolvault.db", "other");
        assert_eq!(
            moved(&concealed),
            Some(ground.path("home/data/toolvault.db"))
        );
    }

    #[test]
    fn identities_are_read_as_they_are_written() {
        let identity = Identity::at(Path::new("/")).unwrap();
        assert_eq!(identity.to_string().parse(), Ok(identity));
        for text in ["", "1", "1:", ":1", "1:2:3", "a:b", "-1:2"] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }
}
