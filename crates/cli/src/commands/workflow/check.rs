//! `toolvault workflow check`: which argument of which tool gets what from where.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use toolvault_core::pattern::ToolName;
use zeroize::Zeroizing;

use super::catalogue::{self, Service};
use super::document::Node;
use super::report::{Checked, Got, Literal, Report};
use super::wanted::{self, Argument, Given, Wanted};
use crate::api::Api;
use crate::api::explain::{self, Explained};
use crate::context::Context;
use crate::failure::{ExitStatus, Failure};

/// The largest file, in bytes.
const LARGEST_FILE: u64 = 4 << 20;

#[derive(Args)]
pub(crate) struct CheckOptions {
    /// Workflow of iointel in YAML, written by hand or by `Workflow.to_yaml`
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    options: &CheckOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let workflow = read(options)?;
    let api = Api::connect(context)?;
    let (tools, keys) = wanted::read(&workflow);
    let mut report = Report::new(workflow.get("name").and_then(Node::text));
    report
        .literals
        .extend(keys.into_iter().map(Literal::key_of_model));
    for tool in &tools {
        let (checked, literals) = check(&api, tool).await?;
        report.tools.push(checked);
        report.literals.extend(literals);
    }
    report.finish();
    if options.json {
        context.printer.json(&report)?;
    } else {
        report.show(context.printer)?;
    }
    Ok(if report.would_succeed {
        ExitStatus::Success
    } else {
        ExitStatus::Refused
    })
}

fn read(options: &CheckOptions) -> Result<Node, Failure> {
    let shown = options.file.display();
    let unreadable =
        |error: std::io::Error| Failure::refused(format!("cannot read {shown}: {error}"));
    if std::fs::metadata(&options.file).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(Failure::refused(format!(
            "{shown} is larger than a workflow"
        )));
    }
    let text = std::fs::read_to_string(&options.file).map(Zeroizing::new);
    let workflow = Node::parse(&text.map_err(unreadable)?)
        .map_err(|error| Failure::refused(format!("{shown} is not YAML: {error}")))?;
    if workflow.get("agents").is_none() && workflow.get("tasks").is_none() {
        return Err(Failure::refused(format!(
            "{shown} is no workflow of iointel: it has neither agents nor tasks"
        )));
    }
    Ok(workflow)
}

async fn check(api: &Api<'_>, wanted: &Wanted) -> Result<(Checked, Vec<Literal>), Failure> {
    let mut checked = Checked::new(wanted);
    let name = match ToolName::parse(&wanted.tool) {
        Ok(name) if wanted.problem.is_none() && !wanted.tool.contains('*') => name,
        Ok(_) => {
            checked
                .problem
                .get_or_insert_with(|| "the name of a tool holds no *".to_owned());
            return Ok((checked, Vec::new()));
        }
        Err(error) => {
            checked.problem.get_or_insert_with(|| error.to_string());
            return Ok((checked, Vec::new()));
        }
    };
    let known = catalogue::find(&name);
    let service = known.map(|(service, _)| service);
    checked.service = service.map(|service| service.name.as_str());
    let pattern = known.map_or(name.as_str(), |(_, pattern)| pattern.as_str());
    let literals = literals(wanted, service, pattern);
    match explain::ask_about(api, &wanted.tool, &call(wanted, service)).await {
        Ok(explanation) => {
            let explained = explanation.arguments.into_iter();
            let explained: BTreeMap<String, Explained> =
                explained.map(|one| (one.arg.clone(), one)).collect();
            checked.arguments = got(wanted, service, pattern, explained);
        }
        Err(failure) if failure.is_forbidden => checked.problem = Some(failure.to_string()),
        Err(failure) => return Err(failure),
    }
    Ok((checked, literals))
}

/// The request that explains a call with what the file gives.
fn call(wanted: &Wanted, service: Option<&'static Service>) -> Value {
    let mut args = Map::new();
    let mut bindings = Map::new();
    let is_confidential = |argument: &Argument| {
        service.is_some_and(|service| service.is_confidential(&argument.name))
    };
    for argument in &wanted.arguments {
        let (place, value) = match &argument.given {
            Given::Reference(reference) => (&mut bindings, reference.to_string().into()),
            Given::Literal { value, .. } if !is_confidential(argument) => {
                (&mut args, value.clone())
            }
            // That there is one is enough. What is wrong with it is told elsewhere.
            Given::Literal { .. } | Given::Wrong(_) => (&mut args, true.into()),
        };
        place.insert(argument.name.clone(), value);
    }
    let arguments = service.into_iter().flat_map(Service::arguments);
    let require: Vec<&str> = arguments
        .filter_map(|(name, is_required)| is_required.then_some(name))
        .collect();
    serde_json::json!({"args": args, "bindings": bindings, "require": require})
}

/// The arguments that the file gives, a secret serves, or the tool is known to want as credentials.
fn got(
    wanted: &Wanted,
    service: Option<&'static Service>,
    pattern: &str,
    mut explained: BTreeMap<String, Explained>,
) -> Vec<Got> {
    let known: Vec<(&str, bool)> = service.into_iter().flat_map(Service::arguments).collect();
    let is_required = |name: &str| known.contains(&(name, true));
    let mut all: Vec<Got> = wanted
        .arguments
        .iter()
        .map(|argument| {
            Got::given(
                argument,
                is_required(&argument.name),
                explained.remove(&argument.name),
            )
        })
        .collect();
    for (name, is_required) in &known {
        if all.iter().all(|one| one.arg != *name) {
            let found = explained.remove(*name);
            all.push(Got::not_given(
                name,
                *is_required,
                found,
                (pattern, service),
            ));
        }
    }
    all.extend(explained.into_values().map(|one| {
        let name = one.arg.clone();
        Got::not_given(&name, false, Some(one), (pattern, None))
    }));
    all
}

fn literals(wanted: &Wanted, service: Option<&'static Service>, pattern: &str) -> Vec<Literal> {
    let looks_like_one = |argument: &&Argument| match argument.given {
        Given::Literal {
            is_credential,
            is_text,
            ..
        } => {
            let is_known = service.is_some_and(|service| service.is_confidential(&argument.name));
            is_credential || (is_text && is_known)
        }
        _ => false,
    };
    let found = wanted.arguments.iter().filter(looks_like_one);
    found
        .map(|argument| Literal::of_tool(wanted, argument, service, pattern))
        .collect()
}
