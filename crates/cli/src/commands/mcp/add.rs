//! `toolvault mcp add`.

use std::path::Path;

use clap::Args;
use serde_json::json;
use toolvault_gateway::ServerName;
use toolvault_gateway::settings::Template;

use super::file::{FileOptions, HOW_IT_TAKES_EFFECT, absolute_program, parse_name};
use crate::config::{ConfigurationFile, ServerTable};
use crate::context::Context;
use crate::credential;
use crate::failure::Failure;

#[derive(Args)]
#[command(override_usage = "toolvault mcp add [OPTIONS] <NAME> <URL>\n       \
    toolvault mcp add [OPTIONS] <NAME> -- <COMMAND>...")]
pub(crate) struct AddOptions {
    /// Name of the server: a-z, 0-9 and '-'
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// URL of a server that speaks Streamable HTTP
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    url: Option<String>,
    /// Program, and its arguments, that speaks MCP over its standard input and output
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// Header for each request, as in `Authorization: Bearer {{ secret://linear-prod }}`; may be
    /// repeated
    #[arg(long = "header", value_name = "NAME: TEXT", value_parser = parse_header, conflicts_with = "command")]
    headers: Vec<(String, String)>,
    /// Variable of the program's environment, as in `API_TOKEN=secret://files-token`; may be repeated
    #[arg(long = "env", value_name = "NAME=TEXT", value_parser = parse_variable, conflicts_with = "url")]
    variables: Vec<(String, String)>,
    /// Argument that is hidden from the model even if no secret fills it; may be repeated
    #[arg(long = "credential-argument", value_name = "ARGUMENT")]
    credential_arguments: Vec<String>,
    /// Allow a private or loopback address
    #[arg(long, conflicts_with = "command")]
    allow_private_network: bool,
    /// Replace a server of this name
    #[arg(long)]
    replace: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileOptions,
}

pub(super) fn run(options: &AddOptions, context: &Context<'_>) -> anyhow::Result<()> {
    options.refuse_literals()?;
    let mut file = ConfigurationFile::open(options.file.config.as_deref(), &context.environment)?;
    let (name, path) = (&options.name, file.path().display().to_string());
    if file.has_server(name) && !options.replace {
        let message = format!("there is a server '{name}' in {path}");
        return Err(Failure::refused(message).hint("add --replace").into());
    }
    let directory = directory_of(&options.command)?;
    let mut command = options.command.clone();
    if let Some(directory) = &directory {
        absolute_program(&mut command, Path::new(directory));
    }
    let server = ServerTable {
        url: options.url.clone(),
        headers: options.headers.clone(),
        allow_private_network: options.allow_private_network,
        command,
        env: options.variables.clone(),
        directory,
        credential_arguments: options.credential_arguments.clone(),
    };
    file.set_server(name, &server)?;
    file.save()?;
    if options.json {
        return context
            .printer
            .json(&json!({"name": name.as_str(), "file": path, "server": server}));
    }
    context.printer.line(&format!("Wrote to {path}:"))?;
    context.printer.text(&server.text(name))?;
    context.printer.line(HOW_IT_TAKES_EFFECT)?;
    let next = format!("Then test it with: toolvault mcp test {name}");
    Ok(context.printer.line(&next)?)
}

/// Where a program starts whose command names a file from here; by itself it would start in an empty place.
fn directory_of(command: &[String]) -> std::io::Result<Option<String>> {
    let is_here = |word: &String| {
        let path = Path::new(word);
        path.is_relative() && path.exists()
    };
    if !command.iter().any(is_here) {
        return Ok(None);
    }
    let here = std::env::current_dir()?;
    Ok(Some(here.to_string_lossy().into_owned()))
}

impl AddOptions {
    /// Refuses what looks like a credential, and says how to store it.
    fn refuse_literals(&self) -> Result<(), Failure> {
        for (name, text) in &self.headers {
            if is_literal(text) && credential::in_header(name, text) {
                return Err(self.literal(&format!("headers.{name}"), &format!("the header {name}")));
            }
        }
        for (name, text) in &self.variables {
            if is_literal(text) && credential::in_variable(name, text) {
                return Err(self.literal(&format!("env.{name}"), &format!("the variable {name}")));
            }
        }
        if let Some(url) = &self.url
            && credential::in_url(url)
        {
            return Err(self.literal("url", "the URL"));
        }
        let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        if let Some(place) = credential::in_arguments(&words).next() {
            let message = format!("word {} of the command looks like a credential", place + 1);
            return Err(Failure::refused(message).hint(
                "other users can see the arguments of a program; if it takes the credential from its environment, give it with --env NAME=secret://…",
            ));
        }
        Ok(())
    }

    fn literal(&self, argument: &str, place: &str) -> Failure {
        let server = &self.name;
        Failure::refused(format!(
            "{place} seems to hold a credential; a configuration file must not hold one"
        ))
        .hint(format!(
            "store it (you are asked for the value): toolvault secret create {server}-key --tool '{}*' --arg {argument}; then write secret://{server}-key, or inside other text {{{{ secret://{server}-key }}}}",
            server.prefix()
        ))
    }
}

/// Whether a text is not a template with a reference; what is no template at all is told later.
fn is_literal(text: &str) -> bool {
    Template::parse(text).is_ok_and(|template| template.references().next().is_none())
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() && !value.trim().is_empty() => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        _ => Err("a name, a colon and a text".to_owned()),
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a name, '=' and a text".to_owned()),
    }
}
