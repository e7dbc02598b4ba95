//! What becomes of each entry of a file.

use std::collections::HashMap;

use toolvault_core::confidential::Wiped;
use toolvault_core::pattern::{MAX_NAME_CHARS, ToolPattern};
use toolvault_vault::SecretInfo;

use super::ImportOptions;
use super::bindings::{Binding, Places};
use super::format::Entry;
use crate::credential;
use crate::value::LONGEST_VALUE;

/// A secret to store, or an entry to leave.
pub(super) struct Planned<'a> {
    /// What it is called in the file.
    pub(super) entry: String,
    pub(super) name: String,
    pub(super) value: Wiped<String>,
    /// Of a new secret.
    pub(super) binding: Option<Binding>,
    pub(super) action: Action<'a>,
}

pub(super) enum Action<'a> {
    Store,
    /// Stores it without a binding: another secret is the default there.
    StoreUnbound,
    /// Gives an existing secret this value. Its binding stays.
    Replace(&'a SecretInfo),
    /// Leaves the entry, for a reason.
    Leave(&'static str),
}

impl Action<'_> {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Store | Self::StoreUnbound => "store",
            Self::Replace(_) => "replace",
            Self::Leave(_) => "leave",
        }
    }

    pub(super) const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Leave(reason) => Some(reason),
            Self::StoreUnbound => Some("without a binding, because another secret is the default"),
            Self::Store | Self::Replace(_) => None,
        }
    }

    pub(super) const fn is_change(&self) -> bool {
        !matches!(self, Self::Leave(_))
    }
}

/// The plan for all entries, in their order.
pub(super) fn plan<'a>(
    entries: Vec<Entry>,
    places: &Places,
    stored: &'a [SecretInfo],
    options: &ImportOptions,
) -> Vec<Planned<'a>> {
    let mut planned: Vec<Planned<'a>> = Vec::with_capacity(entries.len());
    let mut last: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        let mut binding = places.find(&entry.name);
        let mut name = format!("{}{}", options.prefix, entry.name);
        match binding.as_ref().and_then(|binding| binding.name.clone()) {
            Some(named) if options.prefix.is_empty() => name = named,
            // The configuration looks for another name.
            Some(named) if named != name => binding = None,
            _ => {}
        }
        let action = action(&entry, &name, stored, options);
        let binding = binding.filter(|_| matches!(action, Action::Store));
        if action.is_change()
            && let Some(earlier) = last.insert(name.clone(), planned.len())
            && let Some(earlier) = planned.get_mut(earlier)
        {
            // As a shell reads it.
            earlier.action = Action::Leave("a later entry has its name");
            earlier.binding = None;
        }
        planned.push(Planned {
            entry: entry.name,
            name,
            value: entry.value,
            binding,
            action,
        });
    }
    keep_defaults(&mut planned, stored);
    planned
}

/// Leaves out each binding that would make a secret the default where another one is.
fn keep_defaults(planned: &mut [Planned<'_>], stored: &[SecretInfo]) {
    let mut bound: Vec<Binding> = Vec::new();
    for secret in planned {
        let Some(binding) = secret.binding.take_if(|binding| binding.is_default) else {
            continue;
        };
        if bound.contains(&binding) || stored.iter().any(|other| is_default_at(other, &binding)) {
            secret.action = Action::StoreUnbound;
        } else {
            bound.push(binding.clone());
            secret.binding = Some(binding);
        }
    }
}

/// Whether a stored secret is the default of the argument, for a tool of the binding.
fn is_default_at(stored: &SecretInfo, binding: &Binding) -> bool {
    let overlaps =
        |tools: &String| match (ToolPattern::parse(tools), ToolPattern::parse(&binding.tool)) {
            (Ok(theirs), Ok(ours)) => theirs.overlaps(&ours),
            _ => true,
        };
    stored.is_default_for_tool
        && stored.tool_arg.as_ref() == Some(&binding.argument)
        && stored.tool_name.as_ref().is_none_or(overlaps)
}

fn action<'a>(
    entry: &Entry,
    name: &str,
    stored: &'a [SecretInfo],
    options: &ImportOptions,
) -> Action<'a> {
    let (value, length) = (&entry.value, entry.value.chars().count());
    let wrong = if !entry.is_text {
        Some("it is not a text; put a number in quotes")
    } else if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains('\0') {
        Some("its name is too long, or none")
    } else if length < credential::SHORTEST {
        Some("its value is too short")
    } else if value.len() > LONGEST_VALUE {
        Some("its value is too long")
    } else if value.contains('\0') {
        Some("its value has a NUL")
    } else if !entry.is_secret && !options.all && !credential::in_variable(&entry.name, value) {
        Some("it looks like a setting (--all imports it)")
    } else {
        None
    };
    if let Some(reason) = wrong {
        return Action::Leave(reason);
    }
    let mut named = stored.iter().filter(|secret| secret.secret_name == name);
    match (named.next(), named.next()) {
        (None, _) => Action::Store,
        (Some(_), Some(_)) => Action::Leave("several secrets have its name"),
        (Some(existing), None) if options.replace => Action::Replace(existing),
        (Some(_), None) => Action::Leave("it exists (--replace replaces it)"),
    }
}
