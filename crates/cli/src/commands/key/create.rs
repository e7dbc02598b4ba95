//! `toolvault key create`.

use clap::Args;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::SECOND;
use toolvault_server::control::{KeyRequest, LocalCommand};
use toolvault_vault::{Clock as _, SystemClock};

use crate::config::StoreOptions;
use crate::context::Context;
use crate::duration;
use crate::failure::Failure;
use crate::store;

#[derive(Args)]
pub(crate) struct CreateOptions {
    /// Name or id of the user whose key it is
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What the key may do: manage, use, resolve, audit or admin; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// Limit the key to tools of this pattern, in which * stands for any characters; may be repeated
    #[arg(long = "tool", value_name = "PATTERN")]
    tools: Vec<String>,
    /// End the key after this span: a number and s, m, h, d or w
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    expires: Option<i64>,
    /// Let the key act for any user that a request names; needs --expires
    #[arg(long, requires = "expires")]
    any_user: bool,
    /// What to call the key
    #[arg(long, default_value = "cli")]
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(crate) async fn run(options: CreateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    if options.expires == Some(0) {
        return Err(Failure::refused("a key that expires at once is of no use").into());
    }
    let now = SystemClock.now();
    let command = LocalCommand::CreateKey(KeyRequest {
        user: options.user,
        name: options.name,
        scopes: options.scopes.into_iter().collect(),
        tools: options.tools,
        expires_at: options.expires.map(|seconds| now.plus(seconds * SECOND)),
        any_user: options.any_user,
    });
    let answer = store::run(options.store, context, command).await?;
    super::show_issued(answer, options.json, context.printer)
}
