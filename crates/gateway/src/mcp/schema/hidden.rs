//! Which arguments are hidden: a tree of member names whose leaves are taken out.

use std::collections::{BTreeMap, BTreeSet};

use toolvault_core::json::{Tree, Value};
use toolvault_core::pointer::ArgumentPath;

use super::document::repeats_a_name;
use super::error::CannotClean;

/// The hidden members of one object, by name. A member without hidden members of its own is hidden itself.
#[derive(Default, PartialEq, Eq, Hash)]
pub(super) struct Hidden(BTreeMap<String, Hidden>);

impl Hidden {
    /// Reads names of arguments and JSON Pointers. A pointer wins over the name of the argument that holds it.
    pub(super) fn of(arguments: &BTreeSet<String>) -> Self {
        let mut root = Self::default();
        for argument in arguments {
            let Ok(path) = ArgumentPath::parse(argument) else {
                continue;
            };
            let mut at = &mut root;
            for name in path.steps() {
                at = at.0.entry(name.into_owned()).or_default();
            }
        }
        root
    }

    /// Whether the member of that name is hidden as a whole.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|inner| inner.0.is_empty())
    }

    /// The hidden members of the member of that name, if it has some.
    pub(super) fn within(&self, name: &str) -> Option<&Self> {
        self.0.get(name).filter(|inner| !inner.0.is_empty())
    }

    /// Whether the name is on a path to a hidden member.
    pub(super) fn concerns(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of the members that are hidden as a whole.
    pub(super) fn taken(&self) -> impl Iterator<Item = &str> {
        let taken = self.0.iter().filter(|(_, inner)| inner.0.is_empty());
        taken.map(|(name, _)| name.as_str())
    }

    /// Whether JSON text without `\u` may name a hidden member.
    pub(super) fn may_be_named_in(&self, text: &str) -> bool {
        let is_escaped =
            |character: char| character.is_control() || matches!(character, '"' | '\\' | '/');
        self.0.iter().any(|(name, inner)| {
            let is_here = name.contains(is_escaped) || text.contains(name.as_str());
            is_here && (inner.0.is_empty() || inner.may_be_named_in(text))
        })
    }

    /// An object without its hidden members, or `None` if it has none.
    pub(super) fn taken_from<'a>(&self, value: Value<'a>) -> Result<Option<Tree<'a>>, CannotClean> {
        let Some(object) = value.as_object() else {
            return Ok(None);
        };
        if repeats_a_name(object)? {
            return Err(CannotClean::Ambiguous);
        }
        let mut kept = Vec::new();
        let mut is_changed = false;
        for member in object.members()? {
            if self.takes(&member.name) {
                is_changed = true;
                continue;
            }
            let inner = self.within(&member.name);
            let cleaned = inner.map(|inner| inner.taken_from(member.value));
            let cleaned = cleaned.transpose()?.flatten();
            is_changed |= cleaned.is_some();
            kept.push((member.name, cleaned.unwrap_or(Tree::Kept(member.value))));
        }
        Ok(is_changed.then_some(Tree::Object(kept)))
    }

    /// An object, or a list of objects, without hidden members, or `None` if it has none.
    pub(super) fn taken_from_each<'a>(
        &self,
        value: Value<'a>,
    ) -> Result<Option<Tree<'a>>, CannotClean> {
        let Some(array) = value.as_array() else {
            return self.taken_from(value);
        };
        let mut is_changed = false;
        let mut elements = Vec::new();
        for element in array.elements() {
            let cleaned = self.taken_from(element)?;
            is_changed |= cleaned.is_some();
            elements.push(cleaned.unwrap_or(Tree::Kept(element)));
        }
        Ok(is_changed.then_some(Tree::Array(elements)))
    }
}
