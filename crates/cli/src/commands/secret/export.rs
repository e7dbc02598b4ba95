//! `toolvault secret export`: all secrets with their policies, without values.

use std::collections::HashMap;

use clap::Args;
use serde::{Deserialize, Serialize};
use toolvault_core::identity::SecretId;
use toolvault_core::policy::Policy;
use toolvault_gateway::http::Method;
use toolvault_vault::SecretInfo;

use crate::api::connection::ConnectionOptions;
use crate::api::secrets::Filter;
use crate::api::{Api, Body, List};
use crate::context::Context;

#[derive(Args)]
#[command(after_help = "\
Example:
  toolvault secret export > secrets.json

It prints JSON with names, bindings and policies, and never a value. `toolvault backup` keeps the values too.")]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// The policy of a secret that has one.
#[derive(Deserialize)]
struct WithPolicy {
    secret_id: SecretId,
    #[serde(flatten)]
    policy: Policy,
}

#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    secret: &'a SecretInfo,
    policy: Option<&'a Policy>,
}

pub(super) async fn run(options: &ExportOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let secrets = api.list_secrets(Filter::default()).await?;
    let policies: List<WithPolicy> = api
        .fetch(Method::GET, &api.url(&["policies"]), Body::Nothing)
        .await?;
    let policies: HashMap<SecretId, Policy> = policies
        .data
        .into_iter()
        .map(|one| (one.secret_id, one.policy))
        .collect();
    let exported = secrets.iter().map(|secret| Exported {
        secret,
        policy: policies.get(&secret.secret_id),
    });
    context.printer.json(&exported.collect::<Vec<_>>())
}
