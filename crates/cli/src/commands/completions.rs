//! `toolvault completions`: prints a completion script. `toolvault man`: writes the manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::commands::Arguments;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::Target;

#[derive(Args)]
pub(crate) struct CompletionsOptions {
    shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManOptions {
    /// An existing directory
    directory: PathBuf,
}

pub(crate) fn run(
    options: &CompletionsOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(
        options.shell,
        &mut Arguments::command(),
        "toolvault",
        &mut script,
    );
    context.printer.pass_on(Target::Output, &script)?;
    Ok(ExitStatus::Success)
}

/// One page for each command.
pub(crate) fn write_manual(options: &ManOptions) -> anyhow::Result<ExitStatus> {
    clap_mangen::generate_to(Arguments::command(), &options.directory)?;
    Ok(ExitStatus::Success)
}
