//! `toolvault ready`: whether the server answers and its database works, for health checks.

use bytes::Bytes;
use clap::Args;
use toolvault_gateway::http::{HeaderMap, Method};

use crate::api::connection::{self, ConnectionOptions, Server};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};

#[derive(Args)]
pub(crate) struct ReadyOptions {
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(crate) async fn run(
    options: ReadyOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let server = Server::of(&options.connection, &context.environment)?;
    let policy = server.policy();
    let mut url = server.url(&policy)?;
    url.set_query(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("readyz");
    }
    let client = connection::client(policy)?;
    let answer = client
        .send(Method::GET, url.as_str(), HeaderMap::new(), Bytes::new())
        .await
        .map_err(|error| connection::no_answer(&url, &error))?;
    if !answer.status.is_success() {
        return Err(Failure::failed("the server is not ready")
            .hint("its log and toolvault doctor say why")
            .into());
    }
    context.printer.line("ready")?;
    Ok(ExitStatus::Success)
}
