//! Asks before something is deleted permanently.

use std::io::{BufRead as _, IsTerminal as _};

use crate::failure::Failure;
use crate::printer::Printer;

/// Asks on the terminal before what the command is for. Without a terminal, a program runs it and knows what it asked for.
pub(crate) fn confirm_on_terminal(
    question: &str,
    is_yes: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    confirm(question, is_yes || !std::io::stdin().is_terminal(), printer)
}

/// Asks on the terminal before what the command does beside what it is for. Without a terminal, `--yes` is required.
pub(crate) fn confirm(question: &str, is_yes: bool, printer: &Printer) -> Result<(), Failure> {
    if is_yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        let why = "not done: it needs confirmation, and there is no terminal";
        return Err(Failure::refused(why).hint("add --yes"));
    }
    let mut answer = String::new();
    printer
        .ask(&format!("{question} [y/N]"))
        .and_then(|()| input.lock().read_line(&mut answer))
        .map_err(|error| Failure::failed(format!("cannot ask on the terminal: {error}")))?;
    if answer.is_empty() {
        // The terminal was closed, and the line of the question was not ended.
        printer.error_line("");
    }
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not done")),
    }
}
