//! What becomes of each entry of a file.

use std::collections::HashMap;

use toolvault_core::confidential::Wiped;
use toolvault_core::pattern::MAX_NAME_CHARS;
use toolvault_vault::SecretInfo;

use super::ImportOptions;
use super::bindings::{Binding, Places};
use super::format::Entry;
use crate::credential;
use crate::value::LONGEST_VALUE;

/// A secret to store, or an entry to leave.
pub(super) struct Planned<'a> {
    pub(super) name: String,
    pub(super) value: Wiped<String>,
    /// Of a new secret.
    pub(super) binding: Option<Binding>,
    pub(super) action: Action<'a>,
}

pub(super) enum Action<'a> {
    Store,
    /// Gives an existing secret this value. Its binding stays.
    Replace(&'a SecretInfo),
    /// Leaves the entry, for a reason.
    Leave(&'static str),
}

impl Action<'_> {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Replace(_) => "replace",
            Self::Leave(_) => "leave",
        }
    }

    pub(super) const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Leave(reason) => Some(reason),
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
        let binding = places.find(&entry.name);
        let named = binding.as_ref().and_then(|binding| binding.name.clone());
        let name = named.unwrap_or_else(|| format!("{}{}", options.prefix, entry.name));
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
            name,
            value: entry.value,
            binding,
            action,
        });
    }
    planned
}

fn action<'a>(
    entry: &Entry,
    name: &str,
    stored: &'a [SecretInfo],
    options: &ImportOptions,
) -> Action<'a> {
    let (value, length) = (&entry.value, entry.value.chars().count());
    let wrong = if !entry.is_text {
        Some("it is not a text; put it in quotes")
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
