//! The tasks that a caller began at a server. Another caller who guesses the ID of one does not reach it.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Object, Tree, Value};
use toolvault_vault::{Caller, TaskAt, Vault};

use crate::mcp::protocol::Message;
use crate::mcp::refusal::Refusal;

/// The ID of a task that does not exist.
pub(crate) const UNKNOWN_TASK: &str = "toolvault-unknown-task";
/// How many tasks of one caller at one server are remembered; the oldest are forgotten.
const MOST: usize = 4_096;

/// The longest ID that is remembered, in bytes: a server chooses the IDs.
const LONGEST_ID: usize = 1 << 10;

/// The tasks of one caller at one server, each with the tool that began it.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<Known>);

#[derive(Default)]
struct Known {
    tools: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Tasks {
    /// Notes the task that a call of a tool began, if its result says so, and returns its ID.
    pub(crate) fn note(&self, tool: &str, result: Object<'_>) -> Option<String> {
        let id = id_in(result).filter(|id| id.len() <= LONGEST_ID)?;
        self.insert(id.clone(), tool.to_owned());
        Some(id)
    }

    /// Takes over a task that the caller began before this process knew them, or through another one.
    pub(crate) async fn look_up(&self, vault: &Vault, caller: &Caller, server: &str, id: &str) {
        if id.len() > LONGEST_ID || self.tool(id).is_some() {
            return;
        }
        match vault.find_task(caller, TaskAt { server, id }).await {
            Ok(Some(tool)) => self.insert(id.to_owned(), tool),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a task was not looked up"
                );
            }
        }
    }

    fn insert(&self, id: String, tool: String) {
        let mut known = self.0.lock();
        if known.tools.insert(id.clone(), tool).is_some() {
            return;
        }
        known.order.push_back(id);
        if known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.tools.remove(&oldest);
        }
    }

    /// The tool that began a task.
    pub(crate) fn tool(&self, id: &str) -> Option<String> {
        self.0.lock().tools.get(id).cloned()
    }

    fn knows(&self, value: Value<'_>) -> bool {
        let id = value.as_object().and_then(id_in);
        id.is_some_and(|id| self.tool(&id).is_some())
    }

    /// Leaves only the caller's own in a list of tasks.
    pub(crate) fn keep_own(&self, result: Object<'_>, tree: &mut Tree<'_>) {
        let Some(listed) = result.get("tasks").and_then(Value::as_array) else {
            return;
        };
        let own = listed.elements().filter(|task| self.knows(*task));
        let own = own.map(|task| Tree::Raw(Wiped::new(task.raw().to_owned())));
        let own = Tree::Array(own.collect());
        if let Ok(Some(result)) = tree.get_mut("result") {
            let _ = result.set("tasks", own);
        }
    }
}

/// The ID of the task that a request is about, if it is about one.
pub(crate) fn asked_for(method: &str, message: &Message<'_>) -> Result<Option<String>, Refusal> {
    match method {
        "tasks/list" => Ok(None),
        _ if method.starts_with("tasks/") => message
            .text_param("taskId")
            .map(|id| Some(id.as_str().to_owned()))
            .ok_or(Refusal::InvalidParams("'taskId' is not text")),
        _ => Ok(None),
    }
}

/// The ID of a task in a result: in `task` in the earlier era, at the top level in the later.
fn id_in(result: Object<'_>) -> Option<String> {
    let task = result.get("task").and_then(Value::as_object);
    let id = task.unwrap_or(result).get("taskId")?.as_text()?.ok()?;
    Some(id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use toolvault_core::json::parse;

    use super::*;

    fn note(tasks: &Tasks, result: &str) {
        let result = parse(result.as_bytes()).unwrap().as_object().unwrap();
        tasks.note("a-tool", result);
    }

    #[test]
    fn tasks_of_both_eras_are_known() {
        let tasks = Tasks::default();
        note(&tasks, r#"{"task":{"taskId":"one"}}"#);
        note(&tasks, r#"{"resultType":"task","taskId":"two"}"#);
        note(&tasks, r#"{"content":[]}"#);
        assert_eq!(tasks.tool("one").as_deref(), Some("a-tool"));
        assert_eq!(tasks.tool("two").as_deref(), Some("a-tool"));
        assert_eq!(tasks.tool("three"), None);
    }

    #[test]
    fn a_list_holds_only_what_is_known() {
        let tasks = Tasks::default();
        note(&tasks, r#"{"taskId":"one"}"#);
        let text = r#"{"result":{"tasks":[{"taskId":"one","x":1.0},{"taskId":"two"},7]}}"#;
        let value = parse(text.as_bytes()).unwrap();
        let result = value.as_object().unwrap().get("result").unwrap();
        let mut tree = Tree::from(value);
        tasks.keep_own(result.as_object().unwrap(), &mut tree);
        let written = String::from_utf8(tree.to_json().to_vec()).unwrap();
        assert_eq!(
            written,
            r#"{"result":{"tasks":[{"taskId":"one","x":1.0}]}}"#
        );
    }

    #[test]
    fn a_server_cannot_fill_the_memory() {
        let tasks = Tasks::default();
        for (id, is_known) in [("x".repeat(1_024), true), ("x".repeat(1_025), false)] {
            note(&tasks, &format!(r#"{{"taskId":"{id}"}}"#));
            assert_eq!(tasks.tool(&id).is_some(), is_known);
        }
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let tasks = Tasks::default();
        for number in 0..=MOST {
            note(&tasks, &format!(r#"{{"taskId":"{number}"}}"#));
        }
        assert_eq!(tasks.tool("0"), None);
        assert!(tasks.tool(&MOST.to_string()).is_some());
    }
}
