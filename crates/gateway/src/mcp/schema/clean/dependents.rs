//! What is required, always or beside another argument.

use std::borrow::Cow;

use toolvault_core::json::{Member, Tree, Value};

use super::super::CannotClean;
use super::super::document::Looked;
use super::{Cleaner, Draft};

impl<'a> Cleaner<'a, '_> {
    pub(super) fn required(
        &self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        match self.list(member.value, draft)? {
            None => draft.keep(member),
            Some(names) if names.is_empty() => draft.is_changed = true,
            Some(names) => draft.put_changed(member.name.clone(), Tree::Array(names)),
        }
        Ok(())
    }

    /// `dependentRequired`, `dependentSchemas` and what was both before them, `dependencies`.
    pub(super) fn dependents(
        &mut self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(member.value)? else {
            draft.keep(member);
            return Ok(());
        };
        let mut kept = Vec::with_capacity(looked.members.len());
        let mut is_changed = false;
        for entry in &looked.members {
            let is_list = entry.value.as_array().is_some();
            if self.hidden.contains(&*entry.name) {
                is_changed = true;
                self.depends_on_hidden(entry, draft)?;
            } else if is_list {
                match self.list(entry.value, draft)? {
                    None => kept.push((entry.name.clone(), Tree::Kept(entry.value))),
                    Some(names) => {
                        is_changed = true;
                        if !names.is_empty() {
                            kept.push((entry.name.clone(), Tree::Array(names)));
                        }
                    }
                }
            } else {
                let cleaned = self.schema(entry.value)?;
                is_changed |= cleaned.is_changed;
                draft.is_exact &= cleaned.is_exact;
                kept.push((entry.name.clone(), cleaned.tree));
            }
        }
        if !is_changed {
            draft.keep(member);
        } else if kept.is_empty() {
            draft.is_changed = true;
        } else {
            draft.put_changed(member.name.clone(), Tree::Object(kept));
        }
        Ok(())
    }

    /// What holds because a hidden argument is there; nothing, if it never is.
    fn depends_on_hidden(
        &mut self,
        entry: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        if !self.filled.iter().any(|name| **name == *entry.name) {
            return Ok(());
        }
        if entry.value.as_array().is_none() {
            let cleaned = self.schema(entry.value)?;
            draft.is_exact &= cleaned.is_exact;
            draft.also.push(cleaned.tree);
            return Ok(());
        }
        for (_, name) in self.document.names(entry.value)?.unwrap_or_default() {
            match name {
                Some(name) if !self.hidden.contains(&name) => draft.required.push(name),
                Some(name) => draft.is_exact &= self.filled.contains(&name),
                None => {}
            }
        }
        Ok(())
    }

    /// Names without the hidden ones; none if there were none.
    fn list(
        &self,
        value: Value<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<Option<Vec<Tree<'a>>>, CannotClean> {
        let Some(names) = self.document.names(value)? else {
            return Ok(None);
        };
        let before = names.len();
        let mut kept = Vec::with_capacity(before);
        for (element, name) in names {
            match name.filter(|name| self.hidden.contains(name)) {
                Some(name) => draft.is_exact &= self.filled.contains(&name),
                None => kept.push(Tree::Kept(element)),
            }
        }
        Ok((kept.len() < before).then_some(kept))
    }

    /// Leaves of the arguments that became required each once, and none that were before.
    pub(super) fn drop_known_requirements(
        &self,
        looked: &Looked<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        if draft.required.is_empty() {
            return Ok(());
        }
        let known = looked
            .get("required")
            .map(|value| self.document.names(value));
        let known = known.transpose()?.flatten().unwrap_or_default();
        let mut seen: std::collections::HashSet<Cow<'_, str>> = known
            .iter()
            .filter_map(|(_, name)| name.as_deref().map(Cow::Borrowed))
            .collect();
        draft
            .required
            .retain(|name| seen.insert(Cow::Owned(name.clone())));
        Ok(())
    }
}
