//! Closing a directory: what it holds now stays as it is, and nothing else appears in it.
//!
//! A mount over a concealed file conceals that file only. If another file takes its place, as when an editor or a
//! certificate client saves, the mount goes with the old one. So the directory itself is replaced by an empty one, into
//! which everything but the concealed is bound.
//!
//! Nothing can be added to a closed directory, so programs would miss their caches and data if a shared directory were
//! closed, such as the home directory. There the server notices a replaced file and stops the program.

use std::ffi::OsString;
use std::fs::{File, FileType, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, mount_bind, mount_remount, move_mount,
};

use super::paths::Target;
use crate::stdio::handover::{SandboxError, step};

/// The mode bit of directories for temporary files.
const STICKY: u32 = 0o1000;

/// Closes `directory` for this process and all that it starts, unless programs may need to create files in it: because it
/// holds other directories, or is the home, the working or a temporary directory, or `.config`.
pub(super) fn close(directory: &Path, targets: &[Target], here: &Path) -> Result<(), SandboxError> {
    let failed = |source: io::Error| step(format!("close {}", directory.display()))(source);
    let original = open(CWD, directory).map(File::from).map_err(failed)?;
    let found = original.metadata().map_err(failed)?;
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let is_shared = |home: PathBuf| home == directory || home.join(".config") == directory;
    if found.mode() & STICKY != 0 || here == directory || home.is_some_and(is_shared) {
        return Ok(());
    }
    // What cannot be listed cannot be kept either.
    let Ok(entries) = std::fs::read_dir(through(&original)) else {
        return Ok(());
    };
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
        let path = directory.join(&name);
        if targets.iter().any(|target| target.path == path) {
            continue;
        }
        if kind.is_dir() {
            return Ok(());
        }
        kept.push((name, kind));
    }
    replace(&original, &found, &kept).map_err(failed)
}

/// Mounts an empty directory over `original` and binds into it what is kept.
fn replace(original: &File, found: &Metadata, kept: &[(OsString, FileType)]) -> io::Result<()> {
    let empty = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let mode = format!("{:o}", found.mode() & 0o777);
    fsconfig_set_string(empty.as_fd(), "mode", mode)?;
    fsconfig_create(empty.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let root = fsmount(empty.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    // By descriptors: whatever is renamed meanwhile, this is the directory that is replaced.
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(root.as_fd(), "", original.as_fd(), "", flags)?;
    for (name, kind) in kept {
        keep(original, &root, name, *kind)?;
    }
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(through(&root), flags, c"")?;
    Ok(())
}

/// Makes one entry of the original visible in the new directory.
fn keep(original: &File, root: &OwnedFd, name: &OsString, kind: FileType) -> io::Result<()> {
    if kind.is_symlink() {
        return match rustix::fs::readlinkat(original, name, Vec::new()) {
            Ok(target) => Ok(rustix::fs::symlinkat(target, root, name)?),
            Err(_gone) => Ok(()),
        };
    }
    let Ok(source) = open(original.as_fd(), Path::new(name)) else {
        // It was removed just now.
        return Ok(());
    };
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(root, name, flags, Mode::from_raw_mode(0o600))?;
    mount_bind(through(&source), through(root).join(name))?;
    Ok(())
}

fn open(at: impl AsFd, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, path, flags, Mode::empty())?)
}

/// A path that leads to what is open, whatever its name.
pub(super) fn through(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}
