//! `toolvault secret create`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy as _;
use toolvault_gateway::http::Method;
use toolvault_vault::{SecretInfo, SystemEntropy};

use super::{is_long, patch, put_value};
use crate::api::{Api, Body};
use crate::commands::Context;
use crate::value;

#[derive(Args)]
pub(crate) struct CreateOptions {
    /// Name of the secret
    name: String,
    /// Tool it is for; * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// Argument of the tool that it is for
    #[arg(long, value_name = "ARGUMENT")]
    arg: Option<String>,
    /// Apply it by itself when the argument was not received
    #[arg(long)]
    default: bool,
    /// Read the value from this file, or from standard input if it is -. Without it the value is asked for
    /// or, where there is no terminal, read from standard input. One line break at the end is left out
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct NewSecret<'a> {
    secret_name: &'a str,
    secret_value: &'a str,
    tool_name: Option<&'a str>,
    tool_arg: Option<&'a str>,
    is_default_for_tool: bool,
}

/// A secret to store, but for its value.
pub(in crate::commands) struct New<'a> {
    pub(in crate::commands) name: &'a str,
    pub(in crate::commands) tool: Option<&'a str>,
    pub(in crate::commands) argument: Option<&'a str>,
    pub(in crate::commands) is_default: bool,
}

pub(super) async fn run(options: &CreateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(context)?;
    let value = value::read(options.value_file.as_deref())?;
    let new = New {
        name: &options.name,
        tool: options.tool.as_deref(),
        argument: options.arg.as_deref(),
        is_default: options.default,
    };
    let secret = store(&api, &new, &value).await?;
    super::print(&secret, options.json, context.printer)
}

/// Stores a secret with a value of any length.
pub(in crate::commands) async fn store(
    api: &Api<'_>,
    new: &New<'_>,
    value: &str,
) -> anyhow::Result<SecretInfo> {
    if is_long(value) {
        create_long(api, new, value).await
    } else {
        create(api, new, value, new.is_default).await
    }
}

async fn create(
    api: &Api<'_>,
    new: &New<'_>,
    value: &str,
    is_default: bool,
) -> anyhow::Result<SecretInfo> {
    let new = NewSecret {
        secret_name: new.name,
        secret_value: value,
        tool_name: new.tool,
        tool_arg: new.argument,
        is_default_for_tool: is_default,
    };
    let body = Body::Json(serde_json::to_vec(&new)?);
    let url = api.url(&["secrets", ""]);
    Ok(api.fetch(Method::POST, &url, body).await?)
}

/// A value that is too long to be created with: first a random one that nothing is applied by itself
/// with, then the value, then the flag.
async fn create_long(api: &Api<'_>, new: &New<'_>, value: &str) -> anyhow::Result<SecretInfo> {
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random)?;
    let secret = create(api, new, &hexadecimal(&random), false).await?;
    let completed = async {
        let secret = put_value(api, &secret, value).await?;
        if new.is_default {
            return patch(api, &secret, &json!({"is_default_for_tool": true})).await;
        }
        anyhow::Ok(secret)
    };
    match completed.await {
        Ok(secret) => Ok(secret),
        Err(error) => {
            let url = api.secret_url(&secret);
            // If this fails too, the error that led here tells more.
            let _ = api.send(Method::DELETE, &url, Body::Nothing).await;
            Err(error)
        }
    }
}
