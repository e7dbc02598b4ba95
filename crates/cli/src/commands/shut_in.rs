//! `toolvault shut-in`, which the server starts by itself: shuts this process in and becomes another program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use toolvault_gateway::stdio::{self, ShutIn, Support};

use crate::failure::ExitStatus;

#[derive(Args)]
pub(crate) struct ShutInOptions {
    /// What to shut it in with
    #[arg(long, value_name = "MEANS", required_unless_present = "map_parent")]
    with: Option<Support>,
    /// Directory or file that it must not read; may be repeated
    #[arg(long, value_name = "PATH")]
    conceal: Vec<PathBuf>,
    /// Start nothing; say whether what this concealed file holds cannot be read
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    probe: Option<PathBuf>,
    /// Only map the users of the process that started this one
    #[arg(long, conflicts_with_all = ["with", "probe", "command"])]
    map_parent: bool,
    /// Path of the program, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Before anything else of ours runs: the process has one thread, and its memory is not protected yet, which would forbid
/// it to enter a user namespace.
pub(crate) fn run(options: ShutInOptions) -> anyhow::Result<ExitStatus> {
    let Some(with) = options.with else {
        stdio::map_parent()?;
        return Ok(ExitStatus::Success);
    };
    let wanted = ShutIn {
        with,
        concealed: options.conceal,
    };
    if let Some(witness) = options.probe {
        stdio::probe(&wanted, &witness)?;
        return Ok(ExitStatus::Success);
    }
    match stdio::shut_in(&wanted, &options.command)? {}
}
