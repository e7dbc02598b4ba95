//! `toolvault mcp pins`: what the tools of a server are pinned as, how they changed, and an operator's consent.

use clap::Args;
use toolvault_gateway::ServerName;

use super::file::parse_name;
use crate::api::Api;
use crate::api::pins::{ToolChange, ToolPin};
use crate::config::StoreOptions;
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Printer, Table};

#[derive(Args)]
pub(crate) struct PinsOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Accept the change of this tool, as it is shown
    #[arg(long, value_name = "TOOL")]
    accept: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(options: PinsOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (name, printer) = (&options.name, context.printer);
    let Some(tool) = &options.accept else {
        let pins = Api::with_store(options.store, context, async |api| {
            api.list_pins(name).await
        })
        .await?;
        return list(name, &pins, options.json, printer);
    };
    let (before, after) = Api::with_store(options.store, context, async |api| {
        let pins = api.list_pins(name).await?;
        let pin = pins.into_iter().find(|pin| pin.tool == *tool);
        let pin = pin.ok_or_else(|| {
            Failure::refused(format!("the server '{name}' has no pinned tool '{tool}'"))
        })?;
        let Some(change) = &pin.change else {
            let message = format!("the tool '{tool}' of the server '{name}' has no change");
            return Err(Failure::refused(message));
        };
        let accepted = api.accept_tool(name, tool, change).await?;
        Ok((pin, accepted))
    })
    .await?;
    if options.json {
        printer.json(&after)?;
    } else {
        show(&before, printer)?;
        printer.line(&format!("Accepted the change of the tool {tool}."))?;
    }
    Ok(())
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
        return Ok(printer.line(&line)?);
    }
    let mut table = Table::new(&["TOOL", "PINNED", "STATE"]);
    for pin in pins {
        let state = pin.change.as_ref().map_or("unchanged", |_| "changed");
        table.row([&pin.tool, &pin.pinned_at.to_string(), state]);
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
fn show(pin: &ToolPin, printer: &Printer) -> anyhow::Result<()> {
    let (tool, pinned_at) = (&pin.tool, pin.pinned_at);
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

fn warn(warnings: &[String], printer: &Printer) -> anyhow::Result<()> {
    for warning in warnings {
        printer.line(&format!("  warning: {warning}"))?;
    }
    Ok(())
}
