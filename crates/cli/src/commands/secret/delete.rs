//! `toolvault secret delete`.

use clap::Args;
use toolvault_gateway::http::Method;

use crate::api::connection::ConnectionOptions;
use crate::api::{Api, Body};
use crate::confirm::confirm_on_terminal;
use crate::context::Context;

#[derive(Args)]
pub(crate) struct DeleteOptions {
    /// Name or ID of the secret
    name: String,
    /// Do not ask on a terminal
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &DeleteOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let (name, id) = (&secret.secret_name, secret.secret_id);
    let question = format!("Delete the secret {name} ({id}) permanently?");
    confirm_on_terminal(&question, options.yes, context.printer)?;
    let url = api.secret_url(&secret);
    api.send(Method::DELETE, &url, Body::Nothing).await?;
    if options.json {
        return context.printer.json(&serde_json::json!({"secret_id": id}));
    }
    let line = format!("Deleted the secret {name} ({id}).");
    Ok(context.printer.line(&line)?)
}
