//! Which servers are taken over, and why the others stay.

use toolvault_vault::SecretInfo;

use super::document::{Document, Entry};
use super::left::Left;
use super::plan::{self, Plan, SecretValue};
use super::store;
use crate::config::ConfigurationFile;
use crate::failure::{ExitStatus, Failure};

/// A server that is taken over.
pub(super) struct Taken<'a> {
    pub(super) entry: &'a Entry,
    pub(super) plan: Plan,
}

/// The servers of a file.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    pub(super) taken: Vec<Taken<'a>>,
    /// Names, and why each stays as it is.
    pub(super) left: Vec<(String, String)>,
    /// How many already use the gateway.
    pub(super) done: usize,
}

impl<'a> Sorted<'a> {
    /// Plans each server.
    pub(super) fn of(
        entries: &'a [Entry],
        document: &Document,
        gateway: &str,
    ) -> Result<Self, Failure> {
        if entries.is_empty() {
            let path = document.path().display();
            return Err(Failure::refused(format!("{path} names no MCP server")));
        }
        let mut sorted = Self::default();
        for entry in entries {
            match plan::plan(entry, gateway) {
                Ok(plan) => sorted.taken.push(Taken { entry, plan }),
                Err(Left::Done) => sorted.done += 1,
                Err(Left::Reason(reason)) => sorted.left.push((entry.name.clone(), reason)),
            }
        }
        let clashes: Vec<Option<String>> = sorted
            .taken
            .iter()
            .map(|taken| sorted.clash(taken))
            .collect();
        let mut clashes = clashes.into_iter();
        sorted.keep(|_| clashes.next().flatten());
        Ok(sorted)
    }

    /// Several places in a file may be one server. Two that are not the same cannot have one name.
    fn clash(&self, taken: &Taken<'_>) -> Option<String> {
        let ours = &taken.plan;
        let other = self.taken.iter().find(|other| {
            let theirs = &other.plan;
            theirs.name == ours.name
                && (theirs.table != ours.table || theirs.secrets != ours.secrets)
        })?;
        Some(format!(
            "'{}' and '{}' would both be the server '{}', and are not the same; give one of them another name",
            taken.entry.name, other.entry.name, ours.name
        ))
    }

    /// A credential that only the client has cannot be stored by us, and no two secrets may have one name.
    pub(super) fn leave_what_cannot_be_stored(&mut self, stored: &[SecretInfo]) {
        self.keep(|taken| {
            taken.plan.secrets.iter().find_map(|secret| {
                let found = match store::find(&taken.plan, secret, stored) {
                    Ok(found) => found,
                    Err(reason) => return Some(reason),
                };
                let (SecretValue::Variable(variable), None) = (&secret.value, found) else {
                    return None;
                };
                let how = store::command(&taken.plan, secret)
                    .map(|command| format!(": {command}"))
                    .unwrap_or_default();
                Some(format!(
                    "its client takes a credential from the variable {variable}; store it first{how}"
                ))
            })
        });
    }

    /// Puts the servers into the configuration, which is not written yet.
    pub(super) fn configure(&mut self, configuration: &mut ConfigurationFile) {
        self.keep(|taken| {
            let (name, table) = (&taken.plan.name, &taken.plan.table);
            match configuration.server(name) {
                Some(there) if there == *table => None,
                Some(_) => {
                    let path = configuration.path().display();
                    Some(format!(
                        "there is another server '{name}' in {path}; rename the server in the client's file, or: toolvault mcp remove {name}"
                    ))
                }
                None => {
                    let failure = configuration.set_server(name, table).err()?;
                    configuration.remove_server(name);
                    Some(failure.to_string())
                }
            }
        });
    }

    /// The names of stored secrets that get another value.
    pub(super) fn overwritten(&self, stored: &[SecretInfo]) -> Vec<&str> {
        let secrets = self.taken.iter().flat_map(|taken| {
            let secrets = taken.plan.secrets.iter();
            secrets.filter(|secret| {
                let is_there =
                    store::find(&taken.plan, secret, stored).is_ok_and(|found| found.is_some());
                is_there && matches!(secret.value, SecretValue::Literal(_))
            })
        });
        let mut names: Vec<&str> = secrets.map(|secret| secret.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A server that stays as it is may still hold a key.
    pub(super) fn status(&self) -> ExitStatus {
        if self.left.is_empty() {
            ExitStatus::Success
        } else {
            ExitStatus::Refused
        }
    }

    /// Leaves the servers for which there is a reason.
    fn keep(&mut self, mut reason: impl FnMut(&Taken<'a>) -> Option<String>) {
        for taken in std::mem::take(&mut self.taken) {
            match reason(&taken) {
                Some(reason) => self.left.push((taken.entry.name.clone(), reason)),
                None => self.taken.push(taken),
            }
        }
    }
}
