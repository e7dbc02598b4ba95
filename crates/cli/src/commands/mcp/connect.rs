//! `toolvault mcp connect`: signs the user in at a server, in the browser of this machine.

use std::time::Duration;

use clap::Args;
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::Url;

use super::file::parse_name;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::connections::Begun;
use crate::browser;
use crate::context::Context;
use crate::failure::{Failure, with_causes};
use crate::loopback::{Loopback, callback_with, text};

/// How long the person may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// What the browser shows at the end.
const DONE: &str =
    "Toolvault has the answer. Go back to your terminal, which says whether you are signed in.";

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault mcp connect linear
  toolvault mcp connect github --scope repo --scope read:org

Toolvault finds the server's authorization server, and you sign in there in the browser. Only \
Toolvault gets the tokens, renews them, and adds them to your agents' calls to this server. \
The key needs the scope manage.")]
pub(crate) struct ConnectOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Ask for this scope instead of those that the server asks for
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Only print the address. Open it in a browser on this machine
    #[arg(long)]
    no_browser: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ConnectOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (name, printer) = (&options.name, context.printer);
    let api = Api::connect(&options.connection, context).await?;
    let loopback = Loopback::bind()
        .await
        .map_err(|error| cannot_listen(&error))?;
    let begun = api
        .begin_connection(name, loopback.port, &options.scopes)
        .await?;
    let state = state_in(&begun.url)?;
    tell(options, &begun, context);
    let waiting = loopback.brought(callback_with(state), text(DONE));
    let answer: Wiped<String> = match timeout(PATIENCE, waiting).await {
        Ok(answer) => answer.map_err(|error| cannot_listen(&error))?,
        Err(_elapsed) => {
            return Err(Failure::refused("no answer came within 10 minutes")
                .hint("the browser must be on this machine; else sign in on the dashboard's page Gateway")
                .into());
        }
    };
    let connection = api.complete_connection(name, &begun.flow, &answer).await?;
    if options.json {
        return printer.json(&connection);
    }
    let scopes = match connection.scopes.as_slice() {
        [] => String::new(),
        scopes => format!(" with {}", scopes.join(" ")),
    };
    Ok(printer.line(&format!("Signed in at {name}{scopes}."))?)
}

/// What the answer must repeat: any program of this machine may send one.
fn state_in(url: &str) -> Result<String, Failure> {
    let parsed = Url::parse(url).ok();
    let parsed = parsed.filter(|url| ["http", "https"].contains(&url.scheme()));
    let query = parsed.as_ref().and_then(Url::query).unwrap_or_default();
    let state = query.split('&').find(|pair| pair.starts_with("state="));
    state
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed("the server sent no address of a sign-in page"))
}

fn tell(options: &ConnectOptions, begun: &Begun, context: &Context<'_>) {
    let printer = context.printer;
    let (name, host) = (&options.name, &begun.issuer_host);
    printer.error_line(&format!("Sign in for the server {name} at {host}."));
    if !begun.scopes.is_empty() {
        printer.error_line(&format!("It asks for: {}", begun.scopes.join(" ")));
    }
    let is_open = !options.no_browser && browser::open(&begun.url);
    let act = if is_open {
        "It opens in your browser, else open"
    } else {
        "Open in a browser of this machine"
    };
    printer.error_line(&format!("{act}: {}", begun.url));
}

fn cannot_listen(error: &std::io::Error) -> Failure {
    let why = with_causes(error);
    Failure::failed(format!("cannot listen on this machine: {why}"))
        .hint("sign in on the dashboard's page Gateway")
}
