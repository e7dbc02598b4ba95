//! `toolvault explain`: what resolving would do for a tool, and why.

use clap::Args;
use serde::{Deserialize, Serialize};
use toolvault_gateway::http::Method;

use super::Context;
use crate::api::{Api, Body};
use crate::failure::{ExitStatus, Failure};
use crate::printer::{Printer, Table};

#[derive(Args)]
pub(crate) struct ExplainOptions {
    /// Name of the tool
    tool: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Explanation {
    tool_name: String,
    would_succeed: bool,
    pub(super) arguments: Vec<Explained>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Explained {
    pub(super) arg: String,
    pub(super) outcome: String,
    winner: Option<String>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) tied: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Candidate {
    pub(super) secret_id: String,
    pub(super) secret_name: String,
    pub(crate) pattern: Option<String>,
    pub(super) wins: bool,
    why: String,
}

pub(crate) async fn run(
    options: ExplainOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let api = Api::connect(context)?;
    let explanation = ask(&api, &options.tool).await?;
    if options.json {
        context.printer.json(&explanation)?;
    } else {
        show(&explanation, context.printer)?;
    }
    Ok(ExitStatus::Success)
}

/// What a call of a tool without arguments would get.
pub(super) async fn ask(api: &Api<'_>, tool: &str) -> Result<Explanation, Failure> {
    ask_about(api, tool, &serde_json::json!({})).await
}

/// What a call of a tool would get, with `args`, `bindings` and the like.
pub(super) async fn ask_about(
    api: &Api<'_>,
    tool: &str,
    call: &serde_json::Value,
) -> Result<Explanation, Failure> {
    let url = api.url(&["tools", tool, "explain"]);
    let body = Body::Json(call.to_string().into_bytes());
    api.fetch(Method::POST, &url, body).await
}

/// Prints it for people.
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
