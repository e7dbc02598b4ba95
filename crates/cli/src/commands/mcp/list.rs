//! `toolvault mcp list`.

use clap::Args;
use serde::Serialize;
use toolvault_gateway::http::Url;
use toolvault_gateway::settings::{ServerSettings, Template, Transport};

use super::file::{FileOptions, load};
use crate::context::Context;
use crate::printer::Table;

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileOptions,
}

/// What is told about a server: nothing in which a literal credential may stand.
#[derive(Serialize)]
struct Listed {
    name: String,
    transport: &'static str,
    /// The origin of its URL, or its program.
    target: String,
    /// The references in its configuration.
    secrets: Vec<String>,
    credential_arguments: Vec<String>,
}

pub(super) fn run(options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let configuration = load(&options.file, context)?;
    let servers = configuration.server.gateway.servers;
    let listed = servers
        .iter()
        .map(|(name, server)| describe(name.as_str(), server));
    let listed: Vec<Listed> = listed.collect();
    if options.json {
        return context.printer.json(&listed);
    }
    let mut table = Table::new(&[
        "NAME",
        "TRANSPORT",
        "TARGET",
        "SECRETS",
        "CREDENTIAL ARGUMENTS",
    ]);
    for server in &listed {
        table.row([
            &server.name,
            server.transport,
            &server.target,
            &server.secrets.join(" "),
            &server.credential_arguments.join(" "),
        ]);
    }
    let empty = "There are no servers yet. Add one with: toolvault mcp add NAME URL; or import a client's with: toolvault mcp import FILE";
    Ok(context.printer.table_or(&table, empty)?)
}

fn describe(name: &str, server: &ServerSettings) -> Listed {
    let (transport, target, templates): (_, _, Vec<&Template>) = match &server.transport {
        Transport::Http(http) => {
            let headers = http.headers.iter().map(|header| &header.value);
            let templates = std::iter::once(&http.url).chain(headers).collect();
            ("http", origin(&http.url), templates)
        }
        Transport::Stdio(program) => {
            let target = program.command.first().cloned().unwrap_or_default();
            ("stdio", target, program.env.values().collect())
        }
        Transport::Elsewhere => ("elsewhere", String::new(), Vec::new()),
    };
    let references = templates.iter().flat_map(|template| template.references());
    let mut secrets: Vec<String> = references.map(ToString::to_string).collect();
    secrets.sort_unstable();
    secrets.dedup();
    Listed {
        name: name.to_owned(),
        transport,
        target,
        secrets,
        credential_arguments: server.credential_arguments.iter().cloned().collect(),
    }
}

/// Scheme, host and port, in which no reference can stand.
fn origin(url: &Template) -> String {
    let parts = url.parts().iter().map(|part| match part {
        toolvault_gateway::settings::Part::Text(text) => text.as_str(),
        toolvault_gateway::settings::Part::Reference(_) => "x",
    });
    let text: String = parts.collect();
    Url::parse(&text).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
