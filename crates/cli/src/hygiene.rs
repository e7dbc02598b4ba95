//! Keeps the memory of this process out of core files and away from other processes, and gives it enough descriptors.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Enough for the connections of clients, to servers and to programs. Not all that the system allows: the programs behind
/// the gateway inherit it, and some visit every possible descriptor when they start.
const DESCRIPTORS: u64 = 65_536;

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

/// Raises the number of descriptors that this process may have, as far as the system allows. The usual 1,024 are fewer
/// than `limits.connections` needs by default.
pub(crate) fn raise_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(error = %error, "the limit of open files could not be raised");
    }
}
