//! Doing what was planned, in the order in which stopping loses nothing.

use std::collections::BTreeMap;

use toolvault_core::confidential::Wiped;
use toolvault_gateway::ServerName;
use toolvault_vault::SecretInfo;

use super::ImportOptions;
use super::client::Kind;
use super::document::{Document, Entry};
use super::given::Given;
use super::plan::SecretValue;
use super::rewrite::Replacement;
use super::sort::Taken;
use super::store;
use crate::api::Api;
use crate::api::keys::IssuedKey;
use crate::config::ConfigurationFile;
use crate::context::Context;
use crate::failure::Failure;

/// What the work is done with, and how far it has come.
pub(super) struct Work<'a> {
    pub(super) api: &'a Api<'a>,
    pub(super) gateway: &'a str,
    pub(super) document: &'a Document,
    pub(super) configuration: &'a ConfigurationFile,
    pub(super) options: &'a ImportOptions,
    /// Whether the client reads its key from a variable, so that none is made for it.
    pub(super) is_key_in_variable: bool,
    /// What was done, in words.
    pub(super) done: Vec<String>,
}

impl Work<'_> {
    /// Does all of it. A failure says how far it came; to run it again does the rest.
    pub(super) async fn run(
        &mut self,
        taken: &[Taken<'_>],
        stored: &[SecretInfo],
        context: &Context<'_>,
    ) -> anyhow::Result<()> {
        let outcome = self.work(taken, stored, context).await;
        let printer = context.printer;
        for done in &self.done {
            printer.line(done)?;
        }
        if outcome.is_err() {
            let path = self.document.path().display();
            printer.error_line(&format!(
                "note: {path} is unchanged. What was done is kept; run the command again to do the rest"
            ));
        }
        outcome
    }

    async fn work(
        &mut self,
        taken: &[Taken<'_>],
        stored: &[SecretInfo],
        context: &Context<'_>,
    ) -> anyhow::Result<()> {
        self.store_secrets(taken, stored).await?;
        self.configuration.save()?;
        let path = self.configuration.path().display();
        self.done.push(format!("Wrote the servers to {path}."));
        let mut keys = BTreeMap::new();
        let rewritten = match self.make_keys(taken, &mut keys).await {
            Ok(()) => self.rewrite(taken, &keys, context),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = rewritten {
            for key in keys.values() {
                store::revoke(self.api, key).await;
            }
            return Err(failure.into());
        }
        Ok(())
    }

    async fn store_secrets(
        &mut self,
        taken: &[Taken<'_>],
        stored: &[SecretInfo],
    ) -> anyhow::Result<()> {
        let mut names = Vec::new();
        for Taken { plan, .. } in taken {
            for secret in &plan.secrets {
                // Several places in the file may be one server.
                if names.contains(&&secret.name) || matches!(secret.value, SecretValue::Variable(_))
                {
                    continue;
                }
                let there = store::find(plan, secret, stored).map_err(Failure::refused)?;
                store::store(self.api, plan, secret, there).await?;
                self.done
                    .push(format!("Stored the secret {}.", secret.name));
                names.push(&secret.name);
            }
        }
        Ok(())
    }

    async fn make_keys<'k>(
        &self,
        taken: &'k [Taken<'_>],
        keys: &mut BTreeMap<&'k ServerName, IssuedKey>,
    ) -> Result<(), Failure> {
        if self.is_key_in_variable {
            return Ok(());
        }
        for Taken { plan, .. } in taken {
            if !keys.contains_key(&plan.name) {
                keys.insert(&plan.name, store::make_key(self.api, &plan.name).await?);
            }
        }
        Ok(())
    }

    /// Whether the client must start `toolvault mcp stdio` in place of a server.
    fn starts_programs(&self, entry: &Entry) -> bool {
        let is_program = matches!(entry.given, Ok(Given::Program { .. }));
        let needs_program = match self.document.kind() {
            Kind::ClaudeDesktop => true,
            // It fills in no variables in headers.
            Kind::Zed => is_program || self.is_key_in_variable,
            _ => false,
        };
        self.options.stdio || needs_program
    }

    fn rewrite(
        &mut self,
        taken: &[Taken<'_>],
        keys: &BTreeMap<&ServerName, IssuedKey>,
        context: &Context<'_>,
    ) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::failed(format!("cannot find the path of this program: {error}"))
        })?;
        let base = self.gateway.trim_end_matches("/mcp");
        let mut replacements = Vec::with_capacity(taken.len());
        for Taken { entry, plan } in taken {
            let key = keys.get(&plan.name).map(|issued| &issued.key);
            let server = plan.name.as_str();
            let replacement = if self.starts_programs(entry) {
                Replacement::Stdio {
                    program: &program,
                    server,
                    base,
                    key,
                }
            } else {
                let url = format!("{}/{server}", self.gateway);
                Replacement::Http { url, key }
            };
            replacements.push((*entry, replacement));
        }
        let new = self.document.with(&replacements)?;
        if self.options.keep_plaintext {
            let kept = self.document.keep()?;
            self.done
                .push(format!("Kept the file as it was in {}.", kept.display()));
        }
        self.document.save(&new)?;
        let path = self.document.path().display();
        self.done.push(format!("Rewrote {path}."));
        for secret in taken.iter().flat_map(|taken| &taken.plan.secrets) {
            if let SecretValue::Literal(value) = &secret.value
                && stands_in(&new, value)
            {
                let name = &secret.name;
                context.printer.error_line(&format!(
                    "warning: the value of {name} is also elsewhere in {path}; remove it there"
                ));
            }
        }
        Ok(())
    }
}

/// Whether a value stands in a text, as it is or as JSON spells it.
fn stands_in(text: &str, value: &str) -> bool {
    let mut spelled = Wiped::new(Vec::new());
    toolvault_core::json::write_string(value, &mut spelled);
    let spelled = std::str::from_utf8(&spelled).unwrap_or_default();
    text.contains(value) || text.contains(spelled.trim_matches('"'))
}
