//! Showing the change before it is made. No value is in it.

use super::document::Document;
use super::plan::{Plan, SecretValue};
use super::sort::Sorted;
use super::store;
use crate::config::ConfigurationFile;
use crate::printer::Printer;

/// What is asked before the change is made.
pub(super) fn question(overwritten: usize) -> String {
    match overwritten {
        0 => "Do this?".to_owned(),
        1 => "Do this, and overwrite a stored secret?".to_owned(),
        more => format!("Do this, and overwrite {more} stored secrets?"),
    }
}

/// Shows what becomes of each server. `overwritten` are the names of secrets that get another value.
pub(super) fn describe(
    sorted: &Sorted<'_>,
    overwritten: &[&str],
    configuration: &ConfigurationFile,
    document: &Document,
    is_key_in_variable: bool,
    printer: &Printer,
) -> std::io::Result<()> {
    let file = document.path().display();
    for taken in &sorted.taken {
        let (theirs, plan) = (&taken.entry.name, &taken.plan);
        printer.line(&format!("{theirs} becomes the server {}:", plan.name))?;
        describe_secrets(plan, overwritten, printer)?;
        let key = if is_key_in_variable {
            "the key in its variable TOOLVAULT_API_KEY".to_owned()
        } else {
            format!("a new key that may use {} only", store::pattern(&plan.name))
        };
        printer.line(&format!("  {file} leads to the gateway, with {key}"))?;
    }
    if !sorted.taken.is_empty() {
        let path = configuration.path().display();
        printer.line(&format!("Servers are written to {path}."))?;
    }
    if sorted.done > 0 {
        let done = sorted.done;
        printer.line(&format!(
            "{done} of the servers in {file} lead to the gateway already."
        ))?;
    }
    for (name, reason) in &sorted.left {
        printer.error_line(&format!("warning: {name} stays as it is: {reason}"));
    }
    Ok(())
}

fn describe_secrets(plan: &Plan, overwritten: &[&str], printer: &Printer) -> std::io::Result<()> {
    let tools = store::pattern(&plan.name);
    for secret in &plan.secrets {
        let what = match secret.value {
            SecretValue::Literal(_) if overwritten.contains(&secret.name.as_str()) => {
                "overwrites the value of"
            }
            SecretValue::Literal(_) => "stores",
            SecretValue::Variable(_) => "uses",
        };
        printer.line(&format!(
            "  {what} the secret {} for {tools}, {}",
            secret.name, secret.argument
        ))?;
    }
    let settings = plan.settings();
    if !settings.is_empty() {
        let settings = settings.join(", ");
        printer.line(&format!("  writes as they are, as settings: {settings}"))?;
    }
    if plan.is_open() {
        printer
            .line("  gets no credential; a server that asks for a login (OAuth) will refuse it")?;
    }
    Ok(())
}
