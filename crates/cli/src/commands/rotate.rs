//! `toolvault rotate`: replaces keys of the store, also while its servers run.

mod root_key;
mod user_keys;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::ExitStatus;

#[derive(Subcommand)]
pub(crate) enum RotateCommand {
    /// Wrap the store's keyring with another root key
    RootKey(root_key::RootKeyOptions),
    /// Give each user a new key, and wrap all data keys with it
    UserKeys(user_keys::UserKeysOptions),
}

pub(crate) async fn run(
    command: RotateCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        RotateCommand::RootKey(options) => root_key::run(options, context).await,
        RotateCommand::UserKeys(options) => user_keys::run(options, context).await,
    }
}
