//! `toolvault secret restore`.

use clap::Args;

use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Args)]
#[command(after_help = "\
Example:
  toolvault secret versions github-token
  toolvault secret restore github-token 3

The older value becomes the newest version; the versions between them are kept.")]
pub(crate) struct RestoreOptions {
    /// Name or ID of the secret
    name: String,
    /// Number of the version, as `secret versions` lists it
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    version: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &RestoreOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let restored = api.restore_version(&secret, options.version).await;
    let secret = restored.map_err(|failure| {
        if !failure.is_not_found {
            return failure;
        }
        let (name, version) = (&secret.secret_name, options.version);
        let hint = format!(
            "list them with: toolvault secret versions {}",
            secret.secret_id
        );
        Failure::refused(format!("the secret {name} has no version {version}")).hint(hint)
    })?;
    print(&secret, options.json, context.printer)
}
