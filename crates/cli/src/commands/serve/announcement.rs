//! Announces the server's address and the next steps.

use std::net::SocketAddr;

use crate::printer::Printer;

/// The URL of the API on this machine.
pub(super) fn url(address: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// Announces the address in the log and, on a terminal, with the next three steps.
pub(super) fn announce(url: &str, printer: &Printer) -> std::io::Result<()> {
    tracing::info!(url, "listening");
    if !printer.is_terminal() {
        return Ok(());
    }
    printer.text(&format!(
        "Toolvault listens on {url} (Ctrl-C ends it).

Next, in another terminal:
  1. Store a credential for all tools of a kind (it asks for the value):
       export TOOLVAULT_URL={url} TOOLVAULT_API_KEY=<your key>
       toolvault secret create linear-prod --tool 'agno__linear__*' --arg api_token --default
  2. See what a tool would get:
       toolvault explain agno__linear__get_issue_details
  3. Have it applied: POST {url}/v1/tools/<tool>/resolve, described at {url}/docs
"
    ))
}
