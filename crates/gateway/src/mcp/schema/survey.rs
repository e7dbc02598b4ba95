//! What in a schema describes the arguments, and what refers to something else.

use std::collections::{BTreeSet, HashSet};

use toolvault_core::json::Value;

use super::CannotClean;
use super::document::Document;
use super::keyword::{Keyword, keyword};

/// How deep branches and references may nest that describe the arguments.
pub(super) const DEEPEST: usize = 64;

/// How what is said about the arguments is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mood {
    /// It is so, at least in one branch.
    Said,
    /// It is asked whether it is so.
    Asked,
    /// It is not so.
    Denied,
}

/// What was found.
pub(super) struct Survey<'a> {
    /// The arguments that the schema has a property for, or requires.
    pub declared: BTreeSet<String>,
    /// Schemas of visible arguments and whatever else does not describe the arguments as a whole.
    pub nested: Vec<Value<'a>>,
    /// Definitions of the root that the arguments as a whole do not use.
    pub others: Vec<Value<'a>>,
    /// Whether some of what describes the arguments is not in this schema.
    pub is_partial: bool,
}

/// Walks over everything that describes the arguments, and passes by the properties of hidden ones.
pub(super) fn survey<'a>(
    document: &Document<'a>,
    hidden: &BTreeSet<String>,
) -> Result<Survey<'a>, CannotClean> {
    let mut walk = Walk {
        document,
        hidden,
        seen: HashSet::new(),
        found: Survey {
            declared: BTreeSet::new(),
            nested: Vec::new(),
            others: Vec::new(),
            is_partial: false,
        },
    };
    walk.schema(document.root(), Mood::Said, 0)?;
    walk.others()?;
    Ok(walk.found)
}

struct Walk<'a, 'd> {
    document: &'d Document<'a>,
    hidden: &'d BTreeSet<String>,
    seen: HashSet<(usize, Mood)>,
    found: Survey<'a>,
}

impl<'a> Walk<'a, '_> {
    fn schema(&mut self, value: Value<'a>, mood: Mood, depth: usize) -> Result<(), CannotClean> {
        if !self.seen.insert((self.document.place(value), mood)) {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(CannotClean::Limit);
        }
        let Some(looked) = self.document.members(value)? else {
            return Ok(());
        };
        for member in &looked.members {
            let value = member.value;
            self.document.spend(1)?;
            match keyword(&member.name) {
                Keyword::Properties => self.properties(value, mood)?,
                Keyword::Required if mood == Mood::Said => {
                    let names = self.document.names(value)?.unwrap_or_default();
                    self.found
                        .declared
                        .extend(names.into_iter().filter_map(|(_, name)| name));
                }
                Keyword::Branches => {
                    for branch in self.document.elements(value)?.unwrap_or_default() {
                        self.schema(branch, mood, depth + 1)?;
                    }
                }
                Keyword::Dependents => self.dependents(value, mood, depth)?,
                Keyword::Not => self.schema(value, Mood::Denied, depth + 1)?,
                Keyword::If if mood == Mood::Said => self.schema(value, Mood::Asked, depth + 1)?,
                Keyword::If | Keyword::Outcome => self.schema(value, mood, depth + 1)?,
                Keyword::Reference => self.reference(value, mood, depth)?,
                Keyword::Unfollowable if depth > 0 || &*member.name != "$id" => {
                    self.found.is_partial = true;
                }
                Keyword::Definitions => {}
                _ => self.found.nested.push(value),
            }
        }
        Ok(())
    }

    fn others(&mut self) -> Result<(), CannotClean> {
        let Some(root) = self.document.look(self.document.root())? else {
            return Ok(());
        };
        for group in ["$defs", "definitions"].map(|keyword| root.get(keyword)) {
            let definitions = group
                .map(|group| self.document.look(group))
                .transpose()?
                .flatten();
            for definition in definitions.iter().flat_map(|looked| &looked.members) {
                let place = self.document.place(definition.value);
                let moods = [Mood::Said, Mood::Asked, Mood::Denied];
                if !moods.iter().any(|mood| self.seen.contains(&(place, *mood))) {
                    self.found.others.push(definition.value);
                }
            }
        }
        Ok(())
    }

    fn properties(&mut self, value: Value<'a>, mood: Mood) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(value)? else {
            return Ok(());
        };
        for member in &looked.members {
            if mood != Mood::Denied && member.value.as_bool() != Some(false) {
                self.found.declared.insert(member.name.to_string());
            }
            if !self.hidden.contains(&*member.name) {
                self.found.nested.push(member.value);
            }
        }
        Ok(())
    }

    fn dependents(
        &mut self,
        value: Value<'a>,
        mood: Mood,
        depth: usize,
    ) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(value)? else {
            return Ok(());
        };
        for member in &looked.members {
            if member.value.as_array().is_none() {
                self.schema(member.value, mood, depth + 1)?;
            }
        }
        Ok(())
    }

    fn reference(&mut self, value: Value<'a>, mood: Mood, depth: usize) -> Result<(), CannotClean> {
        let reference = value.as_text().ok_or(CannotClean::Ambiguous)??;
        let Some(target) = self.document.resolve(&reference)? else {
            self.found.is_partial = true;
            return Ok(());
        };
        self.schema(target, mood, depth + 1)
    }
}
