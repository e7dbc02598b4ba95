//! `toolvault mcp test`: whether a server works through the gateway, and what its tools would get.

mod session;

use clap::Args;
use serde_json::{Map, Value};
use toolvault_gateway::ServerName;

use self::session::Session;
use super::parse_name;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::explain::{self, Explained, Explanation};
use crate::commands::explain::show as show_explanation;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::mcp::Endpoint;
use crate::printer::{Printer, Table};

/// A list that goes on for longer is given up.
const MOST_PAGES: usize = 100;

#[derive(Args)]
pub(crate) struct TestOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Only this tool of it
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(
    options: &TestOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let api = Api::connect(&options.connection, context)?;
    let endpoint = Endpoint::connect(&options.connection, context, Some(options.name.as_str()))?;
    let mut session = Session::open(endpoint).await?;
    let listed = list(&mut session).await;
    let mut about = Table::plain();
    about.row(["gateway", session.url().as_str()]);
    about.row(["protocol", &session.protocol()]);
    about.row(["server", session.server()]);
    session.close().await;
    printer.table(&about)?;
    let mut tools = listed?;
    if let Some(wanted) = &options.tool {
        tools.retain(|tool| tool == wanted);
        if tools.is_empty() {
            let message = format!("the server has no tool '{wanted}'");
            return Err(Failure::refused(message).into());
        }
    }
    let mut explained = Vec::with_capacity(tools.len());
    for tool in tools {
        let name = format!("{}{tool}", options.name.prefix());
        let mut explanation = explain::ask(&api, &name).await?;
        explanation
            .arguments
            .retain(|argument| is_for(argument, &options.name.prefix()));
        explained.push((tool, explanation));
    }
    show(&explained, printer)?;
    if let (Some(_), [(_, explanation)]) = (&options.tool, explained.as_slice()) {
        show_explanation(explanation, printer)?;
    }
    let problems: Vec<String> = explained.iter().flat_map(problems).collect();
    for problem in &problems {
        printer.error_line(&format!("error: {problem}"));
    }
    Ok(if problems.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

/// The names of the server's tools, as the gateway lists them.
async fn list(session: &mut Session) -> Result<Vec<String>, Failure> {
    let mut tools = Vec::new();
    let mut params = Map::new();
    for _ in 0..MOST_PAGES {
        let result = session.ask("tools/list", params).await?;
        let page = result.get("tools").and_then(Value::as_array);
        let page = page.ok_or_else(|| Failure::refused("the answer to tools/list is no list"))?;
        let names = page.iter().filter_map(|tool| tool.get("name")?.as_str());
        tools.extend(names.map(str::to_owned));
        let Some(Value::String(cursor)) = result.get("nextCursor") else {
            return Ok(tools);
        };
        params = Map::from_iter([("cursor".to_owned(), cursor.as_str().into())]);
    }
    Err(Failure::refused("the list of tools does not end"))
}

fn show(tools: &[(String, Explanation)], printer: &Printer) -> std::io::Result<()> {
    if tools.is_empty() {
        return printer.line("It lists no tool.");
    }
    let mut table = Table::new(&["TOOL", "HIDDEN IF DECLARED", "SECRET"]);
    for (tool, explanation) in tools {
        let mut name = tool.as_str();
        if explanation.arguments.is_empty() {
            table.row([name, "", ""]);
        }
        for argument in &explanation.arguments {
            let secret = winner(argument).unwrap_or(&argument.outcome);
            table.row([name, &argument.arg, secret]);
            name = " ";
        }
    }
    printer.table(&table)
}

/// Whether the gateway applies a default here: only if its pattern begins with the name of the server.
fn is_for(argument: &Explained, prefix: &str) -> bool {
    let mut candidates = argument.candidates.iter();
    candidates.any(|candidate| {
        let pattern = candidate.pattern.as_deref().unwrap_or_default();
        let literal = pattern.split('*').next().unwrap_or_default();
        literal.starts_with(prefix)
    })
}

fn winner(argument: &Explained) -> Option<&str> {
    let winner = argument
        .candidates
        .iter()
        .find(|candidate| candidate.wins)?;
    Some(&winner.secret_name)
}

/// What is wrong with the secrets for a tool.
fn problems((tool, explanation): &(String, Explanation)) -> Vec<String> {
    let wrong = explanation
        .arguments
        .iter()
        .filter(|argument| argument.outcome.starts_with("secret_"));
    let told = wrong.map(|argument| {
        let arg = &argument.arg;
        let secret = winner(argument).map_or_else(String::new, |name| format!(" '{name}'"));
        match argument.outcome.as_str() {
            "secret_expired" => {
                format!("{tool}: the secret{secret} for {arg} has expired; give it a new value and a later end")
            }
            "secret_ambiguous" => format!("{tool}: several secrets serve {arg} alike"),
            "secret_missing" => format!("{tool}: no secret serves {arg}"),
            _ => format!("{tool}: no secret can be used for {arg}"),
        }
    });
    told.collect()
}
