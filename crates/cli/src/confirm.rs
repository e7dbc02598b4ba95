//! Asks before something is deleted permanently.

use std::io::{BufRead as _, IsTerminal as _};

use crate::failure::Failure;
use crate::printer::Printer;

/// Asks on the terminal before what the command is for. Without a terminal, a program runs it and knows what it asked for.
pub(crate) fn confirm_on_terminal(
    question: &str,
    is_yes: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    confirm(question, is_yes || !std::io::stdin().is_terminal(), printer)
}

/// Asks on the terminal before what the command does beside what it is for. Without a terminal, `--yes` is required.
pub(crate) fn confirm(question: &str, is_yes: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(
            Failure::refused("not done: it needs confirmation, and there is no terminal")
                .hint("add --yes")
                .into(),
        );
    }
    printer.ask(&format!("{question} [y/N]"))?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not done").into()),
    }
}
