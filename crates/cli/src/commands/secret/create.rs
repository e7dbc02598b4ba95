//! `toolvault secret create`.

use std::path::PathBuf;

use clap::Args;

use super::show::print;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::{Change, Filter, New, store};
use crate::context::Context;
use crate::value;

#[derive(Args)]
pub(crate) struct CreateOptions {
    /// Name of the secret
    name: String,
    /// Tool that gets the secret; * matches any characters
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// Argument of the tool that gets the secret
    #[arg(long, value_name = "ARGUMENT")]
    arg: Option<String>,
    /// Fill the argument when a call omits it
    #[arg(long)]
    default: bool,
    /// If a secret has this name, change it instead of storing another one
    #[arg(long)]
    or_replace: bool,
    /// Read the value from this file, or from standard input if it is - [default: ask on a terminal, else read
    /// standard input]. A single line loses its line break
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &CreateOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let named = api.list_secrets(Filter::named(&options.name)).await?;
    if options.or_replace && named.len() > 1 {
        // Fails with the IDs if several have the name.
        api.find_secret(&options.name).await?;
    }
    let value = value::read(options.value_file.as_deref(), context.printer)?;
    let secret = match named.first() {
        Some(existing) if options.or_replace => {
            let change = Change {
                tool_name: options.tool.as_deref(),
                tool_arg: options.arg.as_deref(),
                is_default_for_tool: options.default.then_some(true),
                ..Change::default()
            };
            let existing = existing.clone();
            api.change_secret(existing, change, Some(&value)).await?
        }
        _ => {
            let new = New {
                name: &options.name,
                tool: options.tool.as_deref(),
                argument: options.arg.as_deref(),
                is_default: options.default,
            };
            store(&api, &new, &value).await?
        }
    };
    print(&secret, options.json, context.printer)?;
    // The API has already warned about the shared name.
    if !named.is_empty() && !options.or_replace {
        context.printer.error_line(
            "hint: --or-replace changes the secret that has the name; toolvault secret delete ID removes one of them",
        );
    }
    Ok(())
}
