//! `toolvault mcp stdio`: for clients that start a program where others ask a URL.
//!
//! Each line of standard input is a message and goes to the gateway as a request of its own; what comes back is a
//! line of standard output each. Nothing is translated between the eras of the protocol. [`bridge`] does it.

mod bridge;
mod input;
mod mirrored;
mod session;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::io::BufReader;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use toolvault_gateway::ServerName;

use self::bridge::Bridge;
use self::input::{Line, next_line};
use super::file::parse_name;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::mcp::Endpoint;
use crate::printer::Printer;

/// For how long answers are waited for when nothing more can be asked.
const GRACE: Duration = Duration::from_millis(1_500);

#[derive(Args)]
pub(crate) struct StdioOptions {
    /// Name of the server; without it, all servers together
    #[arg(value_parser = parse_name)]
    name: Option<ServerName>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &StdioOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let server = options.name.as_ref().map(ServerName::as_str);
    let endpoint = Endpoint::connect(&options.connection, context, server).await?;
    let (output, lines) = mpsc::unbounded_channel();
    let writer = tokio::task::spawn_blocking(move || write(lines));
    let bridge = Arc::new(Bridge::new(endpoint, output.clone()));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut input = BufReader::new(tokio::io::stdin());
    loop {
        let line = tokio::select! {
            line = next_line(&mut input) => line?,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            // The client has stopped reading.
            () = output.closed() => break,
        };
        match line {
            Line::Text(text) => bridge.take(text).await,
            Line::TooLong => bridge.refuse_too_long(),
            Line::End => break,
        }
    }
    bridge.finish(GRACE).await;
    drop((bridge, output));
    Ok(writer.await??)
}

/// Writes messages until there are no more, or the client has stopped reading.
fn write(mut lines: mpsc::UnboundedReceiver<Vec<u8>>) -> std::io::Result<()> {
    let printer = Printer::new();
    while let Some(line) = lines.blocking_recv() {
        printer.protocol_line(&line)?;
    }
    Ok(())
}
