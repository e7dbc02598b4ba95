//! What is to be concealed: every path under which it can be reached.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::aliases;
use super::{ShutInError, step};

/// Something to conceal, by a path without symbolic links.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) is_directory: bool,
}

/// The places where `wanted` can be read, the directories that hold others before these. What does not exist is left out. For root
/// they include the disks, which hold the same bytes. Other hard links of a file are not found.
pub(super) fn to_conceal(wanted: &[PathBuf]) -> Result<Vec<Place>, ShutInError> {
    let mounts =
        std::fs::read_to_string("/proc/self/mountinfo").map_err(step("read what is mounted"))?;
    let mounts = aliases::parse(&mounts);
    let mut places = Vec::new();
    for path in wanted {
        let Ok(path) = path.canonicalize() else {
            continue;
        };
        let found = std::fs::metadata(&path).map_err(step("look at what is to be concealed"))?;
        for alias in aliases::of(&path, &mounts) {
            if std::fs::metadata(&alias).is_ok_and(|other| is_same(&found, &other, &alias, &path)) {
                places.push(place(alias));
            }
        }
        places.push(place(path));
    }
    if rustix::process::geteuid().is_root() {
        disks(Path::new("/dev"), &mut places);
    }
    if places.iter().any(|place| place.path == Path::new("/")) {
        return Err(ShutInError::Root);
    }
    Ok(outermost(places))
}

/// A mount that shows something from within a concealed directory has another file at its root, and is concealed whole.
fn is_same(found: &Metadata, other: &Metadata, alias: &Path, path: &Path) -> bool {
    found.dev() == other.dev()
        && (found.ino() == other.ino() || (found.is_dir() && !alias.starts_with(path)))
}

fn place(path: PathBuf) -> Place {
    Place {
        is_directory: path.is_dir(),
        path,
    }
}

/// Block devices below `directory`.
fn disks(directory: &Path, places: &mut Vec<Place>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_block_device() => places.push(place(entry.path())),
            Ok(kind) if kind.is_dir() => disks(&entry.path(), places),
            _ => {}
        }
    }
}

/// Leaves out what lies in another concealed directory.
fn outermost(mut places: Vec<Place>) -> Vec<Place> {
    places.sort();
    let mut kept: Vec<Place> = Vec::with_capacity(places.len());
    for place in places {
        if !kept.iter().any(|outer| place.path.starts_with(&outer.path)) {
            kept.push(place);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concealed(wanted: &[&Path]) -> Vec<Place> {
        let wanted: Vec<PathBuf> = wanted.iter().map(|path| (*path).to_owned()).collect();
        let places = to_conceal(&wanted).unwrap().into_iter();
        places
            .filter(|place| !place.path.starts_with("/dev"))
            .collect()
    }

    #[test]
    fn links_are_followed_and_what_is_within_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("data/inner")).unwrap();
        std::fs::write(top.join("key"), "").unwrap();
        std::os::unix::fs::symlink("data", top.join("link")).unwrap();
        let found = concealed(&[
            &top.join("data/inner"),
            &top.join("link"),
            &top.join("data/../key"),
            &top.join("nothing"),
        ]);
        let expected = [("data", true), ("key", false)].map(|(name, is_directory)| Place {
            path: top.join(name),
            is_directory,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_root_directory_is_refused() {
        let refused = to_conceal(&[PathBuf::from("/tmp/..")]);
        assert!(matches!(refused, Err(ShutInError::Root)));
    }

    #[test]
    fn a_name_that_begins_alike_is_another() {
        let place = |path: &str| Place {
            path: path.into(),
            is_directory: true,
        };
        let all = vec![place("/a.key"), place("/a"), place("/a/b"), place("/ab")];
        assert_eq!(outermost(all), [place("/a"), place("/a.key"), place("/ab")]);
    }
}
