//! `toolvault secret import`: takes the secrets of a file over.
//!
//! [`mod@format`] reads the file, [`bindings`] proposes where each secret goes, [`plan`] decides what becomes of it.
//! Values are never printed.

mod bindings;
mod dotenv;
mod exports;
mod format;
mod plan;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::bindings::Places;
use self::format::Format;
use self::plan::{Action, Planned};
use super::show::yes_or_no;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::secrets::{Change, Filter, New, store};
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Printer, Table};

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
#[command(after_help = "\
Examples:
  toolvault secret import .env
  toolvault secret import .env --yes
  infisical export --format=json | toolvault secret import -
  doppler secrets download --no-file --format json | toolvault secret import -
  vault kv get -format=json secret/app | toolvault secret import -
  op item get GitHub --format json | toolvault secret import -

It prints what it would do, then asks. Without a terminal it changes nothing: read the plan, then add --yes. A secret \
that a server of the configuration names, or whose name joins those of a server and one of its credential arguments \
(ISSUES_API_TOKEN), is bound to that server's tools, unless another secret is the default there. In a .env, JSON or YAML \
file, what looks like a setting is left out.")]
pub(crate) struct ImportOptions {
    /// File with secrets: dotenv, JSON, YAML, or an export of Infisical, Doppler, Vault or 1Password; - is standard
    /// input
    file: PathBuf,
    /// How the file is written [default: from its name, else its content]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Put this before each name, also before one that the configuration names
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,
    /// Give secrets that exist the value in the file, instead of leaving them
    #[arg(long)]
    replace: bool,
    /// Also import what looks like a setting
    #[arg(long)]
    all: bool,
    /// Bind nothing
    #[arg(long)]
    no_bind: bool,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Print JSON; without --yes, only the plan
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ImportOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let printer = context.printer;
    let entries = format::read(&options.file, options.format)?;
    if entries.is_empty() {
        let file = options.file.display();
        return Err(Failure::refused(format!("there is no secret in {file}")).into());
    }
    let places = if options.no_bind {
        Places::default()
    } else {
        Places::configured(context)?
    };
    let api = Api::connect(&options.connection, context).await?;
    let stored = api.list_secrets(Filter::default()).await?;
    let planned = plan::plan(entries, &places, &stored, options);
    if !options.yes {
        show(&planned, false, &api, options, printer)?;
        if options.json || !is_confirmed(&planned, &api, printer)? {
            return Ok(());
        }
    }
    let mut done = 0;
    for secret in &planned {
        let result = carry_out(&api, secret).await;
        result.map_err(|failure| {
            let name = &secret.name;
            let message = format!("{name}: {failure} ({done} were stored before it)");
            failure
                .reworded(message)
                .hint("correct it and import again; what is stored already is left then")
        })?;
        done += usize::from(secret.action.is_change());
    }
    if options.yes {
        show(&planned, true, &api, options, printer)?;
    }
    if !options.json {
        let left = planned.len() - done;
        printer.line(&format!("Stored {done}, left {left}."))?;
        if done > 0 && options.file.as_os_str() != "-" {
            let file = options.file.display();
            printer.line(&format!(
                "The values are still in {file}: delete it when nothing reads it."
            ))?;
        }
    }
    Ok(())
}

/// Asks whether to store the secrets. Without a terminal, the plan was all.
fn is_confirmed(planned: &[Planned<'_>], api: &Api<'_>, printer: &Printer) -> anyhow::Result<bool> {
    if !planned.iter().any(|secret| secret.action.is_change()) {
        printer.line("There is nothing to store.")?;
        return Ok(false);
    }
    if !std::io::stdin().is_terminal() {
        printer.line("Nothing was stored. To do this, run the same command with --yes.")?;
        return Ok(false);
    }
    let question = format!("Send the values to {}?", api.server());
    confirm(&question, false, printer)?;
    Ok(true)
}

async fn carry_out(api: &Api<'_>, secret: &Planned<'_>) -> Result<(), Failure> {
    api.warn_about(&secret.name);
    match &secret.action {
        Action::Leave(_) => {}
        Action::Replace(existing) => {
            let change = Change::default();
            api.change_secret((*existing).clone(), change, Some(&secret.value))
                .await?;
        }
        Action::Store | Action::StoreUnbound => {
            let binding = secret.binding.as_ref();
            let new = New {
                name: &secret.name,
                tool: binding.map(|binding| binding.tool.as_str()),
                argument: binding.map(|binding| binding.argument.as_str()),
                is_default: binding.is_some_and(|binding| binding.is_default),
            };
            store(api, &new, &secret.value).await?;
        }
    }
    Ok(())
}

/// Prints the plan, without values.
fn show(
    planned: &[Planned<'_>],
    is_done: bool,
    api: &Api<'_>,
    options: &ImportOptions,
    printer: &Printer,
) -> anyhow::Result<()> {
    if options.json {
        let secrets: Vec<_> = planned
            .iter()
            .map(|secret| {
                let binding = secret.binding.as_ref();
                json!({
                    "entry": secret.entry,
                    "secret_name": secret.name,
                    "tool_name": binding.map(|binding| &binding.tool),
                    "tool_arg": binding.map(|binding| &binding.argument),
                    "is_default_for_tool": binding.is_some_and(|binding| binding.is_default),
                    "action": secret.action.name(),
                    "reason": secret.action.reason(),
                })
            })
            .collect();
        return printer.json(&json!({"done": is_done, "server": api.server(), "secrets": secrets}));
    }
    printer.line(&api.destination())?;
    let mut table = Table::new(&["ENTRY", "NAME", "TOOL", "ARGUMENT", "DEFAULT", "ACTION"]);
    for secret in planned {
        let (tool, argument, is_default) = match &secret.binding {
            Some(binding) => (&*binding.tool, &*binding.argument, binding.is_default),
            None => ("", "", false),
        };
        let action = match secret.action.reason() {
            Some(reason) => format!("{}: {reason}", secret.action.name()),
            None => secret.action.name().to_owned(),
        };
        let is_default = yes_or_no(is_default);
        table.row([
            &secret.entry,
            &secret.name,
            tool,
            argument,
            is_default,
            &action,
        ]);
    }
    Ok(printer.table(&table)?)
}
