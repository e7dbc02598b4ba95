//! Secrets that almost apply to an argument, and why they do not.

use std::sync::Arc;

use toolvault_core::identity::SecretId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::pointer::ArgumentPath;
use toolvault_core::reference::Reference;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::cache::index::Index;
use crate::caller::Caller;
use crate::operations::resolve::Call;
use crate::operations::resolve::decide::{Decided, Outcome};
use crate::operations::resolve::within::Within;
use crate::secret::Secret;

/// How many are reported for one argument.
const MOST: usize = 20;

/// A secret that almost applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: String,
    /// Why it does not apply.
    pub why: String,
}

/// What the secrets of a user are compared with.
pub(super) struct Search<'a> {
    pub(super) index: &'a Index,
    pub(super) caller: &'a Caller,
    pub(super) call: &'a Call,
    pub(super) within: &'a Within,
    pub(super) now: Timestamp,
    /// Why a default does not apply to an argument that the call does not accept; `None` if the request says so.
    pub(super) not_accepted: Option<&'a str>,
}

/// How a secret's pattern and the tool compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Matches,
    InAnotherCase,
    Unbound,
}

impl Search<'_> {
    /// The arguments to which secrets almost apply, and that nothing else needs.
    pub(super) fn further_arguments(&self, decided: &[Decided]) -> Vec<String> {
        let mut further: Vec<String> = Vec::new();
        for secret in self.index.iter() {
            let Some(path) = secret.binding.path() else {
                continue;
            };
            let names = decided.iter().map(|decided| &decided.name);
            let is_known = names.chain(&further).any(|name| is_at(name, path));
            let may_apply = secret.binding.is_default || !is_of_server(path.as_str());
            let is_bound = self.fit(secret).is_some_and(|fit| fit != Fit::Unbound);
            if !is_known && may_apply && is_bound && self.fault(secret).is_some() {
                further.push(path.as_str().to_owned());
            }
        }
        further.sort_unstable();
        further
    }

    /// The secrets that almost apply to an argument.
    pub(super) fn of(&self, decided: &Decided, all: &[Decided]) -> Vec<Near> {
        let reference = self.call.bindings.get(&decided.name);
        let why = |secret: &Arc<Secret>| match reference {
            Some(reference) => self.why_not_named(decided, reference, secret),
            None => self.why_no_default(decided, all, secret),
        };
        let near = self.index.iter().filter_map(|secret| {
            Some(Near {
                secret_id: secret.id,
                secret_name: secret.name.to_string(),
                why: why(secret)?,
            })
        });
        near.take(MOST).collect()
    }

    /// Why a default does not apply, if it almost does.
    fn why_no_default(
        &self,
        decided: &Decided,
        all: &[Decided],
        secret: &Arc<Secret>,
    ) -> Option<String> {
        let is_candidate = decided.candidates.iter().any(|other| other.id == secret.id);
        if is_candidate {
            let is_expired = secret.policy.is_expired(self.now);
            return is_expired.then(|| "it has expired".to_owned());
        }
        let fit = self.fit(secret)?;
        let is_lacking = matches!(decided.outcome, Outcome::Missing);
        let Some(path) = secret.binding.path() else {
            let argument = secret.binding.argument.as_deref();
            return (is_lacking && fit == Fit::Matches).then(|| match argument {
                None => "it is not bound to an argument".to_owned(),
                Some(argument) => format!("its argument '{argument}' is not a JSON Pointer"),
            });
        };
        if is_at(&decided.name, path) {
            return self.fault(secret);
        }
        let is_unserved = matches!(decided.outcome, Outcome::Missing | Outcome::Nothing);
        if fit != Fit::Matches || !is_unserved || !self.is_sound(secret) {
            return None;
        }
        let argument = path.as_str();
        if argument.to_lowercase() == decided.name.to_lowercase() {
            return Some(format!("its argument '{argument}' differs in case"));
        }
        let is_asked_for = all.iter().any(|other| {
            is_at(&other.name, path)
                && (self.call.bindings.contains_key(&other.name)
                    || self.call.require.contains(&other.name)
                    || matches!(other.outcome, Outcome::Received))
        });
        (is_lacking && !is_asked_for).then(|| format!("it is for another argument, '{argument}'"))
    }

    /// Why a secret is not what a reference names, if it almost is.
    fn why_not_named(
        &self,
        decided: &Decided,
        reference: &Reference,
        secret: &Secret,
    ) -> Option<String> {
        if !matches!(decided.outcome, Outcome::NotAvailable) || !self.may_tell_of(secret) {
            return None;
        }
        let is_named = match reference {
            Reference::Id(id) => *id == secret.id,
            Reference::Name(name) => name.to_lowercase() == secret.name.to_lowercase(),
        };
        if !is_named {
            return None;
        }
        let pattern = secret.binding.tool.as_ref();
        let path = secret.binding.path();
        Some(match reference {
            Reference::Name(name) if **name != *secret.name => {
                "its name differs in case".to_owned()
            }
            _ if secret.policy.canary => CANARY.to_owned(),
            _ if pattern.is_some_and(|pattern| !pattern.matches(&self.call.tool)) => {
                "its pattern does not match the tool".to_owned()
            }
            _ if secret.binding.argument.is_some()
                && !path.is_some_and(|path| is_at(&decided.name, path)) =>
            {
                let argument = secret.binding.argument.as_deref().unwrap_or_default();
                format!("it is for another argument, '{argument}'")
            }
            _ if !self.caller.reaches_pattern(pattern) => OUTSIDE_KEY.to_owned(),
            _ => "its policy does not allow the other arguments".to_owned(),
        })
    }

    /// Whether only its argument could prevent it.
    fn is_sound(&self, secret: &Secret) -> bool {
        let pattern = secret.binding.tool.as_ref();
        secret.binding.is_default
            && !secret.policy.canary
            && !secret.policy.is_expired(self.now)
            && self.caller.reaches_pattern(pattern)
            && pattern.is_some_and(|pattern| self.within.admits(pattern))
    }

    /// Why a secret is not a candidate for its own argument.
    fn fault(&self, secret: &Secret) -> Option<String> {
        let pattern = secret.binding.tool.as_ref();
        let text = match self.fit(secret)? {
            _ if secret.policy.canary => CANARY.to_owned(),
            Fit::Unbound => "it is not bound to a tool".to_owned(),
            Fit::InAnotherCase => "the name of the tool differs in case".to_owned(),
            Fit::Matches if !self.caller.reaches_pattern(pattern) => OUTSIDE_KEY.to_owned(),
            Fit::Matches if pattern.is_some_and(|pattern| !self.within.admits(pattern)) => {
                let prefix = self.within.0.as_deref().unwrap_or_default();
                format!(
                    "its pattern is too broad for the gateway: the text before the first * has to begin with '{prefix}'"
                )
            }
            Fit::Matches if !secret.binding.is_default => "it is not a default".to_owned(),
            Fit::Matches if secret.policy.is_expired(self.now) => "it has expired".to_owned(),
            Fit::Matches => self.not_accepted?.to_owned(),
        };
        Some(text)
    }

    /// How the secret's pattern and the tool compare, if they almost match and the caller may know of the secret.
    fn fit(&self, secret: &Secret) -> Option<Fit> {
        let fit = match &secret.binding.tool {
            None => Fit::Unbound,
            Some(pattern) if pattern.matches(&self.call.tool) => Fit::Matches,
            Some(pattern) if matches_in_another_case(pattern, &self.call.tool) => {
                Fit::InAnotherCase
            }
            Some(_) => return None,
        };
        self.may_tell_of(secret).then_some(fit)
    }

    /// Without `manage` only secrets that match the tool are reported, and no canaries. Those outside the key's patterns
    /// are reported, too, because the key reaches the tool.
    fn may_tell_of(&self, secret: &Secret) -> bool {
        let pattern = secret.binding.tool.as_ref();
        let manages = self.caller.scopes().contains(Scope::Manage);
        let is_of_tool = pattern.is_some_and(|pattern| pattern.matches(&self.call.tool));
        is_of_tool && (manages || !secret.policy.canary)
            || manages && self.caller.reaches_pattern(pattern)
    }
}

const CANARY: &str = "it is a canary, which is never applied";
const OUTSIDE_KEY: &str = "its pattern lies outside the patterns of the key";

/// Whether a server of the gateway gives it to itself, by reference: no tool has such an argument.
fn is_of_server(argument: &str) -> bool {
    argument.starts_with("headers.") || argument.starts_with("env.")
}

fn is_at(name: &str, path: ArgumentPath<'_>) -> bool {
    ArgumentPath::parse(name).is_ok_and(|other| other.is_at(path))
}

fn matches_in_another_case(pattern: &ToolPattern, tool: &ToolName) -> bool {
    let pattern = ToolPattern::parse(&pattern.as_str().to_lowercase());
    pattern.is_ok_and(|pattern| pattern.matches_text(&tool.as_str().to_lowercase()))
}
