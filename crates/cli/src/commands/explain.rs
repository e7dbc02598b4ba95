//! `toolvault explain`: what resolving and the gateway would do for a tool, and why.

use clap::Args;

use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::explain::{self, Explained, Explanation, Gateway};
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Table};

#[derive(Args)]
pub(crate) struct ExplainOptions {
    /// Name of the tool
    tool: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(crate) async fn run(
    options: ExplainOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let api = Api::connect(&options.connection, context).await?;
    let explanation = explain::ask(&api, &options.tool).await?;
    if options.json {
        context.printer.json(&explanation)?;
    } else {
        show(&explanation, context.printer)?;
    }
    Ok(ExitStatus::Success)
}

/// Prints an explanation as text.
pub(super) fn show(explanation: &Explanation, printer: &Printer) -> std::io::Result<()> {
    let tool = &explanation.tool_name;
    let verdict = verdict(explanation.would_succeed, &explanation.arguments);
    printer.line(&format!("A call of {tool} without arguments {verdict}"))?;
    show_arguments(&explanation.arguments, printer)?;
    if let Some(gateway) = &explanation.gateway {
        show_gateway(gateway, printer)?;
    }
    Ok(())
}

/// Prints the outcome of the call through the gateway.
pub(super) fn show_gateway(gateway: &Gateway, printer: &Printer) -> std::io::Result<()> {
    let server = &gateway.server;
    let verdict = if gateway.needs_sign_in {
        format!("would be REFUSED: sign in with: toolvault mcp connect {server}")
    } else {
        verdict(gateway.would_succeed, &gateway.arguments).to_owned()
    };
    printer.line(&format!(
        "Through the gateway, at the server {server}, it {verdict}"
    ))?;
    show_arguments(&gateway.arguments, printer)?;
    if !gateway.schema_known {
        printer.line(
            "The server was not asked which arguments its tool declares; only those are completed.",
        )?;
    }
    Ok(())
}

fn verdict(would_succeed: bool, arguments: &[Explained]) -> &'static str {
    let is_applied = |argument: &Explained| argument.winner().is_some();
    match (would_succeed, arguments) {
        (false, []) => "would be REFUSED: the tool is withheld.",
        (false, _) => "would be REFUSED:",
        (true, []) => "would get no secret: no default applies.",
        (true, arguments) if arguments.iter().any(is_applied) => "would be completed:",
        (true, _) => "would get no secret:",
    }
}

fn show_arguments(arguments: &[Explained], printer: &Printer) -> std::io::Result<()> {
    for argument in arguments {
        let tied = if argument.tied {
            ", decided only by which changed last"
        } else {
            ""
        };
        printer.line(&format!("{}: {}{tied}", argument.arg, argument.outcome))?;
        let mut table = Table::plain();
        for candidate in &argument.candidates {
            table.row([
                if candidate.wins { "  applied" } else { "  not" },
                &candidate.secret_name,
                &candidate.secret_id,
                candidate.pattern.as_deref().unwrap_or_default(),
                &candidate.why,
            ]);
        }
        printer.table(&table)?;
        let mut table = Table::plain();
        for near in &argument.near {
            table.row(["  almost", &near.secret_name, &near.secret_id, &near.why]);
        }
        printer.table(&table)?;
    }
    Ok(())
}
