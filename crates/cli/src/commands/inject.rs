//! `toolvault inject`: fills a template with secrets and writes it to a file.
//!
//! It writes to files only: what a command prints is kept by terminals, by CI and by the harnesses of agents.

mod template;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use toolvault_core::confidential::Wiped;

use self::template::Template;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::resolve::{Wanted, resolve};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};
use crate::new_file::NewFile;

/// The longest template, in bytes.
const LONGEST_TEMPLATE: usize = 1 << 20;
/// The largest file, in bytes.
const LARGEST_FILE: usize = 16 << 20;

#[derive(Args)]
#[command(after_help = "\
Example:
  $ cat app.yaml.template
  token: \"{{ secret://github }}\"
  $ toolvault inject -i app.yaml.template -o app.yaml

Values are inserted as they are, without quotes or escapes. All other text is copied, even other braces. A reference is \
resolved for the tool `inject__<output file>`, such as inject__app.yaml, with the secret's name or ID as argument. \
If one reference fails, nothing is written. To give values to a program without a file, use: toolvault run")]
pub(crate) struct InjectOptions {
    /// Template with references as `{{ secret://name }}`; - is standard input
    #[arg(short, long, value_name = "TEMPLATE")]
    input: PathBuf,
    /// File to write, which only its owner can read; an existing one is replaced atomically
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Resolve for this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(crate) async fn run(
    options: &InjectOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let path = &options.output;
    // Before values are asked for: each use is recorded.
    let mut file = begin(path)?;
    let text = read(&options.input)?;
    let template = Template::parse(&text).map_err(|(line, why)| {
        let from = options.input.display();
        Failure::refused(format!("{from}:{line}: {why}"))
            .hint("a reference is written {{ secret://name }}")
    })?;
    let values = if template.references().is_empty() {
        BTreeMap::new()
    } else {
        values(options, &template, context).await?
    };
    let filled = template.fill(&values, LARGEST_FILE).ok_or_else(|| {
        Failure::refused(format!(
            "the file would have more than {LARGEST_FILE} bytes"
        ))
    })?;
    file.write(&filled)
        .and_then(|()| file.finish())
        .map_err(|error| cannot_write(path, &error))?;
    let count = values.len();
    if options.json {
        let names: Vec<&String> = values.keys().collect();
        context
            .printer
            .json(&json!({"file": path.to_string_lossy(), "secrets": names}))?;
    } else {
        let plural = if count == 1 { "" } else { "s" };
        let line = format!("Wrote {} with {count} secret{plural}.", path.display());
        context.printer.line(&line)?;
    }
    Ok(ExitStatus::Success)
}

/// Begins the file. A link is refused: whoever can make one would choose which file is replaced.
fn begin(path: &Path) -> Result<NewFile, Failure> {
    if path == Path::new("-") {
        return Err(
            Failure::refused("values are written to a file only, not to standard output")
                .hint("to give values to a program without a file, use: toolvault run"),
        );
    }
    if path.is_symlink() {
        let why = format!("{} is a symbolic link", path.display());
        return Err(Failure::refused(why).hint("name the file that is to be replaced"));
    }
    NewFile::begin(path, true).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidInput
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem => Failure::refused(message),
        _ => Failure::failed(message),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let from = path.display();
    let refused =
        |why: &dyn std::fmt::Display| Failure::refused(format!("cannot read {from}: {why}"));
    let input: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(|error| refused(&error))?)
    };
    let mut text = String::new();
    input
        .take(LONGEST_TEMPLATE as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused(&error))?;
    if text.len() > LONGEST_TEMPLATE {
        return Err(refused(&"a template has at most 1 MiB"));
    }
    Ok(text)
}

/// The value of each reference.
async fn values(
    options: &InjectOptions,
    template: &Template<'_>,
    context: &Context<'_>,
) -> Result<BTreeMap<String, Wiped<String>>, Failure> {
    let api = Api::connect(&options.connection, context).await?;
    let references = template.references();
    let wanted = Wanted {
        bindings: references,
        accepts: Some(references.keys().map(String::as_str).collect()),
    };
    let own_tool = own_tool(&options.output);
    let tool = options.tool.as_deref().unwrap_or(&own_tool);
    let completed = resolve(&api, tool, &wanted).await?;
    let mut values = BTreeMap::new();
    for (argument, value) in completed.args {
        let Value::String(text) = value else {
            let why =
                format!("the secret for {argument} fills a member of an argument, not a whole one");
            return Err(Failure::refused(why));
        };
        values.insert(argument, Wiped::new(text));
    }
    if !values.keys().eq(references.keys()) {
        return Err(Failure::failed(
            "the answer has other values than were asked for",
        ));
    }
    Ok(values)
}

/// The tool for which the references of a file are resolved.
fn own_tool(output: &Path) -> String {
    let name = output.file_name().unwrap_or_default();
    format!("inject__{}", name.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_the_callers_mistake() {
        let status = |kind: ErrorKind| cannot_write(Path::new("out"), &kind.into()).status;
        assert_eq!(status(ErrorKind::StorageFull), ExitStatus::Failed);
        assert_eq!(status(ErrorKind::QuotaExceeded), ExitStatus::Failed);
        assert_eq!(status(ErrorKind::NotFound), ExitStatus::Refused);
    }
}
