//! Decides where the value of each argument comes from. These are the rules of resolving.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toolvault_core::pattern::ToolName;
use toolvault_core::reference::Reference;
use toolvault_core::timestamp::Timestamp;

use super::within::Within;
use super::{Call, Source};
use crate::cache::index::Index;
use crate::caller::Caller;
use crate::error::Problem;
use crate::secret::Secret;

/// One argument of a call.
pub(crate) struct Decided {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    /// The part of the request that needs it.
    needed_in: &'static str,
    /// The competing secrets, best first.
    pub(crate) candidates: Vec<Arc<Secret>>,
}

/// What an argument gets.
pub(crate) enum Outcome {
    /// What was received.
    Received,
    /// The winner among the defaults.
    Default(Arc<Secret>),
    /// The secret that its reference names.
    Binding(Arc<Secret>),
    /// Nothing, and nothing is required.
    Nothing,
    /// The reference names no secret that this tool and argument may receive.
    NotAvailable,
    /// The reference names several secrets.
    Ambiguous,
    /// The winner has expired.
    Expired(Arc<Secret>),
    /// It is required, was not received, and has no default.
    Missing,
}

impl Outcome {
    /// The name on the wire.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Default(_) => "default",
            Self::Binding(_) => "binding",
            Self::Nothing => "none",
            Self::NotAvailable => "secret_not_available",
            Self::Ambiguous => "secret_ambiguous",
            Self::Expired(_) => "secret_expired",
            Self::Missing => "secret_missing",
        }
    }

    /// The secret that is applied, or would be applied if it had not expired.
    pub(crate) fn winner(&self) -> Option<&Arc<Secret>> {
        match self {
            Self::Default(secret) | Self::Binding(secret) | Self::Expired(secret) => Some(secret),
            _ => None,
        }
    }

    pub(crate) const fn is_error(&self) -> bool {
        matches!(
            self,
            Self::NotAvailable | Self::Ambiguous | Self::Expired(_) | Self::Missing
        )
    }
}

impl Decided {
    /// The secret that is applied, and why.
    pub(crate) fn applied(&self) -> Option<(&Arc<Secret>, Source)> {
        match &self.outcome {
            Outcome::Default(secret) => Some((secret, Source::Default)),
            Outcome::Binding(secret) => Some((secret, Source::Binding)),
            _ => None,
        }
    }

    /// The error, if there is one.
    pub(crate) fn problem(&self, tool: &ToolName) -> Option<Problem> {
        let (name, tool) = (&self.name, tool.as_str());
        let text = match self.outcome {
            Outcome::NotAvailable => {
                format!("No usable secret for argument '{name}' of tool '{tool}'.")
            }
            Outcome::Ambiguous => {
                format!("Several secrets of that name match argument '{name}' of tool '{tool}'.")
            }
            Outcome::Expired(_) => {
                format!("The secret for argument '{name}' of tool '{tool}' has expired.")
            }
            Outcome::Missing => {
                format!("Argument '{name}' of tool '{tool}' is required and no secret serves it.")
            }
            _ => return None,
        };
        let message = format!("{text} Run: toolvault explain '{tool}'");
        Some(Problem::new(
            self.outcome.as_str(),
            &[self.needed_in, name],
            message,
        ))
    }
}

/// Decides every argument that was received, bound or required, or has a default.
pub(crate) fn decide(
    index: &Index,
    caller: &Caller,
    call: &Call,
    within: &Within,
    now: Timestamp,
) -> Vec<Decided> {
    let defaults = ranked_defaults(index, caller, call, within);
    let names: BTreeSet<&str> = call
        .args
        .names()
        .chain(call.bindings.keys().map(String::as_str))
        .chain(call.require.iter().map(String::as_str))
        .chain(defaults.keys().map(String::as_str))
        .collect();
    let is_reached = |secret: &Secret| caller.reaches_pattern(secret.binding.tool.as_ref());
    names
        .into_iter()
        .map(|name| {
            let candidates = defaults.get(name).cloned().unwrap_or_default();
            match call.bindings.get(name) {
                Some(reference) => {
                    by_reference(index, &call.tool, name, reference, now, is_reached)
                }
                None => by_default(call, name, candidates, now),
            }
        })
        .collect()
}

/// Rule 4: the user's defaults whose pattern matches the whole tool name, each with its argument.
pub(crate) fn defaults<'a>(
    index: &'a Index,
    caller: &'a Caller,
    tool: &'a ToolName,
    within: &'a Within,
) -> impl Iterator<Item = (&'a str, &'a Arc<Secret>)> {
    index.defaults_for(tool).filter_map(|secret| {
        let pattern = secret.binding.tool.as_ref();
        let is_within = pattern.is_some_and(|pattern| within.admits(pattern));
        let argument = secret.binding.argument.as_deref()?;
        (is_within && caller.reaches_pattern(pattern)).then_some((argument, secret))
    })
}

/// The defaults for the accepted arguments, by argument, best first (rule 5).
fn ranked_defaults(
    index: &Index,
    caller: &Caller,
    call: &Call,
    within: &Within,
) -> BTreeMap<String, Vec<Arc<Secret>>> {
    let mut ranked: BTreeMap<String, Vec<Arc<Secret>>> = BTreeMap::new();
    for (argument, secret) in defaults(index, caller, &call.tool, within) {
        let is_accepted = call
            .accepts
            .as_ref()
            .is_none_or(|accepts| accepts.contains(argument));
        if is_accepted {
            ranked
                .entry(argument.to_owned())
                .or_default()
                .push(Arc::clone(secret));
        }
    }
    for candidates in ranked.values_mut() {
        candidates.sort_by_key(|secret| std::cmp::Reverse(secret.rank()));
    }
    ranked
}

/// Rules 2, 3 and 6: a reference wins over what was received, and its secret must match tool and argument.
pub(crate) fn by_reference(
    index: &Index,
    tool: &ToolName,
    name: &str,
    reference: &Reference,
    now: Timestamp,
    is_reached: impl Fn(&Secret) -> bool,
) -> Decided {
    let is_granted =
        |secret: &&Arc<Secret>| is_reached(secret) && secret.binding.permits_reference(tool, name);
    let candidates: Vec<Arc<Secret>> = match reference {
        Reference::Id(id) => index
            .get(*id)
            .into_iter()
            .filter(is_granted)
            .cloned()
            .collect(),
        Reference::Name(wanted) => index.named(wanted).filter(is_granted).cloned().collect(),
    };
    let outcome = match candidates.as_slice() {
        // One outcome for unknown, foreign and unsuitable secrets, so that a caller cannot test which names exist.
        [] => Outcome::NotAvailable,
        [secret] if secret.policy.is_expired(now) => Outcome::Expired(Arc::clone(secret)),
        [secret] => Outcome::Binding(Arc::clone(secret)),
        _ => Outcome::Ambiguous,
    };
    Decided {
        name: name.to_owned(),
        outcome,
        needed_in: "bindings",
        candidates,
    }
}

/// Rule 3: what was received wins over a default.
fn by_default(call: &Call, name: &str, candidates: Vec<Arc<Secret>>, now: Timestamp) -> Decided {
    let is_required = call.require.contains(name);
    let outcome = if call.args.is_received(name) {
        Outcome::Received
    } else {
        // An expired winner is an error. To fall back to the next candidate would silently use another credential.
        match candidates.first() {
            Some(secret) if secret.policy.is_expired(now) => Outcome::Expired(Arc::clone(secret)),
            Some(secret) => Outcome::Default(Arc::clone(secret)),
            None if is_required => Outcome::Missing,
            None => Outcome::Nothing,
        }
    };
    let needed_in = if is_required { "require" } else { "args" };
    Decided {
        name: name.to_owned(),
        outcome,
        needed_in,
        candidates,
    }
}
