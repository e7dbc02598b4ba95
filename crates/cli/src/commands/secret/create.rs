//! `toolvault secret create`.

use std::path::PathBuf;

use clap::Args;

use super::show::print;
use crate::api::Api;
use crate::api::secrets::{New, store};
use crate::context::Context;
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
    print(&secret, options.json, context.printer)
}
