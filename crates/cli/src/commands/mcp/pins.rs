//! `toolvault mcp pins`: the pinned definitions of a server's tools, how they changed, and an operator's consent.

use std::io;

use clap::Args;
use toolvault_gateway::ServerName;

use super::file::parse_name;
use crate::api::Api;
use crate::api::pins::{ToolChange, ToolPin};
use crate::config::StoreOptions;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Printer, Table};

#[derive(Args)]
pub(crate) struct PinsOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Accept the change of this tool, as it is shown; may be repeated
    #[arg(long, value_name = "TOOL")]
    accept: Vec<String>,
    /// Accept the changes of all tools: shows them, then asks
    #[arg(long, conflicts_with = "accept")]
    accept_all: bool,
    /// Do not ask before accepting all changes
    #[arg(long, requires = "accept_all")]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

impl PinsOptions {
    /// The pins whose changes to accept, which are all there.
    fn chosen(&self, pins: Vec<ToolPin>) -> Result<Vec<ToolPin>, Failure> {
        let name = &self.name;
        for tool in &self.accept {
            let pin = pins.iter().find(|pin| pin.tool == *tool);
            let pin = pin.ok_or_else(|| {
                Failure::refused(format!("the server '{name}' has no pinned tool '{tool}'"))
                    .hint(format!("toolvault mcp pins {name} shows them"))
            })?;
            if pin.change.is_none() {
                let message = format!("the tool '{tool}' of the server '{name}' has no change");
                return Err(Failure::refused(message));
            }
        }
        let mut pins = pins;
        pins.retain(|pin| pin.change.is_some());
        pins.retain(|pin| self.accept_all || self.accept.contains(&pin.tool));
        Ok(pins)
    }
}

pub(crate) async fn run(options: PinsOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (name, printer) = (options.name.clone(), context.printer);
    let store = options.store.clone();
    if options.accept.is_empty() && !options.accept_all {
        let pins = Api::with_store(store, context, async |api| api.list_pins(&name).await);
        return list(&name, &pins.await?, options.json, printer);
    }
    let accepted = Api::with_store(store, context, async |api| {
        accept(&options, api, printer).await
    })
    .await?;
    if options.json {
        return printer.json(&accepted);
    }
    if accepted.is_empty() {
        printer.line(&format!("No tool of the server {name} has a change."))?;
    }
    for pin in &accepted {
        printer.line(&format!("Accepted the change of the tool {}.", pin.tool))?;
    }
    Ok(())
}

/// Shows the changes, asks if it is about all, and accepts exactly what was shown. Returns the pins as they are then.
async fn accept(
    options: &PinsOptions,
    api: &Api<'_>,
    printer: &Printer,
) -> Result<Vec<ToolPin>, Failure> {
    let name = &options.name;
    let chosen = options.chosen(api.list_pins(name).await?)?;
    if !options.json {
        for pin in &chosen {
            let shown = show(pin, printer);
            shown.map_err(|error| Failure::failed(format!("cannot print: {error}")))?;
        }
    }
    if options.accept_all && !chosen.is_empty() {
        let tools: Vec<&str> = chosen.iter().map(|pin| pin.tool.as_str()).collect();
        let question = format!("Accept the changes of {}, for all users?", tools.join(", "));
        confirm(&question, options.yes, printer)?;
    }
    let mut accepted = Vec::with_capacity(chosen.len());
    for pin in &chosen {
        if let Some(change) = &pin.change {
            let done = api.accept_tool(name, &pin.tool, change).await;
            accepted.push(done.map_err(|failure| {
                let (tool, before) = (&pin.tool, accepted.len());
                let message = format!("{tool}: {failure} ({before} were accepted before it)");
                failure.reworded(message)
            })?);
        }
    }
    Ok(accepted)
}

fn list(
    name: &ServerName,
    pins: &[ToolPin],
    is_json: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    if is_json {
        return printer.json(&pins);
    }
    if pins.is_empty() {
        let line = format!("The server {name} has listed no tools through the gateway yet.");
        printer.line(&line)?;
        printer.error_line("hint: toolvault mcp list shows the servers of the configuration");
        return Ok(());
    }
    let mut table = Table::new(&["TOOL", "PINNED", "STATE"]);
    for pin in pins {
        let state = pin.change.as_ref().map_or("unchanged", |_| "changed");
        table.row([&pin.tool, &pin.pinned_at.whole_second().to_string(), state]);
    }
    printer.table(&table)?;
    let is_shown = |pin: &&ToolPin| pin.change.is_some() || !pin.warnings.is_empty();
    for pin in pins.iter().filter(is_shown) {
        printer.line("")?;
        show(pin, printer)?;
    }
    Ok(())
}

/// What is warned of in a tool, and its change in words.
fn show(pin: &ToolPin, printer: &Printer) -> io::Result<()> {
    let (tool, pinned_at) = (&pin.tool, pin.pinned_at.whole_second());
    let Some(ToolChange {
        sha256,
        seen_at,
        differences,
        warnings,
    }) = &pin.change
    else {
        printer.line(&format!("{tool}: pinned {pinned_at}"))?;
        return warn(&pin.warnings, printer);
    };
    let seen_at = seen_at.whole_second();
    printer.line(&format!(
        "{tool}: pinned {pinned_at}, changed {seen_at}, now sha256:{sha256}"
    ))?;
    warn(&pin.warnings, printer)?;
    match differences {
        Some(differences) => {
            for difference in differences {
                printer.line(&format!("  {difference}"))?;
            }
        }
        None => printer.line(
            "  The definitions were not kept: they are longer than 32 KiB, or hold a value. Ask the server's operator.",
        )?,
    }
    for warning in warnings {
        printer.line(&format!("  warning: now {warning}"))?;
    }
    Ok(())
}

fn warn(warnings: &[String], printer: &Printer) -> io::Result<()> {
    for warning in warnings {
        printer.line(&format!("  warning: {warning}"))?;
    }
    Ok(())
}
