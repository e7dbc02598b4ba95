//! Prints clap's messages: help, versions, and invalid command lines.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::commands::Arguments;
use crate::commands::run::OWN_FAILURE;
use crate::failure::{ExitStatus, Failure};
use crate::printer::Printer;

/// Words of other programs for what our commands do. `get` must not suggest `set`, which changes the value.
const SYNONYMS: &[&[&str]] = &[
    &["create", "add", "new", "store", "put"],
    &["delete", "remove", "rm", "del"],
    &["show", "get", "read", "view", "reveal"],
    &["set", "update", "edit", "change"],
    &["serve", "start", "server", "up"],
];

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
        ErrorKind::UnknownArgument if !names_a_flag(error) => return Err(surplus(error).into()),
        _ => {}
    }
    for line in error.render().to_string().lines() {
        printer.error_line(line);
    }
    Ok(status())
}

/// The failure for an argument that no parameter takes.
fn surplus(error: &clap::Error) -> Failure {
    let failure = Failure::refused("there is one argument too many").with_status(status());
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let usage = usage.unwrap_or_default();
    if usage.contains("toolvault secret") {
        return failure.hint("the value of a secret is never an argument: it is read from a prompt, standard input or --value-file");
    }
    if status() == OWN_FAILURE {
        return failure.hint("write -- before the command that is run: toolvault run -- COMMAND");
    }
    failure.hint("--help shows which arguments there are")
}

/// Leaves of the commands that are suggested the one that does what was typed, else that which is most like it, and none
/// that is hidden.
fn suggest_the_closest(error: &mut clap::Error) {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let command = misunderstood();
    let is_shown = |name: &str| {
        let found = command.find_subcommand(name);
        found.is_some_and(|found| !found.is_hide_set())
    };
    let mut synonyms = SYNONYMS
        .iter()
        .filter(|words| words.contains(&typed.as_str()));
    let synonym = synonyms.find_map(|words| words.iter().find(|word| is_shown(word)));
    let alike = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names.as_slice(),
        _ => &[],
    };
    // The last is the most similar.
    let alike = alike.iter().rfind(|name| is_shown(name)).cloned();
    let closest = synonym.map(|&word| word.to_owned()).or(alike);
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(name) = closest {
        let closest = ContextValue::Strings(vec![name]);
        error.insert(ContextKind::SuggestedSubcommand, closest);
    }
}

/// The command in which a subcommand was not known: that of the words before it.
fn misunderstood() -> clap::Command {
    let mut command = Arguments::command();
    for word in std::env::args_os().skip(1) {
        let Some(found) = command.find_subcommand(&word) else {
            break;
        };
        command = found.clone();
    }
    command
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
