//! Concealing by a user and a mount namespace of one's own (`user_namespaces(7)`, `mount_namespaces(7)`).
//!
//! Something empty is mounted over what is concealed, and the directory that holds it is closed if only files are in it. The program cannot undo
//! this: it has no right to mount here, and in a namespace that it makes itself these mounts are locked. It cannot trace
//! processes outside either, so their `/proc/<pid>/root`, memory and open files are out of its reach.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount,
};
use rustix::thread::CapabilitySet;

use super::paths::Plan;
use super::{aliases, closed, process};
use crate::stdio::concealed::Identity;
use crate::stdio::handover::{OWN_BINARY, SandboxError, step};

/// Conceals the targets from this process and all that it starts.
pub(super) fn conceal(plan: &Plan) -> Result<(), SandboxError> {
    let here = std::env::current_dir().map_err(step("tell where it is"))?;
    enter()?;
    let own = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", own).map_err(step("keep its mounts to itself"))?;
    for target in plan.targets.iter().chain(&plan.disks) {
        let file = target.open()?;
        cover(&file, target.is_directory)
            .map_err(step(format!("conceal {}", target.path.display())))?;
    }
    for directory in &plan.parents {
        closed::close(directory, &plan.targets, &here)?;
    }
    if rustix::process::geteuid().is_root() {
        protect_kernel()?;
    }
    // The working directory may be covered now, so it is entered again by name.
    std::env::set_current_dir(&here).map_err(step(format!("start in {}", here.display())))?;
    if let Some(target) = plan
        .targets
        .iter()
        .find(|target| Identity::at(&target.path) == Some(target.identity))
    {
        return Err(SandboxError::Ineffective(target.path.clone()));
    }
    // Root in the namespace would keep the right to mount. An ordinary user loses all rights with the next program.
    process::give_up(&[CapabilitySet::SYS_ADMIN])
}

/// Mounts something empty over an open file or directory. It stays there when that is renamed.
fn cover(file: &File, is_directory: bool) -> rustix::io::Result<()> {
    let target = closed::through(file);
    if !is_directory {
        return mount_bind("/dev/null", target);
    }
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("toolvault", target, "tmpfs", flags, c"size=4k,mode=0555")
}

/// Makes the kernel's settings read-only: root could have the kernel start a program outside of the namespace, for example
/// with `kernel.core_pattern` or a `release_agent` of cgroups.
fn protect_kernel() -> Result<(), SandboxError> {
    let failed = |path: &Path| step(format!("make {} read-only", path.display()));
    let settings = Path::new("/proc/sys");
    mount_bind(settings, settings).map_err(failed(settings))?;
    let mounts =
        std::fs::read_to_string("/proc/self/mountinfo").map_err(step("read what is mounted"))?;
    let mounts = aliases::parse(&mounts);
    let points = mounts.iter().map(|mount| mount.point.as_path());
    for point in points.filter(|point| *point == settings || point.starts_with("/sys")) {
        let flags = MountFlags::BIND
            | MountFlags::RDONLY
            | MountFlags::NOSUID
            | MountFlags::NODEV
            | MountFlags::NOEXEC;
        mount_remount(point, flags, c"").map_err(failed(point))?;
    }
    Ok(())
}

/// Enters the namespaces as the same user and group.
fn enter() -> Result<(), SandboxError> {
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
            .args(["sandbox", "--map-parent"])
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
pub(super) fn map_parent() -> Result<(), SandboxError> {
    let mut word = [0_u8; 1];
    std::io::stdin()
        .read_exact(&mut word)
        .map_err(step("wait for the namespace"))?;
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
