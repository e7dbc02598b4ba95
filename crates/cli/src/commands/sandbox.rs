//! `toolvault sandbox`, which the server calls: confines this process and becomes another program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use toolvault_gateway::stdio::{self, Confinement, Support, Wanted};

use crate::failure::ExitStatus;

#[derive(Args)]
pub(crate) struct SandboxOptions {
    /// Mechanism
    #[arg(long, value_name = "MECHANISM", required_unless_present = "map_parent")]
    with: Option<Support>,
    /// Directory or file that it must not read, as PATH or DEVICE:INODE:PATH; may be repeated
    #[arg(long, value_name = "PATH")]
    conceal: Vec<Wanted>,
    /// Start nothing; exit with 0 if the content of this concealed file cannot be read
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    probe: Option<PathBuf>,
    /// Only map the users of the process that started this one
    #[arg(long, conflicts_with_all = ["with", "probe", "command"])]
    map_parent: bool,
    /// Path of the program, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Call this before anything else. The process must still have one thread, and its memory must not be protected yet, or
/// it cannot enter a user namespace.
pub(crate) fn run(options: SandboxOptions) -> anyhow::Result<ExitStatus> {
    let Some(with) = options.with else {
        stdio::map_parent()?;
        return Ok(ExitStatus::Success);
    };
    let confinement = Confinement {
        with,
        concealed: options.conceal,
    };
    if let Some(witness) = options.probe {
        stdio::probe(&confinement, &witness)?;
        return Ok(ExitStatus::Success);
    }
    match stdio::confine_and_run(&confinement, &options.command)? {}
}
