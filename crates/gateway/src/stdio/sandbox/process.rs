//! What a sandboxed process is apart from what it can read.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal, setsid};
use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use crate::stdio::handover::{SandboxError, step};

/// Standard input, output and error.
const STANDARD: std::ops::RangeInclusive<i32> = 0..=2;

/// Leaves the terminal and the process group of its parent, and closes every file but the standard streams.
pub(super) fn detach() -> Result<(), SandboxError> {
    // The leader of a group cannot; then the group is its own already.
    let _ = setsid();
    let mut open = Vec::new();
    let entries =
        std::fs::read_dir("/proc/self/fd").map_err(step("list the files that are open"))?;
    for entry in entries {
        let name = entry
            .map_err(step("list the files that are open"))?
            .file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    for number in open {
        if !STANDARD.contains(&number) {
            // The one that listed them is closed already.
            let _ = nix::unistd::close(number);
        }
    }
    Ok(())
}

/// Gives up capabilities for good: programs that are started later cannot have them either.
pub(super) fn give_up(lost: &[CapabilitySet]) -> Result<(), SandboxError> {
    let failed = || step("give up capabilities");
    let mut sets = capabilities(None).map_err(failed())?;
    // Without this one the others cannot be given up, and an ordinary user has none to give up.
    let is_able = sets.effective.contains(CapabilitySet::SETPCAP);
    for capability in lost {
        if is_able && capability_is_in_bounding_set(*capability).map_err(failed())? {
            remove_capability_from_bounding_set(*capability).map_err(failed())?;
        }
        sets.effective.remove(*capability);
        sets.permitted.remove(*capability);
        sets.inheritable.remove(*capability);
    }
    set_capabilities(None, sets).map_err(failed())
}

/// Has the kernel end this process when the thread that started it ends. Lost when rights change, so it comes last.
pub(super) fn die_with_parent() -> Result<(), SandboxError> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(step("tie its life to its parent's"))
}

/// Writes one line on standard output.
pub(super) fn say(line: &str) -> Result<(), SandboxError> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(step("write to standard output"))
}

/// Becomes the program.
pub(super) fn become_program(
    program: &OsStr,
    arguments: &[OsString],
) -> Result<Infallible, SandboxError> {
    let error = Command::new(program).args(arguments).exec();
    Err(step(format!("start '{}'", program.display()))(error))
}
