//! Showing the change before it is made. No value that was recognised as one is in it.

use toolvault_vault::SecretInfo;

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

/// Shows what becomes of each server, with the secrets that are stored now.
pub(super) fn describe(
    sorted: &Sorted<'_>,
    stored: &[SecretInfo],
    configuration: &ConfigurationFile,
    document: &Document,
    is_key_in_variable: bool,
    printer: &Printer,
) -> std::io::Result<()> {
    let file = document.path().display();
    let overwritten = sorted.overwritten(stored);
    for taken in &sorted.taken {
        let (theirs, plan) = (&taken.entry.name, &taken.plan);
        printer.line(&format!("{theirs} becomes the server {}:", plan.name))?;
        printer.line(&format!("  {}", plan.target()))?;
        describe_secrets(plan, &overwritten, stored, printer)?;
        let key = if is_key_in_variable {
            "the key in its variable TOOLVAULT_API_KEY".to_owned()
        } else {
            format!("a new key that may use {} only", store::pattern(&plan.name))
        };
        printer.line(&format!("  {file} will use the gateway, with {key}"))?;
    }
    if !sorted.taken.is_empty() {
        let path = configuration.path().display();
        printer.line(&format!("Servers are written to {path}."))?;
    }
    if sorted.done > 0 {
        let done = sorted.done;
        printer.line(&format!(
            "{done} of the servers in {file} already use the gateway."
        ))?;
    }
    for (name, reason) in &sorted.left {
        printer.error_line(&format!("warning: {name} stays as it is: {reason}"));
    }
    Ok(())
}

fn describe_secrets(
    plan: &Plan,
    overwritten: &[&str],
    stored: &[SecretInfo],
    printer: &Printer,
) -> std::io::Result<()> {
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
    let mut has_default = false;
    for secret in stored {
        if store::is_default_for(secret, &plan.name)
            && let (Some(tools), Some(argument)) = (&secret.tool_name, &secret.tool_arg)
        {
            has_default = true;
            let name = &secret.secret_name;
            printer.line(&format!(
                "  gets the stored secret {name}, which is a default for {tools}, {argument}"
            ))?;
        }
    }
    let settings = plan.settings();
    if !settings.is_empty() {
        let settings = settings.join(", ");
        printer.line(&format!("  writes unchanged, as settings: {settings}"))?;
    }
    if plan.table.url.is_some() && plan.secrets.is_empty() && !has_default {
        printer.line(&format!(
            "  gets no credential; if it asks for a sign-in (OAuth), run: toolvault mcp connect {}",
            plan.name
        ))?;
    }
    Ok(())
}
