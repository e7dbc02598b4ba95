//! `toolvault key create`.

use clap::Args;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::SECOND;
use toolvault_vault::{Clock as _, SystemClock};

use crate::api::Api;
use crate::api::keys::NewKey;
use crate::config::StoreOptions;
use crate::context::Context;
use crate::duration;

#[derive(Args)]
pub(crate) struct CreateOptions {
    /// Name or ID of the user that the key belongs to
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Scope of the key: manage, use, resolve, audit or admin; may be repeated, or a list with commas
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required = true,
        value_delimiter = ','
    )]
    scopes: Vec<Scope>,
    /// Limit the key to tools that match this pattern; * matches any characters; may be repeated
    #[arg(long = "tool", value_name = "PATTERN")]
    tools: Vec<String>,
    /// Lifetime of the key: a number and s, m, h, d or w
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    expires: Option<i64>,
    /// Let the key act for any user that a request names; needs --expires
    #[arg(long, requires = "expires")]
    any_user: bool,
    /// Name of the key
    #[arg(long, default_value = "cli")]
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(options: CreateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let issued = Api::with_store(options.store, context, async |api| {
        let user = api.find_user(&options.user).await?;
        let new = NewKey {
            name: &options.name,
            scopes: options.scopes.iter().copied().collect(),
            tools: &options.tools,
            expires_at: options.expires.map(|seconds| now.plus(seconds * SECOND)),
            any_user: options.any_user,
            user_id: Some(user.user_id),
        };
        api.create_key(&new).await
    })
    .await?;
    super::show_issued(&issued, options.json, context.printer)
}
