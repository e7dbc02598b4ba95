//! Keeps the memory of this process out of core files and away from other processes.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Turns core dumps off, and keeps other processes of the same user from reading this one's memory
/// (`prctl(2)`, `PR_SET_DUMPABLE`).
pub(crate) fn protect_memory() -> std::io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
