//! References from the schemas of visible arguments: they keep what they lead to, whatever becomes of the rest.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use toolvault_core::json::{Kind, Tree, Value};

use super::CannotClean;
use super::document::Document;

const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What is referred to from within schemas that do not describe the arguments as a whole.
pub(super) struct References<'a> {
    /// By the reference as it is spelled, what it leads to.
    pub targets: BTreeMap<String, Value<'a>>,
    /// Those that are spelled in a keyword other than `$ref`.
    pub dynamic: BTreeSet<String>,
    places: HashSet<usize>,
}

impl<'a> References<'a> {
    /// Follows all references from `nested`, and those from where they lead to. Those from `others`, which perhaps
    /// nobody uses, must lead somewhere too.
    pub(super) fn of(
        document: &Document<'a>,
        nested: &[Value<'a>],
        others: &[Value<'a>],
    ) -> Result<Self, CannotClean> {
        let mut found = Self {
            targets: BTreeMap::new(),
            dynamic: BTreeSet::new(),
            places: HashSet::new(),
        };
        let mut seen = HashSet::new();
        found.walk(document, nested, &mut seen)?;
        let places = found.places.clone();
        found.walk(document, others, &mut seen)?;
        found.places = places;
        Ok(found)
    }

    /// Whether one of them leads to `value` as a whole.
    pub(super) fn lead_to(&self, document: &Document<'a>, value: Value<'a>) -> bool {
        self.places.contains(&document.place(value))
    }

    fn walk(
        &mut self,
        document: &Document<'a>,
        from: &[Value<'a>],
        seen: &mut HashSet<usize>,
    ) -> Result<(), CannotClean> {
        let mut open = from.to_vec();
        while let Some(value) = open.pop() {
            if !may_refer(value.raw()) || !seen.insert(document.place(value)) {
                continue;
            }
            document.spend(value.raw().len())?;
            if value.kind() == Kind::Array {
                open.extend(document.elements(value)?.unwrap_or_default());
                continue;
            }
            let Some(looked) = document.look(value)? else {
                continue;
            };
            if document.has_its_own_base(value)? {
                continue;
            }
            for member in &looked.members {
                match &*member.name {
                    name if REFERENCES.contains(&name) && member.value.kind() == Kind::String => {
                        open.extend(self.follow(document, name, member.value)?);
                    }
                    "const" | "enum" | "default" | "examples" => {}
                    _ => open.push(member.value),
                }
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        document: &Document<'a>,
        keyword: &str,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, CannotClean> {
        let Some(reference) = value.as_text().transpose()? else {
            return Ok(None);
        };
        let Some(target) = document.resolve(&reference)? else {
            return Ok(None);
        };
        self.places.insert(document.place(target));
        self.targets.insert(reference.as_str().to_owned(), target);
        if keyword != "$ref" {
            self.dynamic.insert(reference.as_str().to_owned());
        }
        Ok(Some(target))
    }
}

/// Makes each `$ref` in `tree` that is spelled like a key of `moved` lead where its value says.
pub(super) fn repoint(
    tree: &mut Tree<'_>,
    moved: &BTreeMap<String, String>,
) -> Result<(), CannotClean> {
    let is_without = match &*tree {
        Tree::Kept(value) => !may_refer(value.raw()),
        Tree::Raw(raw) => !may_refer(raw),
        _ => false,
    };
    if is_without {
        return Ok(());
    }
    if let Some(members) = tree.members_mut()? {
        for (name, value) in members {
            let reference = (name == "$ref").then(|| value.as_text()).flatten();
            match reference.and_then(|reference| moved.get(reference.as_str())) {
                Some(new) => *value = Tree::text(new),
                None => repoint(value, moved)?,
            }
        }
    } else if let Some(elements) = tree.elements_mut() {
        for element in elements {
            repoint(element, moved)?;
        }
    }
    Ok(())
}

fn may_refer(text: &str) -> bool {
    text.contains("Ref\"") || text.contains("$ref\"") || text.contains("\\u")
}
