//! `toolvault secret set`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::show::print;
use crate::api::Api;
use crate::api::secrets::{is_long, patch, put_value};
use crate::context::Context;
use crate::value;

#[derive(Args)]
pub(crate) struct SetOptions {
    /// Name or id of the secret
    name: String,
    /// Read the new value from this file, or from standard input if it is -. Without it, and with nothing
    /// else to change, the value is asked for or, where there is no terminal, read from standard input. One
    /// line break at the end is left out
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// New name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// New tool; * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// New argument of the tool
    #[arg(long, value_name = "ARGUMENT")]
    arg: Option<String>,
    /// Apply it by itself when the argument was not received
    #[arg(long, conflicts_with = "no_default")]
    default: bool,
    /// Do not apply it by itself
    #[arg(long)]
    no_default: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What changes; what is none stays.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_arg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_default_for_tool: Option<bool>,
}

impl Change<'_> {
    const fn is_empty(&self) -> bool {
        self.secret_name.is_none()
            && self.secret_value.is_none()
            && self.tool_name.is_none()
            && self.tool_arg.is_none()
            && self.is_default_for_tool.is_none()
    }
}

pub(super) async fn run(options: &SetOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(context)?;
    let mut secret = api.find_secret(&options.name).await?;
    let mut change = Change {
        secret_name: options.new_name.as_deref(),
        secret_value: None,
        tool_name: options.tool.as_deref(),
        tool_arg: options.arg.as_deref(),
        is_default_for_tool: (options.default || options.no_default).then_some(options.default),
    };
    let value = if options.value_file.is_some() || change.is_empty() {
        Some(value::read(options.value_file.as_deref())?)
    } else {
        None
    };
    match value.as_deref() {
        // The value first: a wider binding must not apply the old one.
        Some(value) if is_long(value) => secret = put_value(&api, &secret, value).await?,
        value => change.secret_value = value.map(String::as_str),
    }
    if !change.is_empty() {
        secret = patch(&api, &secret, &change).await?;
    }
    print(&secret, options.json, context.printer)
}
