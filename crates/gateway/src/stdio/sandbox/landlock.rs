//! Concealing by Landlock (<https://landlock.io>): all but what is concealed is allowed.
//!
//! Landlock only allows. So everything beside the way to a concealed path is allowed, with all below it. The directories
//! along the way stay passable, but they cannot be listed or renamed, and what is made directly in them later cannot be
//! opened. Rules follow the file, not its name, so renaming reveals nothing; and nothing can be moved or linked out of a
//! concealed directory.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::paths::Plan;
use super::process;
use crate::stdio::handover::{SandboxError, Support, step};

/// The newest version whose rights we know; older kernels know fewer.
const NEWEST: ABI = ABI::V10;
/// Where root could have the kernel start a program outside of the sandbox.
const KERNEL: [&str; 2] = ["/proc", "/sys"];
/// With these root could read disks, memory or the kernel, or the files behind its back.
const LOST: [CapabilitySet; 8] = [
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::SYS_PTRACE,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::MKNOD,
    CapabilitySet::DAC_READ_SEARCH,
    CapabilitySet::BPF,
    CapabilitySet::PERFMON,
];

/// Conceals the targets from this process and all that it starts.
pub(super) fn conceal(plan: &Plan) -> Result<(), SandboxError> {
    let failed =
        |error: landlock::RulesetError| step("set up Landlock")(std::io::Error::other(error));
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    let is_root = rustix::process::geteuid().is_root();
    for (path, beside, is_directory) in beside(plan) {
        let rights = if !is_directory {
            AccessFs::from_file(NEWEST)
        } else if is_root && KERNEL.iter().any(|kernel| Path::new(kernel) == path) {
            AccessFs::from_read(NEWEST)
        } else {
            AccessFs::from_all(NEWEST)
        };
        rules = rules
            .add_rule(PathBeneath::new(beside, rights))
            .map_err(failed)?;
    }
    let status = rules.restrict_self().map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(SandboxError::Unavailable(Support::Landlock));
    }
    for target in &plan.targets {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::fs::open(&target.path, flags, Mode::empty()) {
            Err(Errno::ACCESS) => {}
            Err(_) if target.open().is_err() => {
                return Err(SandboxError::Moved(target.path.clone()));
            }
            // A socket cannot be opened in any case.
            Err(_) => {}
            Ok(_) => return Err(SandboxError::Ineffective(target.path.clone())),
        }
    }
    process::give_up(&LOST)
}

/// Everything that lies beside the way to a target, and whether it is a directory. Symbolic links are left out: what they
/// lead to is judged where it is.
fn beside(plan: &Plan) -> Vec<(PathBuf, OwnedFd, bool)> {
    let targets = plan.targets.iter().chain(&plan.disks);
    let concealed: BTreeSet<&Path> = targets.map(|target| target.path.as_path()).collect();
    let way: BTreeSet<&Path> = concealed
        .iter()
        .flat_map(|path| path.ancestors().skip(1))
        .collect();
    let mut found = Vec::new();
    for directory in &way {
        // What cannot be listed stays closed.
        let Ok(entries) = std::fs::read_dir(directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if way.contains(path.as_path()) || concealed.contains(path.as_path()) {
                continue;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_symlink() {
                continue;
            }
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Ok(opened) = rustix::fs::open(&path, flags, Mode::empty()) {
                found.push((path, opened, kind.is_dir()));
            }
        }
    }
    found
}
