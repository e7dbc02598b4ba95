//! `toolvault secret rename`.

use clap::Args;
use toolvault_core::reference::Reference;

use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Change;
use crate::context::Context;

#[derive(Args)]
pub(crate) struct RenameOptions {
    /// Name or ID of the secret
    name: String,
    /// New name
    new_name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &RenameOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secret = api.find_secret(&options.name).await?;
    let old = Reference::Name(secret.secret_name.clone());
    let new = Reference::Name(options.new_name.clone());
    let change = Change {
        secret_name: Some(&options.new_name),
        ..Change::default()
    };
    let secret = api.change_secret(secret, change, None).await?;
    print(&secret, options.json, context.printer)?;
    if old != new {
        context.printer.error_line(&format!(
            "note: {old} no longer names it: write {new} in the configuration and in files for run and inject"
        ));
    }
    Ok(())
}
