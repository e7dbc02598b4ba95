//! `toolvault open`: a link that opens the dashboard, signed in.

use clap::Args;
use toolvault_vault::DatabaseLocation;

use crate::api::Api;
use crate::browser;
use crate::config::{self, Configuration, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};

#[derive(Args)]
pub(crate) struct OpenOptions {
    /// Name or ID of the user to sign in as
    #[arg(long, value_name = "NAME", default_value = "default")]
    user: String,
    /// Also open the link in the browser. Until the browser has used the link, any program on this machine that lists
    /// processes can read it and use it first
    #[arg(long)]
    browser: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(options: OpenOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let store = ServeOptions::from(options.store);
    let configuration = config::load(&store, &context.environment, context.printer)?;
    let api = Api::open(&configuration, context.printer).await?;
    let link = link(&api, &options.user, &configuration).await;
    api.close().await;
    let link = link?;
    context.printer.line(&link)?;
    if options.browser && !browser::open(&link) {
        context
            .printer
            .error_line("No browser could be started. Open the link in one within a minute.");
    }
    Ok(ExitStatus::Success)
}

/// The link, with its token behind the `#`: browsers send that part to no server.
async fn link(api: &Api<'_>, user: &str, configuration: &Configuration) -> Result<String, Failure> {
    let is_shared = matches!(configuration.vault.database, DatabaseLocation::Postgres(_));
    if api.served_directory().is_none() && !is_shared {
        return Err(Failure::refused("no server uses this store")
            .hint("start one with: toolvault serve, or name another store with --data-dir"));
    }
    let user = api.find_user(user).await?;
    let link = api.sign_in_link(user.user_id).await?;
    // Without the answer of a server, the server is where the configuration says.
    if link.base_url.is_none() && !configuration.server.dashboard.enabled {
        return Err(Failure::refused(
            "there is no dashboard: dashboard.enabled is false",
        ));
    }
    let base = link.base_url.or_else(|| configuration.server.base_url());
    let base = base.ok_or_else(|| {
        Failure::refused("the address of the server is not known").hint("set listen to its port")
    })?;
    Ok(format!("{base}/#/sign-in/{}", link.token))
}
