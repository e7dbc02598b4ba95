//! `toolvault mcp disconnect`.

use clap::Args;
use serde_json::json;
use toolvault_gateway::ServerName;

use super::file::parse_name;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct DisconnectOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &DisconnectOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (name, printer) = (&options.name, context.printer);
    let api = Api::connect(&options.connection, context).await?;
    let deleted = api.delete_connection(name).await;
    let revoked = deleted.map_err(|failure: Failure| {
        if failure.is_not_found {
            Failure::refused(format!("you are not signed in at '{name}'"))
        } else {
            failure
        }
    })?;
    if options.json {
        return printer.json(&json!({ "server": name.as_str(), "revoked": revoked }));
    }
    printer.line(&format!("Signed out at {name}."))?;
    if !revoked {
        printer.error_line(
            "warning: the authorization server did not revoke the tokens; end the access there, too",
        );
    }
    Ok(())
}
