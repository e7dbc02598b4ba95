//! Prints clap's messages: help, versions, and invalid command lines.

use clap::error::{ContextKind, ErrorKind};

use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;

/// Prints help on standard output, and errors on standard error with status 1.
pub(crate) fn answer(error: &clap::Error, printer: &Printer) -> anyhow::Result<ExitStatus> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            printer.text(&error.render().to_string())?;
            return Ok(ExitStatus::Success);
        }
        // A surplus argument may be the value of a secret, so it is not repeated.
        ErrorKind::UnknownArgument if !names_a_flag(error) => {
            let failure = Failure::refused("there is one argument too many");
            let usage = error.get(ContextKind::Usage).map(ToString::to_string);
            let is_about_value = usage.is_some_and(|usage| usage.contains("toolvault secret"));
            return Err(if is_about_value {
                failure.hint("the value of a secret is never an argument: it is read from a prompt, standard input or --value-file")
            } else {
                failure.hint("--help shows which arguments there are")
            }
            .into());
        }
        _ => {}
    }
    for line in error.render().to_string().lines() {
        printer.error_line(line);
    }
    Ok(ExitStatus::Refused)
}

fn names_a_flag(error: &clap::Error) -> bool {
    error
        .get(ContextKind::InvalidArg)
        .is_some_and(|argument| argument.to_string().starts_with('-'))
}
