//! What a workflow's file wants: agents, their tools, and what each of these is constructed with.

use serde_json::Value;
use toolvault_core::reference::Reference;

use super::document::Node;
use crate::credential;

const SCHEME: &str = "secret://";

/// One tool of one agent.
pub(super) struct Wanted {
    pub(super) agent: String,
    pub(super) line: usize,
    pub(super) tool: String,
    pub(super) arguments: Vec<Argument>,
    /// Why it cannot be read as a tool.
    pub(super) problem: Option<String>,
}

/// An argument that the file gives.
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) given: Given,
}

/// What it gives.
pub(super) enum Given {
    Reference(Reference),
    /// `value` is what conditions may look at: for what seems to be a credential, only that there is one.
    Literal {
        value: Value,
        is_credential: bool,
        is_text: bool,
    },
    /// Something that is not what it seems to be.
    Wrong(String),
}

/// The key of an agent's model, where it stands in the file.
pub(super) struct ModelKey {
    pub(super) agent: String,
    pub(super) line: usize,
    pub(super) is_reference: bool,
}

/// The tools of a workflow, in the order of the file, and the keys of its models.
pub(super) fn read(workflow: &Node) -> (Vec<Wanted>, Vec<ModelKey>) {
    let mut tools = Vec::new();
    let mut keys = Vec::new();
    let tasks = workflow
        .get("tasks")
        .and_then(Node::list)
        .unwrap_or_default();
    let in_tasks = tasks.iter().flat_map(|task| {
        let name = task.get("name").or_else(|| task.get("task_id"));
        let name = name.and_then(Node::text).unwrap_or("without a name");
        agents(task).map(move |agent| (format!("{}, in the task {name}", name_of(agent)), agent))
    });
    let own = agents(workflow).map(|agent| (name_of(agent), agent));
    for (name, agent) in own.chain(in_tasks) {
        for tool in agent.get("tools").and_then(Node::list).unwrap_or_default() {
            tools.push(one(&name, tool));
        }
        if let Some(key) = agent.get("api_key")
            && let Some(text) = key.text()
        {
            keys.push(ModelKey {
                agent: name,
                line: key.line,
                is_reference: text.starts_with(SCHEME),
            });
        }
    }
    (tools, keys)
}

fn agents(part: &Node) -> impl Iterator<Item = &Node> {
    let agents = part.get("agents");
    let agents = agents.and_then(|agents| agents.list().or_else(|| agents.get("members")?.list()));
    agents.unwrap_or_default().iter()
}

fn name_of(agent: &Node) -> String {
    let name = agent.get("name").and_then(Node::text);
    name.unwrap_or("without a name").to_owned()
}

fn one(agent: &str, node: &Node) -> Wanted {
    let mut wanted = Wanted {
        agent: agent.to_owned(),
        line: node.line,
        tool: String::new(),
        arguments: Vec::new(),
        problem: None,
    };
    if let Some(name) = node.text() {
        name.clone_into(&mut wanted.tool);
    } else if let Some([name, arguments]) = node.list()
        && let Some(name) = name.text()
        && (arguments.is_table() || arguments.is_null())
    {
        name.clone_into(&mut wanted.tool);
        wanted.arguments = arguments_of(arguments);
    } else if let Some(name) = node.get("name").and_then(Node::text) {
        name.clone_into(&mut wanted.tool);
        match dumped(node) {
            Ok(arguments) => wanted.arguments = arguments,
            Err(problem) => wanted.problem = Some(problem),
        }
    } else {
        wanted.problem = Some("a tool is a name, or a pair of name and arguments".to_owned());
    }
    wanted
}

/// The arguments in what `Workflow.to_yaml` writes of a tool: `fn_self` is a class, JSON, and a number.
fn dumped(tool: &Node) -> Result<Vec<Argument>, String> {
    let Some(state) = tool.get("fn_self").filter(|state| !state.is_null()) else {
        return Ok(Vec::new());
    };
    let parts = state.list().unwrap_or_default();
    let text = parts.get(1).and_then(Node::text).unwrap_or_default();
    // JSON is YAML.
    let arguments = Node::parse(text).ok().filter(Node::is_table);
    let mut arguments = arguments
        .as_ref()
        .map(arguments_of)
        .ok_or_else(|| "its state is none that iointel writes".to_owned())?;
    for argument in &mut arguments {
        argument.line = state.line;
    }
    Ok(arguments)
}

fn arguments_of(table: &Node) -> Vec<Argument> {
    let given = table.members().filter(|(_, value)| !value.is_null());
    let read = given.map(|(name, value)| Argument {
        name: name.to_owned(),
        line: value.line,
        given: given_by(name, value),
    });
    read.collect()
}

fn given_by(name: &str, value: &Node) -> Given {
    match value.text() {
        Some(text) if text.starts_with(SCHEME) => match Reference::parse(text) {
            Ok(reference) => Given::Reference(reference),
            Err(error) => Given::Wrong(error.to_string()),
        },
        Some(text) if text.contains(SCHEME) => Given::Wrong(
            "a reference is the whole of an argument, and this one has text around it".to_owned(),
        ),
        text => {
            if value.any_text(&|text| text.starts_with(SCHEME)) {
                return Given::Wrong(
                    "a reference is the whole of an argument, not a part of one".to_owned(),
                );
            }
            let is_credential = text.is_some_and(|text| credential::in_variable(name, text));
            Given::Literal {
                value: if is_credential {
                    true.into()
                } else {
                    value.value()
                },
                is_credential,
                is_text: text.is_some_and(|text| text.chars().count() >= credential::SHORTEST),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each tool in a line: agent, tool, and what it is given.
    fn lines(text: &str) -> Vec<String> {
        let workflow = Node::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let (tools, keys) = read(&workflow);
        let tools = tools.iter().map(|wanted| {
            let arguments = wanted
                .arguments
                .iter()
                .map(|argument| match &argument.given {
                    Given::Reference(reference) => format!("{}<-{reference}", argument.name),
                    Given::Literal { value, .. } => format!("{}={value}", argument.name),
                    Given::Wrong(problem) => format!("{}: {problem}", argument.name),
                });
            let rest: Vec<String> = wanted.problem.iter().cloned().chain(arguments).collect();
            format!(
                "{} {} {}: {}",
                wanted.line,
                wanted.agent,
                wanted.tool,
                rest.join(", ")
            )
        });
        let keys = keys
            .iter()
            .map(|key| format!("{} {} has a key", key.line, key.agent));
        tools.chain(keys).collect()
    }

    #[test]
    fn tools_are_read_in_every_form() {
        let text = r#"
agents:
  - name: one
    api_key: sk-0123456789abcdef
    tools:
      - plain
      - [pair, {a: secret://x, b: "text", c: ~, token: lin_api_0123456789, d: Bearer secret://x, e: [secret://x]}]
      - {name: stored, body: "def f", fn_self: null}
      - name: dumped
        fn_self: ["toolvault.iointel.m:C", '{"a": "secret:///id/0", "n": 1}', 7]
      - {name: broken, fn_self: ["m:C", "no", 7]}
      - [no, pair, at all]
tasks:
  - task_id: t
    agents: {members: [{name: two, tools: [inner]}]}
"#;
        insta::assert_snapshot!(lines(text).join("\n"), @r#"
        6 one plain: 
        7 one pair: a<-secret://x, b="text", token=true, d: a reference is the whole of an argument, and this one has text around it, e: a reference is the whole of an argument, not a part of one
        8 one stored: 
        9 one dumped: a: a reference by id is 'secret:///id/<secret_id>', n=1
        11 one broken: its state is none that iointel writes
        12 one : a tool is a name, or a pair of name and arguments
        15 two, in the task t inner: 
        4 one has a key
        "#);
    }
}
