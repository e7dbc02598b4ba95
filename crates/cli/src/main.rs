//! The binary `toolvault`.
//!
//! [`commands`] is the command line, with a file for each command; [`config`] is the configuration. Imports go one way:
//! commands, then [`api`] and [`store`], then [`config`], then [`context`], [`printer`] and [`failure`]. Commands print
//! through [`printer`] only.

mod alarms;
mod api;
mod browser;
mod commands;
mod config;
mod confirm;
mod context;
mod credential;
mod duration;
mod environment;
mod failure;
mod hand_over;
mod harmless;
mod hygiene;
mod jobs;
mod logging;
mod loopback;
mod mcp;
mod misuse;
mod new_file;
mod printer;
mod profile;
mod progress;
mod replace;
mod signals;
mod store;
mod traces;
mod value;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::{Arguments, Command};
use crate::context::Context;
use crate::environment::Environment;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;

/// The C library keeps memory that large answers needed: up to 150 MiB after answers of 16 MiB. This allocator gives it
/// back within seconds; `secure` adds guard pages and encrypted free lists.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let printer = Printer::new();
    let status = run(&printer).unwrap_or_else(|error| report(&printer, &error));
    status.into()
}

fn run(printer: &Printer) -> anyhow::Result<ExitStatus> {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misuse::answer(error, printer),
    };
    if let Command::Sandbox(options) = arguments.command {
        return commands::sandbox::run(options);
    }
    hygiene::protect_memory()?;
    let context = Context {
        environment: Environment::read(),
        printer,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(commands::run(arguments.command, &context));
    // Tasks that are still running have had their time.
    runtime.shutdown_background();
    status
}

/// Prints the error, unless the reader of the output is gone.
fn report(printer: &Printer, error: &anyhow::Error) -> ExitStatus {
    let is_broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    // The reader may close the pipe when it has seen enough, as `head` does.
    if error.chain().any(is_broken_pipe) {
        return ExitStatus::Success;
    }
    // A message of the gateway has several lines. They are indented, so that none of them looks like one of ours.
    for (number, line) in failure::with_causes(error.as_ref()).split('\n').enumerate() {
        let start = if number == 0 { "error: " } else { "  " };
        printer.error_line(&format!("{start}{line}"));
    }
    let failure = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Failure>());
    if let Some(hint) = failure.and_then(|failure| failure.hint.as_ref()) {
        printer.error_line(&format!("hint: {hint}"));
    }
    failure.map_or(ExitStatus::Failed, |failure| failure.status)
}
