//! Where a schema speaks of names as such: `propertyNames`, patterns, and keywords that nobody knows.

use toolvault_core::json::{Kind, Member, Tree, Value};

use super::super::CannotClean;
use super::super::survey::DEEPEST;
use super::instances::{mentions, without_members};
use super::{Cleaner, Draft};

/// How a pattern spells the name of a hidden argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Not at all.
    Not,
    /// It matches that name only.
    Only,
    /// Among other things.
    Among,
}

impl<'a> Cleaner<'a, '_> {
    /// No visible argument is called like a hidden one, so that to list it or not is the same for them.
    pub(super) fn property_names(
        &self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        draft.is_exact &= self.filled.is_empty() || self.is_trivial(member.value)?;
        match self.name(member.value, 0)? {
            Some(tree) => draft.put_changed(member.name.clone(), tree),
            None => draft.keep(member),
        }
        Ok(())
    }

    pub(super) fn patterns(
        &self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(member.value)? else {
            draft.keep(member);
            return Ok(());
        };
        draft.is_exact &= self.filled.is_empty() || looked.members.is_empty();
        let mut kept = Vec::with_capacity(looked.members.len());
        for entry in &looked.members {
            match self.spelling(&entry.name)? {
                Spelling::Not => kept.push((entry.name.clone(), Tree::Kept(entry.value))),
                Spelling::Only => {}
                Spelling::Among => return Err(CannotClean::Pattern),
            }
        }
        if kept.len() == looked.members.len() {
            draft.keep(member);
        } else if kept.is_empty() {
            draft.is_changed = true;
        } else {
            draft.put_changed(member.name.clone(), Tree::Object(kept));
        }
        Ok(())
    }

    /// Lists of names, members called so and the name itself leave a keyword whose meaning is unknown.
    pub(super) fn unknown(
        &self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        self.document.spend(member.value.raw().len())?;
        let cleaned = match member.value.kind() {
            Kind::Array => self.unlisted(member.value)?.map(Tree::Array),
            Kind::Object => without_members(member.value, self.hidden)?,
            _ if mentions(member.value, self.hidden)? => {
                draft.is_changed = true;
                return Ok(());
            }
            _ => None,
        };
        match cleaned {
            Some(tree) => draft.put_changed(member.name.clone(), tree),
            None => draft.keep(member),
        }
        Ok(())
    }

    /// A schema for a name, which is no hidden one; none if it is as before.
    fn name(&self, value: Value<'a>, depth: usize) -> Result<Option<Tree<'a>>, CannotClean> {
        let Some(looked) = self.document.members(value)? else {
            return Ok(None);
        };
        if depth > DEEPEST {
            return Err(CannotClean::Limit);
        }
        let mut parts = Vec::with_capacity(looked.members.len());
        let mut is_changed = false;
        for member in &looked.members {
            let part = match &*member.name {
                "const" | "default" if mentions(member.value, self.hidden)? => Some(never()),
                "enum" | "examples" => self.unlisted(member.value)?.map(Tree::Array),
                "pattern" => {
                    let pattern = member.value.as_text().transpose()?;
                    let spelling = pattern.map(|pattern| self.spelling(&pattern)).transpose()?;
                    match spelling.unwrap_or(Spelling::Not) {
                        Spelling::Not => None,
                        Spelling::Only => Some(never()),
                        Spelling::Among => return Err(CannotClean::Pattern),
                    }
                }
                "allOf" | "anyOf" | "oneOf" => self.name_branches(member.value, depth)?,
                "not" | "if" | "then" | "else" => self.name(member.value, depth + 1)?,
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    self.leads_to_other_names(member.value)?;
                    None
                }
                _ => None,
            };
            let is_impossible = match &part {
                Some(Tree::Array(names)) => &*member.name == "enum" && names.is_empty(),
                Some(Tree::Raw(_)) => matches!(&*member.name, "const" | "pattern"),
                _ => false,
            };
            if is_impossible {
                return Ok(Some(never()));
            }
            is_changed |= part.is_some();
            if &*member.name != "default" || part.is_none() {
                parts.push((
                    member.name.clone(),
                    part.unwrap_or(Tree::Kept(member.value)),
                ));
            }
        }
        Ok(is_changed.then_some(Tree::Object(parts)))
    }

    fn name_branches(
        &self,
        value: Value<'a>,
        depth: usize,
    ) -> Result<Option<Tree<'a>>, CannotClean> {
        let mut is_changed = false;
        let mut branches = Vec::new();
        for element in self.document.elements(value)?.unwrap_or_default() {
            let cleaned = self.name(element, depth + 1)?;
            is_changed |= cleaned.is_some();
            branches.push(cleaned.unwrap_or(Tree::Kept(element)));
        }
        Ok(is_changed.then_some(Tree::Array(branches)))
    }

    /// A definition of names is not copied: one that may list a hidden one cannot be cleaned.
    fn leads_to_other_names(&self, value: Value<'a>) -> Result<(), CannotClean> {
        let reference = value.as_text().ok_or(CannotClean::Ambiguous)??;
        let target = self
            .document
            .resolve(&reference)?
            .ok_or(CannotClean::Reference)?;
        let text = target.raw();
        self.document.spend(text.len())?;
        let may_name = text.contains("\\u")
            || text.contains("$ref")
            || self.hidden.iter().any(|name| text.contains(name.as_str()));
        if may_name {
            Err(CannotClean::Reference)
        } else {
            Ok(())
        }
    }

    /// A list without hidden names; none if it held none.
    fn unlisted(&self, value: Value<'a>) -> Result<Option<Vec<Tree<'a>>>, CannotClean> {
        let Some(array) = value.as_array() else {
            return Ok(None);
        };
        self.document.spend(value.raw().len())?;
        let (mut kept, mut is_changed) = (Vec::new(), false);
        for element in array.elements() {
            if mentions(element, self.hidden)? {
                is_changed = true;
            } else {
                kept.push(Tree::Kept(element));
            }
        }
        Ok(is_changed.then_some(kept))
    }

    /// Looks for the names as they are spelled, as whole words; `\` before a character means nothing here.
    fn spelling(&self, pattern: &str) -> Result<Spelling, CannotClean> {
        self.document.spend(pattern.len() * self.hidden.len())?;
        let plain = pattern.replace('\\', "");
        let mut found = Spelling::Not;
        for name in self.hidden {
            let only = plain
                .strip_prefix('^')
                .and_then(|rest| rest.strip_suffix('$'));
            if only == Some(name) {
                return Ok(Spelling::Only);
            }
            if has_word(&plain, name) {
                found = Spelling::Among;
            }
        }
        Ok(found)
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_inside = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + word.len()..)
            .and_then(|after| after.chars().next());
        !before.is_some_and(is_inside) && !after.is_some_and(is_inside)
    })
}

/// The schema that nothing satisfies.
fn never<'a>() -> Tree<'a> {
    Tree::Raw("false".to_owned().into())
}
