//! Branches: `allOf`, `anyOf`, `oneOf`, `not` and `if`.

use std::borrow::Cow;

use toolvault_core::json::{Member, Tree, Value};

use super::super::CannotClean;
use super::super::document::Looked;
use super::{Cleaned, Cleaner, Draft};

impl<'a> Cleaner<'a, '_> {
    /// A `oneOf` of which a branch changed, or says nothing certain any more, becomes `anyOf`: two may hold now.
    pub(super) fn branches(
        &mut self,
        member: &Member<'a>,
        siblings: &Looked<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let Some(elements) = self.document.elements(member.value)? else {
            draft.keep(member);
            return Ok(());
        };
        let mut branches = Vec::with_capacity(elements.len());
        let (mut is_changed, mut is_exact) = (false, true);
        for element in elements {
            let cleaned = self.schema(element)?;
            is_changed |= cleaned.is_changed;
            is_exact &= cleaned.is_exact;
            branches.push(cleaned.tree);
        }
        let is_widened = &*member.name == "oneOf" && (is_changed || !is_exact);
        draft.is_exact &= is_exact && !is_widened;
        if is_widened && siblings.get("anyOf").is_some() {
            draft.is_changed = true;
            draft.also.push(any_of(branches));
        } else if is_widened {
            draft.put_changed(Cow::Borrowed("anyOf"), Tree::Array(branches));
        } else if is_changed {
            draft.put_changed(member.name.clone(), Tree::Array(branches));
        } else {
            draft.keep(member);
        }
        Ok(())
    }

    /// A `not` stays while what it denies is exact, and would not deny everything now.
    pub(super) fn not(
        &mut self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let cleaned = self.schema(member.value)?;
        let denies_all = cleaned.is_changed && is_empty(&cleaned.tree);
        if cleaned.is_exact && !denies_all {
            draft.put_cleaned(member.name.clone(), cleaned);
        } else {
            draft.is_changed = true;
            draft.is_exact = false;
        }
        Ok(())
    }

    /// An `if` stays while it is exact; or else either it and `then` hold, or `else` does.
    pub(super) fn condition(
        &mut self,
        member: &Member<'a>,
        siblings: &Looked<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let condition = self.schema(member.value)?;
        let then = self.outcome(siblings.get("then"))?;
        let otherwise = self.outcome(siblings.get("else"))?;
        if condition.is_exact {
            draft.put_cleaned(member.name.clone(), condition);
            for (name, outcome) in [("then", then), ("else", otherwise)] {
                if let Some(cleaned) = outcome {
                    draft.put_cleaned(Cow::Borrowed(name), cleaned);
                }
            }
            return Ok(());
        }
        draft.is_changed = true;
        draft.is_exact = false;
        let mut held = vec![condition.tree];
        held.extend(then.map(|cleaned| cleaned.tree));
        let all = Tree::Object(vec![(Cow::Borrowed("allOf"), Tree::Array(held))]);
        let otherwise = otherwise.map_or_else(Tree::object, |cleaned| cleaned.tree);
        draft.also.push(any_of(vec![all, otherwise]));
        Ok(())
    }

    fn outcome(&mut self, value: Option<Value<'a>>) -> Result<Option<Cleaned<'a>>, CannotClean> {
        value.map(|value| self.schema(value)).transpose()
    }
}

fn any_of(branches: Vec<Tree<'_>>) -> Tree<'_> {
    Tree::Object(vec![(Cow::Borrowed("anyOf"), Tree::Array(branches))])
}

fn is_empty(tree: &Tree<'_>) -> bool {
    matches!(tree, Tree::Object(members) if members.is_empty())
}
