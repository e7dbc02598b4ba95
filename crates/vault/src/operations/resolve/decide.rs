//! Decides where the value of each argument comes from. These are the rules of resolving.

use std::sync::Arc;

use toolvault_core::conversion::Types;
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::{ArgumentPath, Found};
use toolvault_core::reference::Reference;
use toolvault_core::terminal::shell_word;
use toolvault_core::timestamp::Timestamp;

use super::places::{Asked, places};
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
    /// The winner's policy asks for a person's approval, and no person is asked.
    NeedsApproval(Arc<Secret>),
    /// It is required, was not received, and has no default.
    Missing,
    /// The received arguments have no place for it: a value on the path of its pointer is not an object.
    NoPlace,
    /// The secret's text has none of the types that the schema accepts there.
    Unsuitable(Types),
}

impl Outcome {
    /// The name on the wire.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Default(_) => "default",
            Self::Binding(_) => "binding",
            Self::Nothing => "none",
            Self::NotAvailable | Self::NoPlace | Self::Unsuitable(_) => "secret_not_available",
            Self::Ambiguous => "secret_ambiguous",
            Self::Expired(_) => "secret_expired",
            Self::NeedsApproval(_) => "approval_needed",
            Self::Missing => "secret_missing",
        }
    }

    /// The secret that is applied, or would be applied if it had not expired and asked for no approval.
    pub(crate) fn winner(&self) -> Option<&Arc<Secret>> {
        match self {
            Self::Default(secret)
            | Self::Binding(secret)
            | Self::Expired(secret)
            | Self::NeedsApproval(secret) => Some(secret),
            _ => None,
        }
    }

    pub(crate) const fn is_error(&self) -> bool {
        matches!(
            self,
            Self::NotAvailable
                | Self::Ambiguous
                | Self::Expired(_)
                | Self::NeedsApproval(_)
                | Self::Missing
                | Self::NoPlace
                | Self::Unsuitable(_)
        )
    }
}

impl Decided {
    /// An argument that gets nothing.
    pub(crate) fn nothing(name: String) -> Self {
        Self {
            name,
            outcome: Outcome::Nothing,
            needed_in: "args",
            candidates: Vec::new(),
        }
    }

    /// The secret that is applied, and why.
    pub(crate) fn applied(&self) -> Option<(&Arc<Secret>, Source)> {
        match &self.outcome {
            Outcome::Default(secret) => Some((secret, Source::Default)),
            Outcome::Binding(secret) => Some((secret, Source::Binding)),
            _ => None,
        }
    }

    /// Refuses a secret whose policy asks for approval.
    pub(crate) fn withhold(&mut self) {
        if let Some((secret, _)) = self.applied()
            && secret.policy.approval.is_some()
        {
            self.outcome = Outcome::NeedsApproval(Arc::clone(secret));
        }
    }

    /// The error, if there is one.
    pub(crate) fn problem(&self, tool: &ToolName) -> Option<Problem> {
        let (name, tool) = (&self.name, tool.as_str());
        let text = match &self.outcome {
            Outcome::NotAvailable => {
                format!("No usable secret for argument '{name}' of tool '{tool}'.")
            }
            Outcome::Ambiguous => {
                format!("Several secrets of that name match argument '{name}' of tool '{tool}'.")
            }
            Outcome::Expired(_) => {
                format!("The secret for argument '{name}' of tool '{tool}' has expired.")
            }
            Outcome::NeedsApproval(_) => format!(
                "A person must allow each use of the secret for argument '{name}' of tool '{tool}', so it is applied only \
                 to calls through the gateway."
            ),
            Outcome::Missing => {
                format!("Argument '{name}' of tool '{tool}' is required and no secret serves it.")
            }
            Outcome::NoPlace => format!(
                "Argument '{name}' of tool '{tool}' has no place: what was received there is not an object."
            ),
            Outcome::Unsuitable(types) => format!(
                "The secret for argument '{name}' of tool '{tool}' is not of the type {}, which the tool wants.",
                types.in_words()
            ),
            _ => return None,
        };
        let message = match shell_word(tool) {
            Some(word) => format!("{text} Run: toolvault explain {word}"),
            None => text,
        };
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
    let places = places(index, caller, call, within);
    let served: Vec<_> = places
        .values()
        .filter(|asked| asked.is_served())
        .filter_map(Asked::path)
        .collect();
    let is_reached = |secret: &Secret| caller.reaches_pattern(secret.binding.tool.as_ref());
    let decided = places.iter().map(|(place, asked)| {
        let name = asked.name().unwrap_or(place);
        let mut decided = match asked.binding {
            Some((_, reference)) => {
                by_reference(index, &call.tool, name, reference, now, is_reached)
            }
            None => by_default(name, asked, now),
        };
        let Ok(path) = ArgumentPath::parse(name) else {
            return decided;
        };
        let found = call.args.at(path);
        let is_received = matches!(found, Found::Value(value) if !value.is_null());
        let gives_way = served.iter().any(|inner| path.holds(*inner));
        decided.outcome = match decided.outcome {
            // An error of a reference stays an error.
            outcome @ (Outcome::NotAvailable | Outcome::Ambiguous) => outcome,
            _ if is_received && (gives_way || asked.binding.is_none()) => Outcome::Received,
            _ if gives_way => Outcome::Nothing,
            Outcome::Default(_) | Outcome::Binding(_) if matches!(found, Found::Blocked) => {
                Outcome::NoPlace
            }
            outcome => outcome,
        };
        decided
    });
    decided.collect()
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
    let path = ArgumentPath::parse(name).ok();
    let is_granted = |secret: &&Arc<Secret>| {
        is_reached(secret)
            && path.is_some_and(|path| secret.binding.permits_reference(tool, path))
            && !secret.policy.canary
    };
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

/// The outcome for an argument without a reference, unless it was received (rule 3).
fn by_default(name: &str, asked: &Asked<'_>, now: Timestamp) -> Decided {
    let is_required = asked.required.is_some();
    let outcome = match asked.candidates.first() {
        Some(secret) if secret.policy.is_expired(now) => Outcome::Expired(Arc::clone(secret)),
        Some(secret) => Outcome::Default(Arc::clone(secret)),
        None if is_required => Outcome::Missing,
        None => Outcome::Nothing,
    };
    Decided {
        name: name.to_owned(),
        outcome,
        needed_in: if is_required { "require" } else { "args" },
        candidates: asked.candidates.clone(),
    }
}
