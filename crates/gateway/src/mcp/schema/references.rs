//! References after cleaning: each leads to what it led to before, and what is not referred to any more is dropped.
//!
//! What was not changed is `Tree::Kept`, and a reference in it means the original: if that was cleaned or taken out,
//! the schema cannot be cleaned. A reference to a definition that was cleaned for it is `Tree::Raw`.

use std::collections::{HashMap, HashSet};

use toolvault_core::json::{Kind, Tree, Value};

use super::document::{Document, reference_steps};
use super::error::CannotClean;

/// Where definitions are at the root.
const KEYWORDS: [&str; 2] = ["$defs", "definitions"];

/// Cleaned definitions, by the steps to them.
pub(super) type Definitions<'a> = HashMap<Vec<String>, Tree<'a>>;

/// What a value in a schema is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Root,
    Schema,
    /// Schemas by a name.
    Schemas,
}

/// The cleaned root with those definitions that it uses.
pub(super) fn assemble<'a>(
    document: &Document<'a>,
    mut root: Tree<'a>,
    mut cleaned: Definitions<'a>,
) -> Result<Tree<'a>, CannotClean> {
    let used = used(document, &root, &cleaned)?;
    for keyword in KEYWORDS {
        let Some(group) = root.get_mut(keyword)? else {
            continue;
        };
        let mut kept = Vec::new();
        for (name, tree) in group.members_mut()?.into_iter().flat_map(std::mem::take) {
            let steps = [keyword.to_owned(), name.to_string()];
            if used.contains(steps.as_slice()) {
                kept.push((name, cleaned.remove(steps.as_slice()).unwrap_or(tree)));
            }
        }
        if kept.is_empty() {
            root.remove(keyword)?;
        } else {
            root.set(keyword, Tree::Object(kept))?;
        }
    }
    Ok(root)
}

fn used<'a>(
    document: &Document<'a>,
    root: &Tree<'a>,
    cleaned: &Definitions<'a>,
) -> Result<HashSet<Vec<String>>, CannotClean> {
    let mut walk = Walk {
        document,
        root,
        cleaned,
        used: HashSet::new(),
        open: vec![(root.clone(), Part::Root)],
    };
    while let Some((tree, part)) = walk.open.pop() {
        walk.look(tree, part)?;
    }
    Ok(walk.used)
}

struct Walk<'a, 'd> {
    document: &'d Document<'a>,
    root: &'d Tree<'a>,
    cleaned: &'d Definitions<'a>,
    used: HashSet<Vec<String>>,
    open: Vec<(Tree<'a>, Part)>,
}

impl<'a> Walk<'a, '_> {
    fn look(&mut self, mut tree: Tree<'a>, part: Part) -> Result<(), CannotClean> {
        if let Tree::Kept(value) = &tree {
            if !may_refer(value.raw()) {
                return Ok(());
            }
            self.document.spend(value.raw().len())?;
        }
        if let Some(elements) = tree.elements_mut() {
            self.open
                .extend(elements.drain(..).map(|element| (element, Part::Schema)));
            return Ok(());
        }
        for (name, value) in tree.members_mut()?.into_iter().flat_map(std::mem::take) {
            let is_text = value.kind() == Kind::String;
            match &*name {
                _ if part == Part::Schemas => self.open.push((value, Part::Schema)),
                "$ref" if is_text => self.reference(&value)?,
                "$dynamicRef" | "$recursiveRef" if is_text => return Err(CannotClean::Reference),
                "$id" if is_text && part != Part::Root => return Err(CannotClean::Reference),
                name if part == Part::Root && KEYWORDS.contains(&name) => {}
                "const" | "enum" | "default" | "example" | "examples" => {}
                "properties" | "patternProperties" | "dependentSchemas" | "dependencies"
                | "$defs" | "definitions" => self.open.push((value, Part::Schemas)),
                _ => self.open.push((value, Part::Schema)),
            }
        }
        Ok(())
    }

    fn reference(&mut self, reference: &Tree<'a>) -> Result<(), CannotClean> {
        let text = reference.as_text().ok_or(CannotClean::Ambiguous)?;
        let root = self.document.root();
        let Some(steps) = reference_steps(&text) else {
            let has_uri = self
                .document
                .look(root)?
                .is_some_and(|root| root.get("$id").is_some());
            // An anchor, or perhaps this schema under its own URI.
            let is_within = text.starts_with('#') || has_uri;
            return if is_within {
                Err(CannotClean::Reference)
            } else {
                Ok(())
            };
        };
        let Some(target) = self.document.follow(root, &steps)? else {
            return Ok(());
        };
        if let Tree::Kept(_) = reference
            && !self.is_in_place(target, &steps)?
        {
            return Err(CannotClean::Reference);
        }
        let Some(definition) = steps.get(..2).filter(|_| is_in_definitions(&steps)) else {
            return Ok(());
        };
        if self.used.insert(definition.to_vec()) {
            let original = self.document.follow(root, definition)?.map(Tree::Kept);
            let tree = self.cleaned.get(definition).cloned().or(original);
            self.open.extend(tree.map(|tree| (tree, Part::Schema)));
        }
        Ok(())
    }

    /// Whether the steps lead to the original in the cleaned schema too.
    fn is_in_place(&self, target: Value<'a>, steps: &[String]) -> Result<bool, CannotClean> {
        let definition = steps.get(..2).and_then(|steps| self.cleaned.get(steps));
        let (mut tree, mut steps) = match definition {
            Some(tree) => (tree, steps.get(2..).unwrap_or_default()),
            None => (self.root, steps),
        };
        loop {
            let next = match (tree, steps.split_first()) {
                (Tree::Kept(value), _) => {
                    let found = self.document.follow(*value, steps)?;
                    let place = |value| self.document.place(value);
                    return Ok(found.is_some_and(|found| place(found) == place(target)));
                }
                (Tree::Object(members), Some((step, rest))) => {
                    self.document.spend(members.len())?;
                    let member = members.iter().find(|(name, _)| name == step);
                    member.map(|(_, tree)| (tree, rest))
                }
                (Tree::Array(elements), Some((step, rest))) => {
                    let index: Option<usize> = step.parse().ok();
                    let element = index.and_then(|index| elements.get(index));
                    element.map(|tree| (tree, rest))
                }
                _ => None,
            };
            let Some(next) = next else { return Ok(false) };
            (tree, steps) = next;
        }
    }
}

/// Whether the steps lead to definitions of the root.
pub(super) fn is_in_definitions(steps: &[String]) -> bool {
    steps
        .first()
        .is_some_and(|first| KEYWORDS.contains(&first.as_str()))
}

fn may_refer(text: &str) -> bool {
    text.contains("Ref\"") || text.contains("$ref\"") || text.contains("\\u")
}
