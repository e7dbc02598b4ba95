//! `toolvault mcp import`: the servers of a client, taken over with the keys that stand in its file.
//!
//! [`document`] is the file, [`plan`] says what becomes of each server, [`work`] does it: first the secrets, then the
//! configuration, then the keys of the client, and last the file, so that nothing is lost where it stops.

mod document;
mod git;
mod plan;
mod rewrite;
mod store;
mod work;

use std::path::PathBuf;

use clap::Args;
use toolvault_vault::SecretInfo;

use self::document::{Document, Entry};
use self::plan::{Left, Plan, SecretValue};
use self::work::Work;
use super::FileOptions;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::config::ConfigurationFile;
use crate::confirm::confirm;
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::mcp::Endpoint;
use crate::printer::Printer;

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct ImportOptions {
    /// Client's configuration file, such as `mcp.json`, `.mcp.json`, `.cursor/mcp.json`,
    /// `claude_desktop_config.json` or `~/.claude.json`
    file: PathBuf,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Let the client read its key from the variable `TOOLVAULT_API_KEY` instead of writing one to the file
    #[arg(long)]
    key_env: bool,
    /// For a client without HTTP: let it start `toolvault mcp stdio`
    #[arg(long)]
    stdio: bool,
    /// Keep a copy of the original file, with the keys in it
    #[arg(long)]
    keep_plaintext: bool,
    #[command(flatten)]
    configuration: FileOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// A server that is taken over.
struct Taken<'a> {
    entry: Entry<'a>,
    plan: Plan,
}

/// What is to be done, and what is not.
#[derive(Default)]
struct Sorted<'a> {
    taken: Vec<Taken<'a>>,
    /// Names, and why each stays as it is.
    left: Vec<(String, String)>,
    done: usize,
}

pub(super) async fn run(
    options: &ImportOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let printer = context.printer;
    let document = Document::read(&options.file)?;
    let api = Api::connect(&options.connection, context)?;
    let gateway = Endpoint::connect(&options.connection, context, None)?
        .url()
        .to_string();
    let path = options.configuration.config.as_deref();
    let mut configuration = ConfigurationFile::open(path, &context.environment)?;

    let mut sorted = sort(&document, &gateway)?;
    if !options.key_env && !sorted.taken.is_empty() {
        store::require_key_maker(&api).await?;
    }
    let stored = api.list_secrets(None).await?;
    leave_what_is_not_stored(&mut sorted, &stored)?;
    configure(&mut sorted, &mut configuration)?;
    let is_tracked = git::tracks(document.path());
    describe(&sorted, &configuration, options, printer)?;
    if sorted.taken.is_empty() {
        printer.line("Nothing is changed.")?;
        return Ok(status(&sorted));
    }
    confirm("Do this?", options.yes, printer)?;
    let mut work = Work {
        api: &api,
        gateway: &gateway,
        document: &document,
        configuration: &configuration,
        options,
        done: Vec::new(),
    };
    work.run(&sorted.taken, &stored, context).await?;
    if is_tracked {
        printer.error_line("warning: git has the file, so every key that stood in it is in its history: replace them where they were issued, and store the new ones with toolvault secret set");
    }
    printer.line(super::HOW_IT_TAKES_EFFECT)?;
    Ok(status(&sorted))
}

/// A server that stays as it is may still hold a key.
fn status(sorted: &Sorted<'_>) -> ExitStatus {
    if sorted.left.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    }
}

/// Plans each server. Two that would have one name must be the same.
fn sort<'a>(document: &'a Document, gateway: &str) -> Result<Sorted<'a>, Failure> {
    let mut sorted = Sorted::default();
    let entries = document.entries();
    if entries.is_empty() {
        let path = document.path().display();
        return Err(Failure::refused(format!("{path} names no MCP server")));
    }
    for entry in entries {
        match plan::plan(&entry, gateway) {
            Ok(plan) => {
                let same = |other: &&Taken<'_>| other.plan.name == plan.name;
                if let Some(other) = sorted.taken.iter().find(same)
                    && (other.plan.table != plan.table || other.plan.secrets != plan.secrets)
                {
                    let (first, second) = (&other.entry.name, &entry.name);
                    let message = format!(
                        "'{first}' and '{second}' would both be the server '{}', and are not the same",
                        plan.name
                    );
                    return Err(Failure::refused(message).hint("give one of them another name"));
                }
                sorted.taken.push(Taken { entry, plan });
            }
            Err(Left::Done) => sorted.done += 1,
            Err(Left::Reason(reason)) => sorted.left.push((entry.name, reason)),
        }
    }
    Ok(sorted)
}

/// A credential that only the client has cannot be stored by us.
fn leave_what_is_not_stored(sorted: &mut Sorted<'_>, stored: &[SecretInfo]) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for taken in std::mem::take(&mut sorted.taken) {
        let mut reason = None;
        for secret in &taken.plan.secrets {
            let found = store::find(&taken.plan, secret, stored)?;
            if let (SecretValue::Variable(variable), None) = (&secret.value, found) {
                reason = Some(format!(
                    "its client takes a credential from the variable {variable}; store it first: toolvault secret create '{}' --tool '{}' --arg '{}'",
                    secret.name,
                    store::pattern(&taken.plan.name),
                    secret.argument
                ));
            }
        }
        match reason {
            Some(reason) => sorted.left.push((taken.entry.name, reason)),
            None => kept.push(taken),
        }
    }
    sorted.taken = kept;
    Ok(())
}

/// Puts the servers into the configuration, which is not written yet.
fn configure(
    sorted: &mut Sorted<'_>,
    configuration: &mut ConfigurationFile,
) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for taken in std::mem::take(&mut sorted.taken) {
        let (name, table) = (&taken.plan.name, &taken.plan.table);
        match configuration.server(name) {
            Some(there) if there == *table => {}
            Some(_) => {
                let path = configuration.path().display();
                let message = format!("there is another server '{name}' in {path}");
                return Err(Failure::refused(message)
                    .hint("rename the server in the client's file, or: toolvault mcp remove"));
            }
            None => {
                if let Err(failure) = configuration.set_server(name, table) {
                    configuration.remove_server(name);
                    sorted.left.push((taken.entry.name, failure.to_string()));
                    continue;
                }
            }
        }
        kept.push(taken);
    }
    sorted.taken = kept;
    Ok(())
}

/// Shows the change before it is made. No value is in it.
fn describe(
    sorted: &Sorted<'_>,
    configuration: &ConfigurationFile,
    options: &ImportOptions,
    printer: &Printer,
) -> std::io::Result<()> {
    let file = options.file.display();
    for taken in &sorted.taken {
        let (theirs, plan) = (&taken.entry.name, &taken.plan);
        let tools = store::pattern(&plan.name);
        printer.line(&format!("{theirs} becomes the server {}:", plan.name))?;
        for secret in &plan.secrets {
            let what = match secret.value {
                SecretValue::Literal(_) => "stores",
                SecretValue::Variable(_) => "uses",
            };
            printer.line(&format!(
                "  {what} the secret {} for {tools}, {}",
                secret.name, secret.argument
            ))?;
        }
        let key = if options.key_env {
            "the key in its variable TOOLVAULT_API_KEY".to_owned()
        } else {
            format!("a new key that may use {tools} only")
        };
        printer.line(&format!("  {file} leads to the gateway, with {key}"))?;
    }
    if !sorted.taken.is_empty() {
        let path = configuration.path().display();
        printer.line(&format!("Servers are written to {path}."))?;
    }
    if sorted.done > 0 {
        let done = sorted.done;
        printer.line(&format!(
            "{done} of the servers in {file} lead to the gateway already."
        ))?;
    }
    for (name, reason) in &sorted.left {
        printer.error_line(&format!("warning: {name} stays as it is: {reason}"));
    }
    Ok(())
}
