//! `toolvault mcp connections`.

use clap::Args;
use toolvault_core::timestamp::Timestamp;

use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::printer::Table;

#[derive(Args)]
pub(crate) struct ConnectionsOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ConnectionsOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let printer = context.printer;
    let api = Api::connect(&options.connection, context).await?;
    let connections = api.list_connections().await?;
    if options.json {
        return printer.json(&connections);
    }
    if connections.is_empty() {
        return Ok(printer.line("No server behind the gateway is known to require a sign-in.")?);
    }
    let time = |time: Option<Timestamp>| {
        time.map_or_else(String::new, |time| time.whole_second().to_string())
    };
    let mut table = Table::new(&[
        "SERVER",
        "STATE",
        "ISSUER",
        "SCOPES",
        "EXPIRES",
        "LAST USED",
    ]);
    for connection in &connections {
        table.row([
            &connection.server,
            state(&connection.state),
            connection.issuer.as_deref().unwrap_or_default(),
            &connection.scopes.join(" "),
            &time(connection.expires_at),
            &time(connection.last_used_at),
        ]);
    }
    printer.table(&table)?;
    for connection in connections.iter().filter(|one| one.state != "connected") {
        let server = &connection.server;
        printer.error_line(&format!(
            "hint: sign in with: toolvault mcp connect {server}"
        ));
    }
    Ok(())
}

fn state(state: &str) -> &str {
    match state {
        "needs_sign_in" => "needs sign-in",
        "not_connected" => "not signed in",
        state => state,
    }
}
