//! `toolvault explain`: explains what resolving would do for a tool, and why.

use clap::Args;

use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::explain::{self, Explanation};
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
    let api = Api::connect(&options.connection, context)?;
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
    if explanation.arguments.is_empty() {
        return printer.line(&format!("No default applies to {tool}."));
    }
    let verdict = if explanation.would_succeed {
        "would be completed"
    } else {
        "would be REFUSED"
    };
    printer.line(&format!("A call of {tool} without arguments {verdict}:"))?;
    for argument in &explanation.arguments {
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
    }
    Ok(())
}
