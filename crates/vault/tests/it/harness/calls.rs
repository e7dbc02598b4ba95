//! Short forms for tool calls.

use std::collections::{BTreeMap, BTreeSet};

use toolvault_core::arguments::Arguments;
use toolvault_core::json;
use toolvault_core::pattern::ToolName;
use toolvault_core::reference::Reference;
use toolvault_vault::{Call, Completed, Error, Explanation, Problem};

use super::actor::Actor;

/// A call of `tool` with nothing received.
pub(crate) fn call(tool: &str) -> CallBuilder {
    CallBuilder(Call {
        tool: ToolName::parse(tool).unwrap(),
        args: Arguments::new(),
        bindings: BTreeMap::new(),
        accepts: None,
        require: BTreeSet::new(),
        types: BTreeMap::new(),
        approved: None,
    })
}

pub(crate) struct CallBuilder(Call);

impl CallBuilder {
    pub(crate) fn args(mut self, object: &str) -> Self {
        let object = json::parse_text(object).unwrap().as_object().unwrap();
        self.0.args = Arguments::from_object(object).unwrap();
        self
    }

    pub(crate) fn binding(mut self, argument: &str, reference: &str) -> Self {
        let reference = Reference::parse(reference).unwrap();
        self.0.bindings.insert(argument.to_owned(), reference);
        self
    }

    pub(crate) fn accepts(mut self, arguments: &[&str]) -> Self {
        self.0.accepts = Some(set(arguments));
        self
    }

    pub(crate) fn require(mut self, arguments: &[&str]) -> Self {
        self.0.require = set(arguments);
        self
    }

    pub(crate) fn build(self) -> Call {
        self.0
    }

    pub(crate) async fn resolve(self, actor: &Actor) -> Result<Completed, Error> {
        let mut answers = actor.vault.resolve(&actor.caller, vec![self.0]).await?;
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    pub(crate) async fn explain(self, actor: &Actor) -> Result<Explanation, Error> {
        let calls = vec![self.0];
        let mut explained = actor.vault.explain(&actor.caller, calls).await?;
        explained.pop().unwrap()
    }

    /// The problems of the call.
    pub(crate) async fn problems(self, actor: &Actor) -> Vec<Problem> {
        match self.resolve(actor).await {
            Err(Error::Unresolved(problems)) => problems,
            Err(error) => panic!("{error:?}"),
            Ok(completed) => panic!("it was completed: {}", completed.json()),
        }
    }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

pub(crate) trait Answered {
    fn json(&self) -> String;
    fn text(&self, argument: &str) -> Option<String>;
}

impl Answered for Completed {
    fn json(&self) -> String {
        let mut out = Vec::new();
        self.args.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn text(&self, argument: &str) -> Option<String> {
        self.args.get_text(argument).map(|text| text.to_string())
    }
}
