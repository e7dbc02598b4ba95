//! Announces the server's address and the next steps.

use std::net::SocketAddr;

use crate::context::Context;
use crate::profile;

/// The URL of the API on this machine.
pub(super) fn url(address: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// What to tell if the profile in use is of this server.
pub(super) fn signed_in(url: &str, context: &Context<'_>) -> Option<String> {
    let (name, profile) = profile::in_use(&context.environment).ok()??;
    (profile.url.trim_end_matches('/') == url)
        .then(|| format!("Commands on this machine use the profile '{name}'."))
}

/// Announces the address in the log and, on a terminal, with the next steps.
pub(super) fn announce(
    url: &str,
    signed_in: Option<String>,
    context: &Context<'_>,
) -> std::io::Result<()> {
    let printer = context.printer;
    tracing::info!(url, "listening");
    if !printer.is_terminal() {
        return Ok(());
    }
    let sign_in = signed_in
        .unwrap_or_else(|| format!("Sign in first (it asks for your key): toolvault login {url}"));
    printer.text(&format!(
        "Toolvault listens on {url} (Ctrl-C ends it).
{sign_in}

Next, in another terminal:
  1. Get a link to the dashboard, which signs you in once:
       toolvault open
  2. Store a credential for all tools of a kind, there or here (it asks for the value):
       toolvault secret create linear-prod --tool 'agno__linear__*' --arg api_token --default
  3. See what a tool would get:
       toolvault explain agno__linear__get_issue_details
  4. Have it applied: POST {url}/v1/tools/<tool>/resolve, described at {url}/docs
"
    ))
}
