//! `toolvault logout`: forgets a profile and its key.

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::profile::Profiles;

#[derive(Args)]
pub(crate) struct LogoutOptions {
    /// Name of the profile [default: the one in use]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    options: &LogoutOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut profiles = Profiles::open()?;
    let named = options.name.as_deref();
    let name = named.or(profiles.current(&context.environment));
    let name = name.ok_or_else(|| Failure::refused("there is no profile in use"))?;
    let name = name.to_owned();
    let removed = profiles.discard(&name, context).await?;
    if options.json {
        context
            .printer
            .json(&json!({"profile": name, "url": removed.url, "key_id": removed.key_id}))?;
        return Ok(ExitStatus::Success);
    }
    context
        .printer
        .line(&format!("Removed the profile {name} ({}).", removed.url))?;
    if let Some(id) = removed.key_id {
        context.printer.line(&format!(
            "Its key still works. To end it, run on the server's machine: toolvault key revoke {id}"
        ))?;
    }
    Ok(ExitStatus::Success)
}
