//! Short forms for the gateway's requests to the vault.

use std::collections::BTreeSet;

use toolvault_core::pattern::ToolName;
use toolvault_core::reference::Reference;
use toolvault_vault::{
    AppliedValue, CredentialStamp, Credentials, Error, Injected, Problem, Within,
};

use super::actor::Actor;
use super::calls::CallBuilder;

/// No limit on patterns.
pub(crate) const ANYWHERE: Within = Within(None);

/// Only what names the server.
pub(crate) fn behind(server: &str) -> Within {
    Within(Some(format!("{server}__")))
}

pub(crate) fn tool(name: &str) -> ToolName {
    ToolName::parse(name).unwrap()
}

fn wanted(references: &[(&str, &str)]) -> Vec<(String, Reference)> {
    references
        .iter()
        .map(|(argument, reference)| {
            let reference = Reference::parse(reference).unwrap();
            ((*argument).to_owned(), reference)
        })
        .collect()
}

impl CallBuilder {
    pub(crate) async fn inject(self, actor: &Actor, within: &Within) -> Result<Injected, Error> {
        actor
            .vault
            .inject(&actor.caller, self.build(), within)
            .await
    }
}

impl Actor {
    /// The hidden arguments of one tool.
    pub(crate) async fn hidden(&self, name: &str, within: &Within) -> BTreeSet<String> {
        let tools = [tool(name)];
        let hidden = self
            .vault
            .hidden_arguments(&self.caller, &tools, within)
            .await;
        let mut hidden = hidden.unwrap();
        assert_eq!(hidden.len(), 1);
        hidden.remove(0)
    }

    pub(crate) async fn credentials(
        &self,
        server: &str,
        references: &[(&str, &str)],
    ) -> Result<Credentials, Error> {
        let (tool, wanted) = (tool(server), wanted(references));
        self.vault.credentials(&self.caller, &tool, &wanted).await
    }

    pub(crate) async fn stamp(&self, server: &str, references: &[(&str, &str)]) -> CredentialStamp {
        let (tool, wanted) = (tool(server), wanted(references));
        let stamp = self
            .vault
            .credential_stamp(&self.caller, &tool, &wanted)
            .await;
        stamp.unwrap()
    }
}

/// The values, which have no printable form otherwise.
pub(crate) fn texts(values: &[AppliedValue]) -> Vec<&str> {
    values
        .iter()
        .map(|given| given.value.expose_text().unwrap())
        .collect()
}

/// The types of the problems, with their locations.
pub(crate) fn problems<T>(answer: Result<T, Error>) -> Vec<(&'static str, String)> {
    let told = |problem: Problem| (problem.kind, problem.location.join("."));
    match answer {
        Err(Error::Unresolved(problems)) => problems.into_iter().map(told).collect(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("nothing is wrong"),
    }
}
