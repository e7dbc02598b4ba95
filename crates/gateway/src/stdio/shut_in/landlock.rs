//! Concealing by Landlock (<https://landlock.io>): all is allowed but what is concealed.
//!
//! Landlock only allows. So everything beside the way to a concealed place is allowed, by itself and with all below it. The
//! directories along the way stay passable, but they cannot be listed, and what is made directly in them later cannot be
//! opened. Files are known by what they are, not by their names, so that renaming does not reveal them; and nothing can be moved
//! or linked out of a concealed directory.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
};
use rustix::fs::{Mode, OFlags};
use rustix::thread::CapabilitySet;

use super::paths::Place;
use super::{ShutInError, process, step};
use crate::stdio::support::Support;

/// The newest version whose rights we know; older kernels know fewer.
const NEWEST: ABI = ABI::V10;
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

/// Conceals the places from this process and all that it starts.
pub(super) fn conceal(places: &[Place]) -> Result<(), ShutInError> {
    let failed =
        |error: landlock::RulesetError| step("set up Landlock")(std::io::Error::other(error));
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    for (beside, is_directory) in beside(places) {
        let rights = if is_directory {
            AccessFs::from_all(NEWEST)
        } else {
            AccessFs::from_file(NEWEST)
        };
        rules = rules
            .add_rule(PathBeneath::new(beside, rights))
            .map_err(failed)?;
    }
    let status = rules.restrict_self().map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(ShutInError::Unavailable(Support::Landlock));
    }
    process::give_up(&LOST)
}

/// Everything that lies beside the way to a concealed place, and whether it is a directory. Symbolic links are not among them: what
/// they lead to is judged where it is.
fn beside(places: &[Place]) -> Vec<(OwnedFd, bool)> {
    let concealed: BTreeSet<&Path> = places.iter().map(|place| place.path.as_path()).collect();
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
                found.push((opened, kind.is_dir()));
            }
        }
    }
    found
}
