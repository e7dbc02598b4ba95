//! References and what they lead to: cleaned where it stands if nothing else refers to it, or else as a copy.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use toolvault_core::json::{Member, Tree, Value};

use super::super::CannotClean;
use super::super::document::{Document, Home};
use super::super::references::{References, repoint};
use super::{Cleaned, Cleaner, Draft};

/// What belongs to the schema as a document, and not into a copy of its root.
const OF_THE_DOCUMENT: [&str; 5] = ["$schema", "$id", "$anchor", "$defs", "definitions"];

/// What became of that to which a reference leads.
pub(super) struct Copied {
    /// The reference to its copy; none if it stands where it did.
    reference: Option<String>,
    is_changed: bool,
    is_exact: bool,
}

/// Definitions that were cleaned or added.
pub(super) struct Definitions<'a> {
    keyword: &'static str,
    taken: HashSet<String>,
    last: usize,
    replaced: Vec<(&'static str, Cow<'a, str>, Tree<'a>)>,
    added: Vec<(String, Tree<'a>)>,
    /// References to what is unchanged, but may not stay where it is.
    unsettled: BTreeMap<String, Value<'a>>,
}

impl<'a> Cleaner<'a, '_> {
    pub(super) fn reference(
        &mut self,
        member: &Member<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), CannotClean> {
        let reference = member.value.as_text().ok_or(CannotClean::Ambiguous)??;
        let target = self
            .document
            .resolve(&reference)?
            .ok_or(CannotClean::Reference)?;
        let place = self.document.place(target);
        if !self.copies.contains_key(&place) {
            if !self.open.insert(place) {
                return Err(CannotClean::Reference);
            }
            let cleaned = self.schema(target)?;
            self.open.remove(&place);
            let copied = self.settle(&reference, target, cleaned)?;
            self.copies.insert(place, copied);
        }
        let Some(copied) = self.copies.get(&place) else {
            return Ok(());
        };
        draft.is_exact &= copied.is_exact;
        draft.is_changed |= copied.is_changed;
        match &copied.reference {
            Some(reference) => draft.put(member.name.clone(), Tree::text(reference)),
            None => draft.keep(member),
        }
        Ok(())
    }

    fn settle(
        &mut self,
        reference: &str,
        target: Value<'a>,
        cleaned: Cleaned<'a>,
    ) -> Result<Copied, CannotClean> {
        let home = self.document.home(target)?;
        let mut copied = Copied {
            reference: None,
            is_changed: cleaned.is_changed,
            is_exact: cleaned.is_exact,
        };
        match home {
            Home::Definition(..) if !cleaned.is_changed => {}
            Home::Definition(keyword, name) if !self.references.lead_to(self.document, target) => {
                self.definitions
                    .replaced
                    .push((keyword, name, cleaned.tree));
            }
            _ if !cleaned.is_changed => {
                self.definitions
                    .unsettled
                    .insert(reference.to_owned(), target);
            }
            _ => {
                copyable(target)?;
                copied.reference = Some(self.definitions.add(cleaned.tree));
            }
        }
        Ok(copied)
    }
}

impl<'a> Definitions<'a> {
    pub(super) fn new(document: &Document<'a>) -> Result<Self, CannotClean> {
        let root = document.look(document.root())?;
        let group = |keyword: &'static str| Some((keyword, root.as_ref()?.get(keyword)?));
        let (keyword, taken) = match group("$defs").or_else(|| group("definitions")) {
            Some((keyword, value)) => (keyword, document.members(value)?),
            None => ("$defs", None),
        };
        let taken = taken.iter().flat_map(|looked| &looked.members);
        Ok(Self {
            keyword,
            taken: taken.map(|member| member.name.to_string()).collect(),
            last: 0,
            replaced: Vec::new(),
            added: Vec::new(),
            unsettled: BTreeMap::new(),
        })
    }

    /// Adds a definition under a name of its own, and returns the reference to it.
    fn add(&mut self, tree: Tree<'a>) -> String {
        let name = loop {
            self.last += 1;
            let name = format!("arguments-{}", self.last);
            if !self.taken.contains(&name) {
                break name;
            }
        };
        let reference = format!("#/{}/{name}", self.keyword);
        self.added.push((name, tree));
        reference
    }

    /// The root with its definitions, in which every reference leads to what it led to.
    pub(super) fn assemble(
        mut self,
        document: &Document<'a>,
        hidden: &BTreeSet<String>,
        mut root: Tree<'a>,
        references: &References<'a>,
    ) -> Result<Tree<'a>, CannotClean> {
        let moved = self.move_targets(document, hidden, references)?;
        for (keyword, name, tree) in self.replaced {
            if let Some(group) = root.get_mut(keyword)? {
                group.set(&name, tree)?;
            }
        }
        if !self.added.is_empty() {
            if root.get_mut(self.keyword)?.is_none() {
                root.set(self.keyword, Tree::object())?;
            }
            if let Some(group) = root.get_mut(self.keyword)?
                && let Some(members) = group.members_mut()?
            {
                members.extend(
                    self.added
                        .into_iter()
                        .map(|(name, tree)| (name.into(), tree)),
                );
            }
        }
        if !moved.is_empty() {
            repoint(&mut root, &moved)?;
        }
        Ok(root)
    }

    /// Copies what references lead to that no longer stands where it did, as it was.
    fn move_targets(
        &mut self,
        document: &Document<'a>,
        hidden: &BTreeSet<String>,
        references: &References<'a>,
    ) -> Result<BTreeMap<String, String>, CannotClean> {
        let mut moved = BTreeMap::new();
        let mut copies: HashMap<usize, String> = HashMap::new();
        let unsettled = std::mem::take(&mut self.unsettled);
        let replaced = self
            .replaced
            .iter()
            .map(|(keyword, name, _)| (*keyword, name.clone()));
        let replaced: HashSet<_> = replaced.collect();
        for (reference, target) in unsettled.iter().chain(&references.targets) {
            let stays = match document.home(*target)? {
                Home::Definition(..) => true,
                Home::Within(keyword, name, property) => {
                    !replaced.contains(&(keyword, name))
                        || property.is_some_and(|name| !hidden.contains(&*name))
                }
                Home::Property(name) => !hidden.contains(&*name),
                Home::Elsewhere => false,
            };
            if stays {
                continue;
            }
            if references.dynamic.contains(reference) {
                return Err(CannotClean::Reference);
            }
            let place = document.place(*target);
            let copy = match copies.get(&place) {
                Some(copy) => copy.clone(),
                None => self.add(whole(document, *target)?),
            };
            copies.insert(place, copy.clone());
            moved.insert(reference.clone(), copy);
        }
        Ok(moved)
    }
}

/// A schema as a definition: of the root, only what it says.
fn whole<'a>(document: &Document<'a>, target: Value<'a>) -> Result<Tree<'a>, CannotClean> {
    document.spend(target.raw().len())?;
    let mut tree = Tree::Kept(target);
    if document.place(target) == 0 {
        for name in OF_THE_DOCUMENT {
            tree.remove(name)?;
        }
    } else {
        copyable(target)?;
    }
    Ok(tree)
}

/// Two schemas of one name would make every reference to it ambiguous.
fn copyable(target: Value<'_>) -> Result<(), CannotClean> {
    let has_name = ["$anchor\"", "$dynamicAnchor\"", "$id\"", "\\u"];
    if has_name.iter().any(|name| target.raw().contains(name)) {
        return Err(CannotClean::Reference);
    }
    Ok(())
}
