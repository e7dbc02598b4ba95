//! What to conceal: every path under which it can be reached.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::aliases;
use crate::stdio::concealed::Identity;
use crate::stdio::handover::{SandboxError, Wanted, step};

/// Something to conceal, by a path without symbolic links.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) is_directory: bool,
    pub(super) identity: Identity,
}

/// What a sandbox has to do.
pub(super) struct Plan {
    /// Directories before what they hold.
    pub(super) targets: Vec<Target>,
    /// Block devices, which hold the same bytes. Only root could read them.
    pub(super) disks: Vec<Target>,
    /// The directories that hold a target, outer ones first.
    pub(super) parents: Vec<PathBuf>,
}

/// Finds the paths where `wanted` can be read, also through bind mounts. What does not exist is left out, unless it must be
/// a certain file. Other hard links are not found here: the server looks for them.
pub(super) fn plan(wanted: &[Wanted]) -> Result<Plan, SandboxError> {
    let mounts =
        std::fs::read_to_string("/proc/self/mountinfo").map_err(step("read what is mounted"))?;
    let mounts = aliases::parse(&mounts);
    let mut targets = Vec::new();
    for wanted in wanted {
        let moved = || SandboxError::Moved(wanted.path.clone());
        let Ok(path) = wanted.path.canonicalize() else {
            match wanted.identity {
                Some(_) => return Err(moved()),
                None => continue,
            }
        };
        let found = std::fs::metadata(&path).map_err(step("look at what to conceal"))?;
        if wanted
            .identity
            .is_some_and(|identity| identity != Identity::from(&found))
        {
            return Err(moved());
        }
        for alias in aliases::of(&path, &mounts) {
            if let Ok(other) = std::fs::metadata(&alias)
                && is_same(&found, &other, &alias, &path)
            {
                targets.push(Target::new(alias, &other));
            }
        }
        targets.push(Target::new(path, &found));
    }
    let mut disks = Vec::new();
    if rustix::process::geteuid().is_root() {
        find_disks(Path::new("/dev"), &mut disks);
    }
    if targets.iter().any(|target| target.path == Path::new("/")) {
        return Err(SandboxError::Root);
    }
    let targets = outermost(targets);
    Ok(Plan {
        parents: parents(&targets),
        targets,
        disks,
    })
}

impl Target {
    fn new(path: PathBuf, found: &Metadata) -> Self {
        Self {
            path,
            is_directory: found.is_dir(),
            identity: Identity::from(found),
        }
    }

    /// Opens it, if it is still what was found. What happens to its path from here on does not matter.
    pub(super) fn open(&self) -> Result<File, SandboxError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&self.path, flags, Mode::empty()).map(File::from);
        let is_same = |file: &File| {
            file.metadata()
                .is_ok_and(|found| Identity::from(&found) == self.identity)
        };
        opened
            .ok()
            .filter(is_same)
            .ok_or_else(|| SandboxError::Moved(self.path.clone()))
    }
}

/// A mount that shows something from within a concealed directory has another file at its root, and is concealed whole.
fn is_same(found: &Metadata, other: &Metadata, alias: &Path, path: &Path) -> bool {
    found.dev() == other.dev()
        && (found.ino() == other.ino() || (found.is_dir() && !alias.starts_with(path)))
}

/// Block devices below `directory`.
fn find_disks(directory: &Path, disks: &mut Vec<Target>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_block_device() => {
                disks.extend(
                    entry
                        .metadata()
                        .map(|found| Target::new(entry.path(), &found)),
                );
            }
            Ok(kind) if kind.is_dir() => find_disks(&entry.path(), disks),
            _ => {}
        }
    }
}

/// Leaves out what lies in another concealed directory.
fn outermost(mut targets: Vec<Target>) -> Vec<Target> {
    targets.sort();
    let mut kept: Vec<Target> = Vec::with_capacity(targets.len());
    for target in targets {
        if !kept
            .iter()
            .any(|outer| target.path.starts_with(&outer.path))
        {
            kept.push(target);
        }
    }
    kept
}

/// The directories that hold a target. The root directory cannot be closed: only root could replace what is in it.
fn parents(targets: &[Target]) -> Vec<PathBuf> {
    let parents: BTreeSet<&Path> = targets
        .iter()
        .filter_map(|target| target.path.parent())
        .filter(|parent| *parent != Path::new("/"))
        .collect();
    parents.into_iter().map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn wanted(path: &Path) -> Wanted {
        Wanted::from(OsString::from(path))
    }

    fn target(path: &str) -> Target {
        Target {
            path: path.into(),
            is_directory: true,
            identity: Identity::at(Path::new("/")).unwrap(),
        }
    }

    #[test]
    fn links_are_followed_and_what_is_within_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("data/inner")).unwrap();
        std::fs::write(top.join("key"), "").unwrap();
        std::os::unix::fs::symlink("data", top.join("link")).unwrap();
        let plan = plan(&[
            wanted(&top.join("data/inner")),
            wanted(&top.join("link")),
            wanted(&top.join("data/../key")),
            wanted(&top.join("nothing")),
        ])
        .unwrap();
        let found: Vec<_> = plan
            .targets
            .iter()
            .map(|target| (target.path.clone(), target.is_directory))
            .collect();
        assert_eq!(found, [(top.join("data"), true), (top.join("key"), false)]);
        assert_eq!(plan.parents, [top]);
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "").unwrap();
        let known = Wanted::from(Wanted::argument(&path, Identity::at(&path).unwrap()));
        assert!(plan(std::slice::from_ref(&known)).is_ok());
        let target = plan(&[wanted(&path)]).unwrap().targets.remove(0);
        assert!(target.open().is_ok());
        std::fs::rename(&path, directory.path().join("moved")).unwrap();
        let is_refused = || {
            matches!(
                plan(std::slice::from_ref(&known)),
                Err(SandboxError::Moved(_))
            )
        };
        assert!(is_refused(), "it is gone");
        std::fs::write(&path, "").unwrap();
        assert!(is_refused(), "it is another");
        assert!(target.open().is_err());
    }

    #[test]
    fn the_root_directory_is_refused() {
        let refused = plan(&[wanted(Path::new("/tmp/.."))]);
        assert!(matches!(refused, Err(SandboxError::Root)));
    }

    #[test]
    fn a_name_that_begins_alike_is_another() {
        let all = ["/a.key", "/a", "/a/b", "/ab"].map(target).to_vec();
        assert_eq!(outermost(all), ["/a", "/a.key", "/ab"].map(target));
    }

    #[test]
    fn outer_directories_are_closed_before_inner_ones() {
        let all = ["/x", "/b/c/d", "/b/c/e", "/b/f"].map(target);
        assert_eq!(parents(&all), ["/b", "/b/c"].map(PathBuf::from));
    }
}
