//! `toolvault secret`: secrets, through the API.

mod create;
mod delete;
mod list;
mod policy;
mod set;
mod show;
mod status;

use clap::Subcommand;
use toolvault_gateway::http::Method;
use toolvault_vault::SecretInfo;

pub(super) use self::create::{New, store};
use super::Context;
use crate::api::{Api, Body};
use crate::failure::{ExitStatus, Failure};
use crate::printer::{Printer, Table};

/// The longest value that the original operations take, in characters (contract, section 2).
const LONGEST_INLINE_VALUE: usize = 1_024;

#[derive(Subcommand)]
#[command(
    after_help = "The API is at TOOLVAULT_URL [default: http://127.0.0.1:8710]; \
    the key is in TOOLVAULT_API_KEY or in the file that TOOLVAULT_API_KEY_FILE names."
)]
pub(crate) enum SecretCommand {
    /// List all secrets, without their values
    List(list::ListOptions),
    /// Store a secret
    Create(create::CreateOptions),
    /// Change a secret: its value, unless only other things are given
    Set(set::SetOptions),
    /// Show a secret, without its value
    Show(show::ShowOptions),
    /// Show or set the conditions of a secret's use
    Policy(policy::PolicyOptions),
    /// Delete a secret for good
    Delete(delete::DeleteOptions),
}

pub(crate) async fn run(
    command: SecretCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        SecretCommand::List(options) => list::run(&options, context).await?,
        SecretCommand::Create(options) => create::run(&options, context).await?,
        SecretCommand::Set(options) => set::run(&options, context).await?,
        SecretCommand::Show(options) => show::run(&options, context).await?,
        SecretCommand::Policy(options) => policy::run(&options, context).await?,
        SecretCommand::Delete(options) => delete::run(&options, context).await?,
    }
    Ok(ExitStatus::Success)
}

pub(super) fn is_long(value: &str) -> bool {
    value.chars().count() > LONGEST_INLINE_VALUE
}

/// Replaces a value of any length.
pub(super) async fn put_value(
    api: &Api<'_>,
    secret: &SecretInfo,
    value: &str,
) -> Result<SecretInfo, Failure> {
    let mut url = api.secret_url(secret);
    if let Ok(mut path) = url.path_segments_mut() {
        path.push("value");
    }
    let body = Body::Octets(value.as_bytes().to_vec());
    api.fetch(Method::PUT, &url, body).await
}

/// Changes what the fields of `change` name.
pub(super) async fn patch(
    api: &Api<'_>,
    secret: &SecretInfo,
    change: &impl serde::Serialize,
) -> anyhow::Result<SecretInfo> {
    let body = Body::Json(serde_json::to_vec(change)?);
    let url = api.secret_url(secret);
    Ok(api.fetch(Method::PATCH, &url, body).await?)
}

/// Everything about one secret but its value.
fn print(secret: &SecretInfo, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(secret);
    }
    let mut table = Table::plain();
    table.row(["name", &secret.secret_name]);
    table.row(["id", &secret.secret_id.to_string()]);
    table.row(["tool", secret.tool_name.as_deref().unwrap_or_default()]);
    table.row(["argument", secret.tool_arg.as_deref().unwrap_or_default()]);
    table.row(["default", yes_or_no(secret.is_default_for_tool)]);
    table.row(["value", secret.display.as_deref().unwrap_or_default()]);
    table.row(["created", &secret.created_at.to_string()]);
    table.row(["updated", &secret.updated_at.to_string()]);
    Ok(printer.table(&table)?)
}

const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
