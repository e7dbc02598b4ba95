//! `toolvault run`: starts a command with secrets in its environment.
//!
//! [`variables`] reads what to set, [`masking`] replaces values in what the command prints.

mod masking;
mod variables;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use self::masking::Masked;
use self::variables::{Filled, Variables};
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::environment;
use crate::failure::{ExitStatus, Failure, with_causes};

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault run --env GITHUB_TOKEN=secret://github -- gh repo list
  toolvault run --env-file .env.toolvault -- npm start

Without --tool, the command receives only what --env and --env-file name. A reference is resolved for the tool \
`run__<program>`, such as run__gh, with the variable's name as argument.

The exit status is the command's, or 128 and the number of the signal that ended it; 127 if there is no such command, \
126 if it cannot be started, 125 if Toolvault itself refuses or fails.")]
pub(crate) struct RunOptions {
    /// Set a variable to the secret that a reference names. Can be repeated
    #[arg(long = "env", value_name = "NAME=REFERENCE")]
    variables: Vec<String>,
    /// File with a line NAME=REFERENCE or NAME=TEXT for each variable
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Resolve for this tool, and set each of its defaults as a variable with the argument's name
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Set only this one of the variables that the other options name; may be repeated, or a list with commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Pass on only PATH, HOME and similar variables of this environment
    #[arg(long)]
    pristine: bool,
    /// Replace values in the command's output, even on a terminal
    #[arg(long)]
    mask: bool,
    /// Do not replace values in the command's output [default: replace them unless it is a terminal]
    #[arg(long, conflicts_with = "mask")]
    no_mask: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// As with `env` (POSIX) and `docker run`, so that it cannot be taken for the command's own.
pub(crate) const OWN_FAILURE: ExitStatus = ExitStatus::OfCommand(125);

pub(crate) async fn run(options: RunOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let outcome = start(options, context).await;
    outcome.map_err(|error| match error.downcast::<Failure>() {
        Ok(failure) if matches!(failure.status, ExitStatus::OfCommand(_)) => failure.into(),
        Ok(failure) => failure.with_status(OWN_FAILURE).into(),
        Err(error) => Failure::failed(with_causes(error.as_ref()))
            .with_status(OWN_FAILURE)
            .into(),
    })
}

async fn start(options: RunOptions, context: &Context<'_>) -> anyhow::Result<ExitStatus> {
    let (program, arguments) = options
        .command
        .split_first()
        .ok_or_else(|| Failure::refused("no command is given"))?;
    let mut variables = Variables::read(&options.variables, options.env_file.as_deref())?;
    variables.keep_only(&options.only);
    let filled = if options.tool.is_none() && variables.references.is_empty() {
        Filled::plain(variables)
    } else {
        let api = Api::connect(&options.connection, context).await?;
        variables
            .fill(&api, options.tool.as_deref(), &own_tool(program))
            .await?
    };
    if let Some(tool) = options.tool.as_ref().filter(|_| filled.values.is_empty()) {
        context.printer.error_line(&format!(
            "note: the command gets no secret, because none is a default for '{tool}'; see toolvault explain"
        ));
    }
    let mut only = options.only.iter();
    if let Some(name) = only.find(|name| !filled.values.contains_key(*name)) {
        let why = format!("--only: there is no value for {name}");
        return Err(Failure::refused(why)
            .hint("name it in --env or --env-file, or bind a default of the --tool to it")
            .into());
    }
    let mut command = Command::new(program);
    command.args(arguments);
    if options.pristine {
        let kept = context.environment.handed_on().iter();
        command.env_clear().envs(kept.cloned());
    }
    for name in environment::own_names() {
        command.env_remove(name);
    }
    for (name, value) in &filled.values {
        command.env(name, value.as_str());
    }
    let is_masked = |is_terminal: bool| options.mask || !options.no_mask && !is_terminal;
    let masked = Masked {
        output: is_masked(io::stdout().is_terminal()),
        errors: is_masked(io::stderr().is_terminal()),
    };
    if (masked.output || masked.errors) && !filled.confidential.is_empty() {
        return masking::run(command, masked, &filled, context.printer).await;
    }
    Err(not_started(program, &command.exec()).into())
}

/// The tool for which the references of a command are resolved.
fn own_tool(program: &OsString) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    format!("run__{}", name.to_string_lossy())
}

fn not_started(program: &OsStr, error: &io::Error) -> Failure {
    let status = if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    };
    let program = program.to_string_lossy();
    Failure::refused(format!("cannot run {program}: {error}"))
        .with_status(ExitStatus::OfCommand(status))
}
