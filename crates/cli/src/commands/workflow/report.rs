//! What a check found, for people and for machines. No value is in it.

use std::collections::BTreeMap;

use serde::Serialize;
use toolvault_core::pattern::{ToolName, ToolPattern};

use super::catalogue::{self, Service};
use super::wanted::{Argument, Given, ModelKey, Wanted};
use crate::api::explain::Explained;
use crate::printer::{Printer, Table};

/// All of it.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    workflow: Option<&'a str>,
    pub(super) would_succeed: bool,
    pub(super) tools: Vec<Checked>,
    patterns: Vec<Reach>,
    pub(super) literals: Vec<Literal>,
}

/// One tool of one agent.
#[derive(Serialize)]
pub(super) struct Checked {
    agent: String,
    tool: String,
    line: usize,
    /// The service whose tool it is, if that is known.
    pub(super) service: Option<&'static str>,
    would_succeed: bool,
    pub(super) problem: Option<String>,
    pub(super) arguments: Vec<Got>,
}

/// What one argument gets.
#[derive(Serialize)]
pub(super) struct Got {
    pub(super) arg: String,
    is_required: bool,
    /// `literal`, `default`, `binding`, `none`, or what is wrong as `explain` says it.
    outcome: String,
    reference: Option<String>,
    secret_id: Option<String>,
    secret_name: Option<String>,
    pattern: Option<String>,
    is_tied: bool,
    problem: Option<String>,
    /// Where the tool itself may look for what it does not get.
    environment: Vec<&'static str>,
}

/// What a secret's pattern reaches, if it is more than a name.
#[derive(Serialize)]
struct Reach {
    secret_id: String,
    secret_name: String,
    pattern: String,
    arg: String,
    /// The workflow's tools that it matches.
    tools: Vec<String>,
    /// Other services with tools that it matches, and with an argument of that name.
    also_reaches: Vec<&'static str>,
}

/// A literal in the file that looks like a credential, or should be none.
#[derive(Serialize)]
pub(super) struct Literal {
    agent: String,
    tool: Option<String>,
    arg: String,
    line: usize,
    /// It is the reference to one, in a place where iointel follows none.
    is_reference: bool,
    advice: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(workflow: Option<&'a str>) -> Self {
        Self {
            workflow,
            would_succeed: true,
            tools: Vec::new(),
            patterns: Vec::new(),
            literals: Vec::new(),
        }
    }

    /// Draws the conclusions from what was added.
    pub(super) fn finish(&mut self) {
        for tool in &mut self.tools {
            tool.would_succeed =
                tool.problem.is_none() && tool.arguments.iter().all(|got| got.problem.is_none());
            self.would_succeed &= tool.would_succeed;
        }
        self.patterns = reaches(&self.tools);
    }

    /// Prints it for people.
    pub(super) fn show(&self, printer: &Printer) -> std::io::Result<()> {
        if self.tools.is_empty() {
            return printer.line("It has no tools.");
        }
        let mut table = Table::new(&["AGENT", "TOOL", "ARGUMENT", "FROM"]);
        let mut previous = None;
        for tool in &self.tools {
            let mut agent = if previous == Some(&tool.agent) {
                " "
            } else {
                &tool.agent
            };
            previous = Some(&tool.agent);
            let mut name = tool.tool.as_str();
            if tool.arguments.is_empty() {
                let from = if tool.problem.is_some() {
                    "REFUSED"
                } else {
                    "needs no secret"
                };
                table.row([agent, name, "", from]);
            }
            for got in &tool.arguments {
                table.row([agent, name, &got.label(), &got.from()]);
                (agent, name) = (" ", " ");
            }
        }
        printer.table(&table)?;
        if self
            .tools
            .iter()
            .flat_map(|tool| &tool.arguments)
            .any(|got| got.is_required)
        {
            printer.line("* is required")?;
        }
        for reach in &self.patterns {
            printer.line(&reach.describe())?;
        }
        for literal in &self.literals {
            printer.error_line(&format!("warning: {}", literal.describe()));
        }
        for tool in &self.tools {
            tool.show_problems(printer);
        }
        Ok(())
    }
}

impl Checked {
    pub(super) fn new(wanted: &Wanted) -> Self {
        Self {
            agent: wanted.agent.clone(),
            tool: wanted.tool.clone(),
            line: wanted.line,
            service: None,
            would_succeed: false,
            problem: wanted.problem.clone(),
            arguments: Vec::new(),
        }
    }

    fn show_problems(&self, printer: &Printer) {
        let of_arguments = self.arguments.iter().filter_map(|got| got.problem.as_ref());
        for problem in self.problem.iter().chain(of_arguments) {
            let line = self.line;
            let whose = if self.tool.is_empty() {
                &self.agent
            } else {
                &self.tool
            };
            printer.error_line(&format!("error: line {line}: {whose}: {problem}"));
        }
    }
}

impl Got {
    /// An argument that the file gives.
    pub(super) fn given(argument: &Argument, is_required: bool, found: Option<Explained>) -> Self {
        let mut got = Self::found(&argument.name, is_required, found);
        match &argument.given {
            Given::Reference(reference) => got.reference = Some(reference.to_string()),
            Given::Literal { .. } => "literal".clone_into(&mut got.outcome),
            Given::Wrong(problem) => {
                "wrong".clone_into(&mut got.outcome);
                got.problem = Some(format!("{}: {problem}", argument.name));
            }
        }
        got.judge(None);
        got
    }

    /// An argument that it does not give; `service` is the pattern and, if it is known, whose tool it is.
    pub(super) fn not_given(
        name: &str,
        is_required: bool,
        found: Option<Explained>,
        (pattern, service): (&str, Option<&'static Service>),
    ) -> Self {
        let mut got = Self::found(name, is_required, found);
        if got.outcome == "none" {
            got.environment = service
                .map(|service| service.environment(name))
                .unwrap_or_default();
        }
        got.judge(Some(&create(name, service, pattern)));
        got
    }

    fn found(name: &str, is_required: bool, found: Option<Explained>) -> Self {
        let outcome = found
            .as_ref()
            .map_or("none", |found| &found.outcome)
            .to_owned();
        let is_tied = found
            .as_ref()
            .is_some_and(|found| found.tied && outcome == "default");
        let winner = found.and_then(|found| found.candidates.into_iter().find(|one| one.wins));
        let (secret_id, secret_name, pattern) = winner.map_or((None, None, None), |winner| {
            (
                Some(winner.secret_id),
                Some(winner.secret_name),
                winner.pattern,
            )
        });
        Self {
            arg: name.to_owned(),
            is_required,
            outcome,
            reference: None,
            secret_id,
            secret_name,
            pattern,
            is_tied,
            problem: None,
            environment: Vec::new(),
        }
    }

    /// Says what is wrong, and what to do about it; `create` is the command that stores what is missing.
    fn judge(&mut self, create: Option<&str>) {
        let (arg, secret) = (&self.arg, self.secret_name.as_deref().unwrap_or_default());
        let reference = self.reference.as_deref();
        let problem = match self.outcome.as_str() {
            "secret_missing" => format!(
                "needs {arg}, and no secret serves it; store one: {}",
                create.unwrap_or("toolvault secret create")
            ),
            "secret_expired" => format!(
                "the secret {secret} for {arg} has expired; give it a new value and a later end: toolvault secret set {secret}"
            ),
            "secret_ambiguous" => format!(
                "{arg}: several secrets that it may have are called so; name one by its id: secret:///id/…"
            ),
            "secret_not_available" => match reference {
                Some(reference) => format!(
                    "{arg}: {reference} leads to no secret that this tool and argument may have"
                ),
                None => {
                    format!("{arg}: the policy of its secret does not allow the other arguments")
                }
            },
            _ => return,
        };
        self.problem = Some(problem);
    }

    fn label(&self) -> String {
        format!("{}{}", self.arg, if self.is_required { "*" } else { "" })
    }

    fn from(&self) -> String {
        let secret = self.secret_name.as_deref().unwrap_or_default();
        let reference = self.reference.as_deref().unwrap_or_default();
        match self.outcome.as_str() {
            "literal" => "what the file says".to_owned(),
            "default" if self.is_tied => {
                format!("default {secret}, decided only by which changed last")
            }
            "default" => format!("default {secret}"),
            "binding" => reference.to_owned(),
            "none" if self.environment.is_empty() => "nothing".to_owned(),
            "none" => format!(
                "nothing, or from its environment: {}",
                self.environment.join(", ")
            ),
            "secret_expired" => format!("EXPIRED {}", self.reference.as_deref().unwrap_or(secret)),
            "secret_ambiguous" => format!("AMBIGUOUS {reference}"),
            "secret_missing" => "MISSING".to_owned(),
            _ => format!("REFUSED {reference}"),
        }
    }
}

impl Reach {
    fn describe(&self) -> String {
        let (secret, pattern) = (&self.secret_name, &self.pattern);
        let tools = match self.tools.as_slice() {
            [one] => one.clone(),
            several => format!("{} tools of this workflow", several.len()),
        };
        if self.also_reaches.is_empty() {
            return format!("{secret}, for {pattern}, reaches {tools}.");
        }
        let others = self.also_reaches.join(", ");
        format!("{secret}, for {pattern}, reaches {tools}, and would reach tools of {others}.")
    }
}

impl Literal {
    pub(super) fn key_of_model(key: ModelKey) -> Self {
        Self {
            agent: key.agent,
            tool: None,
            arg: "api_key".to_owned(),
            line: key.line,
            is_reference: key.is_reference,
            advice: "give the model's key in the variable IO_API_KEY".to_owned(),
        }
    }

    pub(super) fn of_tool(
        wanted: &Wanted,
        argument: &Argument,
        service: Option<&Service>,
        pattern: &str,
    ) -> Self {
        Self {
            agent: wanted.agent.clone(),
            tool: Some(wanted.tool.clone()),
            arg: argument.name.clone(),
            line: argument.line,
            is_reference: false,
            advice: format!("store it: {}", create(&argument.name, service, pattern)),
        }
    }

    fn describe(&self) -> String {
        let (line, arg, advice) = (self.line, &self.arg, &self.advice);
        let whose = self.tool.as_deref().unwrap_or(&self.agent);
        let what = if self.is_reference {
            "is a reference where iointel follows none"
        } else {
            "looks like a credential in clear text"
        };
        format!("line {line}: {arg} of {whose} {what}; {advice}")
    }
}

/// The command that stores a default for an argument.
fn create(argument: &str, service: Option<&Service>, pattern: &str) -> String {
    let name = service.map_or_else(
        || "NAME".to_owned(),
        |service| format!("{}-{argument}", service.name.to_ascii_lowercase()),
    );
    format!("toolvault secret create {name} --tool '{pattern}' --arg {argument} --default")
}

/// What each pattern reaches whose secret a tool gets.
fn reaches(tools: &[Checked]) -> Vec<Reach> {
    let mut found: BTreeMap<(&str, &str), Reach> = BTreeMap::new();
    for got in tools.iter().flat_map(|tool| &tool.arguments) {
        let (Some(id), Some(name), Some(text)) = (&got.secret_id, &got.secret_name, &got.pattern)
        else {
            continue;
        };
        let pattern = ToolPattern::parse(text)
            .ok()
            .filter(|pattern| !pattern.is_exact());
        let Some(pattern) = pattern else {
            continue;
        };
        found.entry((id, &got.arg)).or_insert_with(|| Reach {
            secret_id: id.clone(),
            secret_name: name.clone(),
            pattern: text.clone(),
            arg: got.arg.clone(),
            tools: matched(tools, &pattern),
            also_reaches: others(tools, &pattern, &got.arg),
        });
    }
    let mut reaches: Vec<Reach> = found.into_values().collect();
    reaches.sort_by(|one, other| one.secret_name.cmp(&other.secret_name));
    reaches
}

fn matched(tools: &[Checked], pattern: &ToolPattern) -> Vec<String> {
    let is_matched =
        |name: &&String| ToolName::parse(name).is_ok_and(|name| pattern.matches(&name));
    let mut names: Vec<String> = tools
        .iter()
        .map(|tool| &tool.tool)
        .filter(is_matched)
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn others(tools: &[Checked], pattern: &ToolPattern, argument: &str) -> Vec<&'static str> {
    let reached = catalogue::services()
        .iter()
        .filter(|service| service.is_reached(pattern, argument));
    let is_here = |name: &str| {
        tools.iter().any(|tool| {
            let is_matched = ToolName::parse(&tool.tool).is_ok_and(|name| pattern.matches(&name));
            is_matched && tool.service == Some(name)
        })
    };
    reached
        .map(|service| service.name.as_str())
        .filter(|name| !is_here(name))
        .collect()
}
