//! Concealing by a user and a mount namespace of one's own (`user_namespaces(7)`, `mount_namespaces(7)`).
//!
//! An empty directory or an empty device is mounted over what is concealed. The program cannot take it away: it never has the
//! right to mount here, and in a namespace that it makes itself these mounts are locked. Processes outside are
//! out of its reach too, and so are their `/proc/<pid>/root` and open files.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::thread::CapabilitySet;

use super::paths::Place;
use super::{ShutInError, process, step};
use crate::stdio::launch::OWN_BINARY;

/// Conceals the places from this process and all that it starts.
pub(super) fn conceal(places: &[Place]) -> Result<(), ShutInError> {
    let here = std::env::current_dir().map_err(step("tell where it is"))?;
    enter()?;
    let own = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", own).map_err(step("keep its mounts to itself"))?;
    for place in places {
        cover(place).map_err(step(format!("conceal {}", place.path.display())))?;
    }
    // What it stood in may be covered now: it goes there again, by name.
    std::env::set_current_dir(&here).map_err(step(format!("start in {}", here.display())))?;
    // Root in the namespace would keep the right to mount. An ordinary user loses all rights with the next program.
    process::give_up(&[CapabilitySet::SYS_ADMIN])
}

fn cover(place: &Place) -> rustix::io::Result<()> {
    if !place.is_directory {
        return mount_bind("/dev/null", &place.path);
    }
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(
        "toolvault",
        &place.path,
        "tmpfs",
        flags,
        c"size=4k,mode=0555",
    )
}

/// Enters the namespaces as the same user and group.
fn enter() -> Result<(), ShutInError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let mapper = if user.is_root() {
        Some(Mapper::start().map_err(step("start what maps users"))?)
    } else {
        None
    };
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .map_err(step("enter a user namespace"))?;
    if mapper.is_some_and(|mapper| mapper.map().is_ok()) {
        return Ok(());
    }
    let failed = || step("map the user into its namespace");
    std::fs::write("/proc/self/setgroups", "deny").map_err(failed())?;
    let (user, group) = (user.as_raw(), group.as_raw());
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1")).map_err(failed())?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1")).map_err(failed())
}

/// A process that stays outside and maps all users and groups, which needs rights outside: root keeps its ways with
/// the files of others.
struct Mapper(Child);

impl Mapper {
    fn start() -> std::io::Result<Self> {
        let child = Command::new(OWN_BINARY)
            .arg0("toolvault")
            .args(["shut-in", "--map-parent"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Has it done, now that the namespace is entered.
    fn map(mut self) -> std::io::Result<()> {
        if let Some(mut stdin) = self.0.stdin.take() {
            stdin.write_all(b".")?;
        }
        let status = self.0.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(std::io::Error::other("users were not mapped"))
    }
}

/// The other side of [`Mapper`].
pub(super) fn map_parent() -> Result<(), ShutInError> {
    let mut word = [0_u8; 1];
    std::io::stdin()
        .read_exact(&mut word)
        .map_err(step("hear of the namespace"))?;
    let parent = rustix::process::getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    for map in ["uid_map", "gid_map"] {
        let ours = std::fs::read_to_string(Path::new("/proc/self").join(map))
            .map_err(step("read our own users"))?;
        let path = Path::new("/proc").join(parent.to_string()).join(map);
        std::fs::write(path, identity(&ours)).map_err(step("map users"))?;
    }
    Ok(())
}

/// A map of each id onto itself, for the ids that a map like `/proc/self/uid_map` has.
fn identity(ours: &str) -> String {
    let onto_itself = |line: &str| {
        let mut fields = line.split_whitespace();
        let (first, count) = (fields.next()?, fields.nth(1)?);
        Some(format!("{first} {first} {count}\n"))
    };
    ours.lines().filter_map(onto_itself).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_mapped_onto_itself() {
        assert_eq!(
            identity("         0          0 4294967295\n"),
            "0 0 4294967295\n"
        );
        assert_eq!(
            identity("0 100000 1000\n1000 1000 1\n"),
            "0 0 1000\n1000 1000 1\n"
        );
    }
}
