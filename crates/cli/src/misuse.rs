//! Prints clap's messages: help, versions, and invalid command lines.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::commands::Arguments;
use crate::commands::run::OWN_FAILURE;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;

/// Prints help on standard output, and errors on standard error with status 1, or as `run` does.
pub(crate) fn answer(mut error: clap::Error, printer: &Printer) -> anyhow::Result<ExitStatus> {
    suggest_the_closest(&mut error);
    let error = &error;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            printer.text(&error.render().to_string())?;
            return Ok(ExitStatus::Success);
        }
        // A surplus argument may be the value of a secret, so it is not repeated.
        ErrorKind::UnknownArgument if !names_a_flag(error) => {
            let failure = Failure::refused("there is one argument too many").with_status(status());
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
    Ok(status())
}

/// Leaves of the commands that are suggested the one that is most like what was typed, and none that is hidden.
fn suggest_the_closest(error: &mut clap::Error) {
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) else {
        return;
    };
    let command = Arguments::command();
    let is_hidden = |name: &String| {
        let found = command.find_subcommand(name);
        found.is_some_and(clap::Command::is_hide_set)
    };
    // The last is the most similar.
    let closest = names.iter().rfind(|name| !is_hidden(name)).cloned();
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(name) = closest {
        let closest = ContextValue::Strings(vec![name]);
        error.insert(ContextKind::SuggestedSubcommand, closest);
    }
}

/// What an invalid command line exits with.
fn status() -> ExitStatus {
    match std::env::args_os().nth(1) {
        Some(name) if name == "run" => OWN_FAILURE,
        _ => ExitStatus::Refused,
    }
}

fn names_a_flag(error: &clap::Error) -> bool {
    error
        .get(ContextKind::InvalidArg)
        .is_some_and(|argument| argument.to_string().starts_with('-'))
}
