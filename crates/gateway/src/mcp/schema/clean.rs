//! The cleaning itself: a schema for the arguments becomes one for the arguments without the hidden ones.

use std::collections::{HashMap, HashSet};

use toolvault_core::json::{Member, Tree, Value};

use super::definition::DEEPEST;
use super::document::{Document, Looked, reference_steps};
use super::draft::{Cleaned, Draft};
use super::error::CannotClean;
use super::hidden::Hidden;
use super::references::{Definitions, assemble, is_in_definitions};

/// The schema of `document` without the hidden arguments, or `None` if it describes none of them.
pub(super) fn clean<'a>(
    document: &Document<'a>,
    hidden: &Hidden,
) -> Result<Option<Tree<'a>>, CannotClean> {
    let mut walk = Cleaner {
        document,
        depth: 0,
        targets: HashMap::new(),
        definitions: Definitions::new(),
    };
    let root = walk.schema(document.root(), hidden)?.changed;
    root.map(|root| assemble(document, root, walk.definitions))
        .transpose()
}

struct Cleaner<'a, 'd> {
    document: &'d Document<'a>,
    depth: usize,
    /// What references lead to, and without which members. `None` while it is being cleaned.
    targets: HashMap<(usize, &'d Hidden), Option<Effect>>,
    /// The definitions that changed.
    definitions: Definitions<'a>,
}

#[derive(Clone, Copy)]
struct Effect {
    is_changed: bool,
    is_indifferent: bool,
}

impl<'a, 'd> Cleaner<'a, 'd> {
    /// Cleans a schema that is applied to an object with hidden members.
    fn schema(&mut self, value: Value<'a>, hidden: &'d Hidden) -> Result<Cleaned<'a>, CannotClean> {
        let mut draft = Draft::new();
        let Some(looked) = self.document.members(value)? else {
            return Ok(draft.finish());
        };
        if self.document.has_own_base(value)? {
            return Err(CannotClean::Reference);
        }
        if self.depth > DEEPEST {
            return Err(CannotClean::Limit);
        }
        self.depth += 1;
        self.document.spend(looked.members.len() + 1)?;
        for member in &looked.members {
            self.member(member, &looked, hidden, &mut draft)?;
        }
        self.depth -= 1;
        let required = self.newly_required(&looked, &mut draft)?;
        draft.append("required", required);
        let also = std::mem::take(&mut draft.also);
        draft.append("allOf", also);
        Ok(draft.finish())
    }

    fn member(
        &mut self,
        member: &Member<'a>,
        siblings: &Looked<'a>,
        hidden: &'d Hidden,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let value = member.value;
        match &*member.name {
            "properties" => {
                let cleaned = self.properties(value, hidden)?;
                draft.put_cleaned(member, cleaned);
            }
            "required" => self.names(member, hidden, draft)?,
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                self.dependents(member, hidden, draft)?;
            }
            "allOf" | "anyOf" | "oneOf" => self.branches(member, siblings, hidden, draft)?,
            "not" | "if" => {
                let cleaned = self.schema(value, hidden)?;
                if !cleaned.is_indifferent {
                    return Err(CannotClean::Condition);
                }
                draft.put(member, None);
            }
            "then" | "else" => {
                let cleaned = self.schema(value, hidden)?;
                draft.put_cleaned(member, cleaned);
            }
            "$ref" => self.reference(member, hidden, draft)?,
            "$dynamicRef" | "$recursiveRef" | "extends" => return Err(CannotClean::Reference),
            "type" | "title" | "description" | "$comment" | "$defs" | "definitions" => {
                draft.put(member, None);
            }
            name => {
                draft.is_indifferent &=
                    name == "additionalProperties" && value.as_bool() == Some(true);
                match name {
                    "const" | "default" | "example" => draft.put(member, hidden.taken_from(value)?),
                    "enum" | "examples" => draft.put(member, hidden.taken_from_each(value)?),
                    "minProperties" if hidden.taken().next().is_some() => draft.is_changed = true,
                    _ => draft.put(member, None),
                }
            }
        }
        Ok(())
    }

    fn properties(
        &mut self,
        value: Value<'a>,
        hidden: &'d Hidden,
    ) -> Result<Cleaned<'a>, CannotClean> {
        let mut draft = Draft::new();
        let looked = self.document.members(value)?;
        for property in looked.iter().flat_map(|looked| &looked.members) {
            if hidden.takes(&property.name) {
                draft.is_changed = true;
            } else if let Some(inner) = hidden.within(&property.name) {
                let cleaned = self.schema(property.value, inner)?;
                draft.put_cleaned(property, cleaned);
            } else {
                draft.put(property, None);
            }
        }
        Ok(draft.finish())
    }

    /// Puts a list of names without hidden ones, or nothing if no other is left.
    fn names(
        &self,
        member: &Member<'a>,
        hidden: &Hidden,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let mut names = self.document.names(member.value)?.unwrap_or_default();
        let is_of = |name: &Option<String>, test: fn(&Hidden, &str) -> bool| {
            name.as_ref().is_some_and(|name| test(hidden, name))
        };
        draft.is_indifferent &= !names.iter().any(|(_, name)| is_of(name, Hidden::concerns));
        let before = names.len();
        names.retain(|(_, name)| !is_of(name, Hidden::takes));
        if names.len() == before {
            draft.put(member, None);
        } else if names.is_empty() {
            draft.is_changed = true;
        } else {
            let names = names.into_iter().map(|(element, _)| Tree::Kept(element));
            draft.put(member, Some(Tree::Array(names.collect())));
        }
        Ok(())
    }

    /// What depends on a hidden argument always applies, because that argument is always present.
    fn dependents(
        &mut self,
        member: &Member<'a>,
        hidden: &'d Hidden,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let mut kept = Draft::new();
        let looked = self.document.members(member.value)?;
        for entry in looked.iter().flat_map(|looked| &looked.members) {
            let is_list = entry.value.as_array().is_some();
            let is_taken = hidden.takes(&entry.name);
            kept.is_changed |= is_taken;
            kept.is_indifferent &= !hidden.concerns(&entry.name);
            if is_taken && is_list {
                let names = self.document.names(entry.value)?.unwrap_or_default();
                let names = names.into_iter().filter_map(|(_, name)| name);
                draft
                    .required
                    .extend(names.filter(|name| !hidden.takes(name)));
            } else if is_list {
                self.names(entry, hidden, &mut kept)?;
            } else {
                let cleaned = self.schema(entry.value, hidden)?;
                if is_taken {
                    draft
                        .also
                        .push(cleaned.changed.unwrap_or(Tree::Kept(entry.value)));
                } else {
                    kept.put_cleaned(entry, cleaned);
                }
            }
        }
        if kept.is_changed && kept.members.is_empty() {
            draft.is_changed = true;
        } else {
            draft.put_cleaned(member, kept.finish());
        }
        Ok(())
    }

    /// The arguments that became required and were not before, each once.
    fn newly_required(
        &self,
        looked: &Looked<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<Vec<Tree<'a>>, CannotClean> {
        let required = looked
            .get("required")
            .filter(|_| !draft.required.is_empty());
        let required = required.map(|value| self.document.names(value));
        let required = required.transpose()?.flatten().unwrap_or_default();
        let mut known: HashSet<_> = required.into_iter().filter_map(|(_, name)| name).collect();
        let more = draft
            .required
            .drain(..)
            .filter(|name| known.insert(name.clone()));
        Ok(more.map(|name| Tree::text(&name)).collect())
    }

    /// A `oneOf` becomes `anyOf` if hidden arguments matter to it: several branches may hold without them.
    fn branches(
        &mut self,
        member: &Member<'a>,
        siblings: &Looked<'a>,
        hidden: &'d Hidden,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let mut branches = Vec::new();
        let (mut is_changed, mut is_indifferent) = (false, true);
        for element in self.document.elements(member.value)?.unwrap_or_default() {
            let cleaned = self.schema(element, hidden)?;
            is_changed |= cleaned.changed.is_some();
            is_indifferent &= cleaned.is_indifferent;
            branches.push(cleaned.changed.unwrap_or(Tree::Kept(element)));
        }
        draft.is_indifferent &= is_indifferent;
        if &*member.name != "oneOf" || is_indifferent {
            draft.put(member, is_changed.then_some(Tree::Array(branches)));
            return Ok(());
        }
        draft.is_changed = true;
        let any_of = ("anyOf".into(), Tree::Array(branches));
        if siblings.get("anyOf").is_some() {
            draft.also.push(Tree::Object(vec![any_of]));
        } else {
            draft.members.push(any_of);
        }
        Ok(())
    }

    /// Cleans what a reference leads to in its place, if that is a definition. The reference stays.
    fn reference(
        &mut self,
        member: &Member<'a>,
        hidden: &'d Hidden,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let reference = member.value.as_text().ok_or(CannotClean::Ambiguous)??;
        let steps = reference_steps(&reference).ok_or(CannotClean::Reference)?;
        let target = self.document.follow(self.document.root(), &steps)?;
        let target = target.ok_or(CannotClean::Reference)?;
        let key = (self.document.place(target), hidden);
        let effect = if let Some(effect) = self.targets.get(&key) {
            effect.ok_or(CannotClean::Reference)?
        } else {
            self.targets.insert(key, None);
            let cleaned = self.schema(target, hidden)?;
            let effect = Effect {
                is_changed: cleaned.changed.is_some(),
                is_indifferent: cleaned.is_indifferent,
            };
            self.targets.insert(key, Some(effect));
            if let Some(tree) = cleaned.changed {
                let is_definition = steps.len() == 2 && is_in_definitions(&steps);
                // Two arguments may need the same definition without different members.
                if !is_definition || self.definitions.insert(steps, tree).is_some() {
                    return Err(CannotClean::Reference);
                }
            }
            effect
        };
        draft.is_indifferent &= effect.is_indifferent;
        // As `Raw`, it is known to mean the cleaned definition.
        draft.put(member, effect.is_changed.then(|| Tree::text(&reference)));
        Ok(())
    }
}
