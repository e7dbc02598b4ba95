//! `toolvault mcp test`: whether a server works through the gateway, and what its tools would get.

mod problems;
mod session;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};
use toolvault_gateway::ServerName;

use self::problems::problems;
use self::session::Session;
use super::file::{FileOptions, is_configured, parse_name};
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::explain::{self, Explained, Explanation, Gateway};
use crate::commands::explain::show_gateway;
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
    /// Test only this tool
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl TestOptions {
    /// For all tools of a server.
    pub(crate) const fn of(
        name: ServerName,
        file: FileOptions,
        connection: ConnectionOptions,
    ) -> Self {
        Self {
            name,
            tool: None,
            json: false,
            file,
            connection,
        }
    }
}

/// A tool as the gateway lists it, and what a call of it would get.
#[derive(Serialize)]
struct Tested {
    name: String,
    /// The arguments that the model sees.
    visible: Vec<String>,
    gateway: Gateway,
}

pub(crate) async fn run(
    options: &TestOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let api = Api::connect(&options.connection, context).await?;
    let endpoint =
        Endpoint::connect(&options.connection, context, Some(options.name.as_str())).await?;
    let opened = Session::open(endpoint).await;
    let mut session = opened.map_err(|failure| known(failure, options, context))?;
    let listed = list(&mut session).await;
    if !options.json {
        let mut about = Table::plain();
        about.row(["gateway", session.url().as_str()]);
        about.row(["protocol", &session.protocol()]);
        about.row(["server", session.server()]);
        printer.table(&about)?;
    }
    // The session stays open meanwhile, so that a program need not be started again.
    let tested = match listed {
        Ok(tools) => explain_all(&api, &options.name, tools).await,
        Err(failure) => Err(failure),
    };
    session.close().await;
    let (credentials, all) = tested?;
    let is_wanted = |tool: &&Tested| options.tool.as_ref().is_none_or(|name| *name == tool.name);
    let tools: Vec<&Tested> = all.iter().filter(is_wanted).collect();
    if let (Some(wanted), []) = (&options.tool, tools.as_slice()) {
        let message = format!("the server has no tool '{wanted}'");
        return Err(Failure::refused(message).into());
    }
    let problems = problems(&credentials, &tools, &all);
    if options.json {
        printer.json(&json!({
            "gateway": session.url().as_str(),
            "protocol": session.protocol(),
            "server": session.server(),
            "credentials": credentials,
            "tools": tools,
            "problems": problems,
        }))?;
    } else {
        show(&credentials, &tools, printer)?;
        if let (Some(_), [tool]) = (&options.tool, tools.as_slice()) {
            show_gateway(&tool.gateway, printer)?;
        }
    }
    for problem in &problems {
        printer.error_line(&format!("error: {problem}"));
    }
    Ok(if problems.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

/// The failure, or a clearer one if the file names a server that the running one does not know.
fn known(failure: Failure, options: &TestOptions, context: &Context<'_>) -> Failure {
    if !failure.is_not_found || !is_configured(&options.name, &options.file, context) {
        return failure;
    }
    let name = &options.name;
    Failure::refused(format!(
        "the configuration file has the server '{name}', but the running server does not know it"
    ))
    .hint("run toolvault reload, or restart the server")
}

/// What the server's own credentials and each of its tools would get.
async fn explain_all(
    api: &Api<'_>,
    server: &ServerName,
    tools: Vec<Value>,
) -> Result<(Vec<Explained>, Vec<Tested>), Failure> {
    let prefix = server.prefix();
    let mut tested = Vec::with_capacity(tools.len());
    for tool in tools {
        let asked = format!("{prefix}{}", name(&tool));
        tested.push(Tested {
            name: name(&tool).to_owned(),
            visible: visible(&tool),
            gateway: gateway(explain::ask(api, &asked).await?)?,
        });
    }
    // A key for some tools does not reach the name of the whole server. Failures are reported with each tool.
    let credentials = match explain::ask(api, &prefix).await {
        Ok(explanation) => gateway(explanation)?.arguments,
        Err(_) if !tested.is_empty() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    Ok((credentials, tested))
}

fn gateway(explanation: Explanation) -> Result<Gateway, Failure> {
    let tool = explanation.tool_name;
    let gateway = explanation.gateway;
    gateway.ok_or_else(|| Failure::refused(format!("the gateway does not reach the tool '{tool}'")))
}

/// The tools of the server, as the gateway lists them.
async fn list(session: &mut Session) -> Result<Vec<Value>, Failure> {
    let mut tools = Vec::new();
    let mut params = Map::new();
    for _ in 0..MOST_PAGES {
        let result = session.ask("tools/list", params).await?;
        let page = result.get("tools").and_then(Value::as_array);
        let page = page.ok_or_else(|| Failure::refused("the answer to tools/list is no list"))?;
        tools.extend(page.iter().filter(|tool| !name(tool).is_empty()).cloned());
        let Some(Value::String(cursor)) = result.get("nextCursor") else {
            return Ok(tools);
        };
        params = Map::from_iter([("cursor".to_owned(), cursor.as_str().into())]);
    }
    Err(Failure::refused("the list of tools does not end"))
}

fn name(tool: &Value) -> &str {
    tool.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn visible(tool: &Value) -> Vec<String> {
    let properties = tool.pointer("/inputSchema/properties");
    let properties = properties.and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect()
}

fn show(credentials: &[Explained], tools: &[&Tested], printer: &Printer) -> std::io::Result<()> {
    if !credentials.is_empty() {
        let mut table = Table::new(&["CREDENTIAL", "SECRET"]);
        for credential in credentials {
            table.row([&credential.arg, secret(credential)]);
        }
        printer.table(&table)?;
    }
    if tools.is_empty() {
        return printer.line("It lists no tool.");
    }
    let mut table = Table::new(&["TOOL", "HIDDEN", "SECRET"]);
    for tool in tools {
        let mut name = tool.name.as_str();
        let mut hidden = hidden(tool).peekable();
        if hidden.peek().is_none() {
            table.row([name, "", ""]);
        }
        for argument in hidden {
            table.row([name, &argument.arg, secret(argument)]);
            name = " ";
        }
    }
    printer.table(&table)
}

fn hidden(tool: &Tested) -> impl Iterator<Item = &Explained> {
    let arguments = tool.gateway.arguments.iter();
    arguments.filter(|argument| argument.outcome != "none")
}

fn secret(argument: &Explained) -> &str {
    argument
        .winner()
        .map_or(&argument.outcome, |winner| &winner.secret_name)
}
