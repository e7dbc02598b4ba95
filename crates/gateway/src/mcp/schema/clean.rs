//! The cleaning itself: a schema for the arguments becomes one for the arguments without the hidden ones.
//!
//! Each step tells whether the result is *exact*, so that it holds for the visible arguments if and only if the original
//! holds for all of them, whatever the values of the hidden ones are. What is not exact is wider, and must not
//! stand in a `not`, an `if` or a `oneOf`. `branches` has those, `dependents` and `names` what speaks of names, `instances`
//! whole sets of arguments, and `definitions` what is referred to.

mod branches;
mod definitions;
mod dependents;
pub(super) mod instances;
mod names;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use toolvault_core::json::{Member, Members, Tree, Value};

use self::definitions::{Copied, Definitions};
use self::instances::{mentions, without_members};
use super::CannotClean;
use super::document::{Document, Looked};
use super::keyword::{Keyword, keyword};
use super::references::References;
use super::survey::{DEEPEST, survey};

/// The schema of `document` without the hidden arguments; none if it describes none of them.
pub(super) fn clean<'a>(
    document: &Document<'a>,
    hidden: &BTreeSet<String>,
) -> Result<Option<Tree<'a>>, CannotClean> {
    let survey = survey(document, hidden)?;
    if survey.is_partial {
        return Err(CannotClean::Reference);
    }
    let references = References::of(document, &survey.nested, &survey.others)?;
    let mut cleaner = Cleaner {
        document,
        hidden,
        filled: hidden.intersection(&survey.declared).collect(),
        references: &references,
        depth: 0,
        open: HashSet::from([0]),
        copies: HashMap::new(),
        definitions: Definitions::new(document)?,
    };
    let root = cleaner.schema(document.root())?;
    if !root.is_changed {
        return Ok(None);
    }
    let tree = cleaner
        .definitions
        .assemble(document, hidden, root.tree, &references)?;
    Ok(Some(tree))
}

struct Cleaner<'a, 'd> {
    document: &'d Document<'a>,
    hidden: &'d BTreeSet<String>,
    /// Hidden arguments that are there in every call that reaches the server.
    filled: BTreeSet<&'d String>,
    references: &'d References<'a>,
    depth: usize,
    /// Where the references start and lead that are being followed.
    open: HashSet<usize>,
    copies: HashMap<usize, Copied>,
    definitions: Definitions<'a>,
}

/// What became of a schema.
struct Cleaned<'a> {
    tree: Tree<'a>,
    /// Whether it says something else than before, or says it elsewhere.
    is_changed: bool,
    is_exact: bool,
}

/// A schema that is being put together again.
struct Draft<'a> {
    members: Members<'a>,
    /// Arguments that are required because a hidden one is there.
    required: Vec<String>,
    /// Schemas that hold beside the others.
    also: Vec<Tree<'a>>,
    is_changed: bool,
    is_exact: bool,
}

impl<'a> Draft<'a> {
    fn keep(&mut self, member: &Member<'a>) {
        self.put(member.name.clone(), Tree::Kept(member.value));
    }

    fn put(&mut self, name: Cow<'a, str>, tree: Tree<'a>) {
        self.members.push((name, tree));
    }

    fn put_changed(&mut self, name: Cow<'a, str>, tree: Tree<'a>) {
        self.is_changed = true;
        self.put(name, tree);
    }

    /// Puts a schema that was cleaned.
    fn put_cleaned(&mut self, name: Cow<'a, str>, cleaned: Cleaned<'a>) {
        self.is_changed |= cleaned.is_changed;
        self.is_exact &= cleaned.is_exact;
        self.put(name, cleaned.tree);
    }

    fn finish(mut self, value: Value<'a>) -> Cleaned<'a> {
        let tree = if self.is_changed {
            let required = std::mem::take(&mut self.required);
            let required = required.iter().map(|name| Tree::text(name)).collect();
            self.append("required", required);
            let also = std::mem::take(&mut self.also);
            self.append("allOf", also);
            Tree::Object(self.members)
        } else {
            Tree::Kept(value)
        };
        Cleaned {
            tree,
            is_changed: self.is_changed,
            is_exact: self.is_exact,
        }
    }

    fn append(&mut self, name: &'static str, more: Vec<Tree<'a>>) {
        if more.is_empty() {
            return;
        }
        let list = self.members.iter_mut().find(|(other, _)| other == name);
        match list.and_then(|(_, tree)| tree.elements_mut()) {
            Some(elements) => elements.extend(more),
            None => self.put(Cow::Borrowed(name), Tree::Array(more)),
        }
    }
}

impl<'a> Cleaner<'a, '_> {
    fn schema(&mut self, value: Value<'a>) -> Result<Cleaned<'a>, CannotClean> {
        let mut draft = Draft {
            members: Vec::new(),
            required: Vec::new(),
            also: Vec::new(),
            is_changed: false,
            is_exact: true,
        };
        let Some(looked) = self.document.members(value)? else {
            return Ok(draft.finish(value));
        };
        if self.depth > DEEPEST {
            return Err(CannotClean::Limit);
        }
        self.depth += 1;
        self.document.spend(looked.members.len())?;
        for member in &looked.members {
            self.member(member, &looked, &mut draft)?;
        }
        self.depth -= 1;
        self.drop_known_requirements(&looked, &mut draft)?;
        Ok(draft.finish(value))
    }

    fn member(
        &mut self,
        member: &Member<'a>,
        siblings: &Looked<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        match keyword(&member.name) {
            Keyword::Properties => self.properties(member, draft)?,
            Keyword::Required => self.required(member, draft)?,
            Keyword::Dependents => self.dependents(member, draft)?,
            Keyword::Branches => self.branches(member, siblings, draft)?,
            Keyword::Not => self.not(member, draft)?,
            Keyword::If => self.condition(member, siblings, draft)?,
            Keyword::Outcome if siblings.get("if").is_some() => {}
            Keyword::Outcome => {
                let cleaned = self.schema(member.value)?;
                draft.put_cleaned(member.name.clone(), cleaned);
            }
            Keyword::Reference => self.reference(member, draft)?,
            Keyword::PropertyNames => self.property_names(member, draft)?,
            Keyword::Patterns => self.patterns(member, draft)?,
            Keyword::Others => {
                draft.is_exact &= self.filled.is_empty() || self.is_trivial(member.value)?;
                draft.keep(member);
            }
            Keyword::Count => self.count(member, draft),
            Keyword::Instance | Keyword::Instances => {
                draft.is_exact &= self.filled.is_empty();
                self.shown(member, keyword(&member.name) == Keyword::Instances, draft)?;
            }
            Keyword::Shown => self.shown(member, false, draft)?,
            Keyword::ManyShown => self.shown(member, true, draft)?,
            Keyword::Discriminator => self.discriminator(member, draft)?,
            Keyword::Unfollowable | Keyword::Definitions | Keyword::Other => draft.keep(member),
            Keyword::Unknown => self.unknown(member, draft)?,
        }
        Ok(())
    }

    fn properties(&self, member: &Member<'a>, draft: &mut Draft<'a>) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(member.value)? else {
            draft.keep(member);
            return Ok(());
        };
        let mut kept = Vec::with_capacity(looked.members.len());
        for property in &looked.members {
            if self.hidden.contains(&*property.name) {
                draft.is_exact &= self.is_trivial(property.value)?;
            } else {
                kept.push((property.name.clone(), Tree::Kept(property.value)));
            }
        }
        if kept.len() == looked.members.len() {
            draft.keep(member);
        } else {
            draft.put_changed(member.name.clone(), Tree::Object(kept));
        }
        Ok(())
    }

    /// Takes those that are filled in from the number of arguments that there must or may be.
    fn count(&self, member: &Member<'a>, draft: &mut Draft<'a>) {
        let count = member.value.as_number().and_then(|text| {
            let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
                if fraction.bytes().all(|byte| byte == b'0') {
                    whole
                } else {
                    text
                }
            });
            whole.parse::<usize>().ok()
        });
        let filled = self.filled.len();
        match count {
            Some(count) if filled > 0 && count > 0 => {
                draft.is_exact &= count >= filled || &*member.name == "minProperties";
                let left = count.saturating_sub(filled).to_string();
                draft.put_changed(member.name.clone(), Tree::Raw(left.into()));
            }
            Some(0) if &*member.name == "minProperties" => draft.keep(member),
            _ => {
                draft.is_exact &= self.filled.is_empty();
                draft.keep(member);
            }
        }
    }

    fn shown(
        &self,
        member: &Member<'a>,
        is_list: bool,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        self.document.spend(member.value.raw().len())?;
        let is_list = is_list && member.value.as_array().is_some();
        let cleaned = if is_list || member.value.as_object().is_some() {
            without_members(member.value, self.hidden)?
        } else {
            None
        };
        match cleaned {
            Some(tree) => draft.put_changed(member.name.clone(), tree),
            None => draft.keep(member),
        }
        Ok(())
    }

    fn discriminator(&self, member: &Member<'a>, draft: &mut Draft<'a>) -> Result<(), CannotClean> {
        let looked = self.document.look(member.value)?;
        let name = looked.and_then(|looked| looked.get("propertyName"));
        if name.map(|name| mentions(name, self.hidden)).transpose()? == Some(true) {
            draft.is_changed = true;
        } else {
            draft.keep(member);
        }
        Ok(())
    }

    /// A schema that holds for everything.
    fn is_trivial(&self, value: Value<'a>) -> Result<bool, CannotClean> {
        let is_empty = self
            .document
            .look(value)?
            .is_some_and(|looked| looked.members.is_empty());
        Ok(is_empty || value.as_bool() == Some(true))
    }
}
