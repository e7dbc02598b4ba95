//! Doing what was planned, in the order in which stopping loses nothing.

use std::collections::BTreeMap;

use toolvault_gateway::ServerName;
use toolvault_vault::SecretInfo;
use zeroize::Zeroizing;

use super::document::Document;
use super::plan::SecretValue;
use super::rewrite::{self, Client};
use super::store;
use super::{ImportOptions, Taken};
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
                "note: {path} is as it was. What was done is kept; run the same again to do the rest"
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
                let there = store::find(plan, secret, stored)?;
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
        if self.options.key_env {
            return Ok(());
        }
        for Taken { plan, .. } in taken {
            if !keys.contains_key(&plan.name) {
                keys.insert(&plan.name, store::make_key(self.api, &plan.name).await?);
            }
        }
        Ok(())
    }

    fn rewrite(
        &mut self,
        taken: &[Taken<'_>],
        keys: &BTreeMap<&ServerName, IssuedKey>,
        context: &Context<'_>,
    ) -> Result<(), Failure> {
        let client = Client::of(self.document.path(), self.options.stdio)?;
        let mut changes = Vec::with_capacity(taken.len());
        for Taken { entry, plan } in taken {
            let key = keys.get(&plan.name).map(|issued| &issued.key);
            let indentation = self.document.indentation(entry.range.start);
            let text = rewrite::entry(&client, entry, &plan.name, self.gateway, key, indentation);
            changes.push((entry.range.clone(), text));
        }
        let new = self.document.with(changes);
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
                    "warning: the value of {name} stands in another place of {path} too; take it out there"
                ));
            }
        }
        Ok(())
    }
}

/// Whether a value stands in a text, as it is or as JSON spells it.
fn stands_in(text: &str, value: &str) -> bool {
    let mut spelled = Zeroizing::new(Vec::new());
    toolvault_core::json::write_string(value, &mut spelled);
    let spelled = std::str::from_utf8(&spelled).unwrap_or_default();
    text.contains(value) || text.contains(spelled.trim_matches('"'))
}
