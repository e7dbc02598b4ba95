//! A schema that is being cleaned, and the outcome.

use toolvault_core::json::{Member, Members, Tree};

/// What cleaning a schema did.
pub(super) struct Cleaned<'a> {
    /// The cleaned schema. `None` if it stays as it is.
    pub(super) changed: Option<Tree<'a>>,
    /// Whether hidden members do not matter to what the schema says.
    pub(super) is_indifferent: bool,
}

/// A schema that is put together again.
pub(super) struct Draft<'a> {
    pub(super) members: Members<'a>,
    pub(super) is_changed: bool,
    pub(super) is_indifferent: bool,
    /// Arguments that are required because a hidden one is present.
    pub(super) required: Vec<String>,
    /// Schemas that apply in addition.
    pub(super) also: Vec<Tree<'a>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new() -> Self {
        Self {
            members: Vec::new(),
            is_changed: false,
            is_indifferent: true,
            required: Vec::new(),
            also: Vec::new(),
        }
    }

    /// Puts a member with its new value, or as it was.
    pub(super) fn put(&mut self, member: &Member<'a>, changed: Option<Tree<'a>>) {
        self.is_changed |= changed.is_some();
        let tree = changed.unwrap_or(Tree::Kept(member.value));
        self.members.push((member.name.clone(), tree));
    }

    pub(super) fn put_cleaned(&mut self, member: &Member<'a>, cleaned: Cleaned<'a>) {
        self.is_indifferent &= cleaned.is_indifferent;
        self.put(member, cleaned.changed);
    }

    pub(super) fn append(&mut self, name: &'static str, more: Vec<Tree<'a>>) {
        if more.is_empty() {
            return;
        }
        self.is_changed = true;
        let list = self.members.iter_mut().find(|(other, _)| other == name);
        match list.and_then(|(_, tree)| tree.elements_mut()) {
            Some(elements) => elements.extend(more),
            None => self.members.push((name.into(), Tree::Array(more))),
        }
    }

    pub(super) fn finish(self) -> Cleaned<'a> {
        Cleaned {
            is_indifferent: self.is_indifferent && !self.is_changed,
            changed: self.is_changed.then_some(Tree::Object(self.members)),
        }
    }
}
