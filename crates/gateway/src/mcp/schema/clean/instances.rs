//! Whole sets of arguments, as in `examples`: the hidden ones leave them.

use std::collections::BTreeSet;

use toolvault_core::json::{Tree, Value};

use super::super::CannotClean;
use super::super::document::repeats_a_name;

/// An object without its hidden members, or a list of which the objects are; none if there was none.
pub(in super::super) fn without_members<'a>(
    value: Value<'a>,
    hidden: &BTreeSet<String>,
) -> Result<Option<Tree<'a>>, CannotClean> {
    let Some(array) = value.as_array() else {
        return without(value, hidden);
    };
    let mut is_changed = false;
    let mut elements = Vec::new();
    for element in array.elements() {
        let cleaned = without(element, hidden)?;
        is_changed |= cleaned.is_some();
        elements.push(cleaned.unwrap_or(Tree::Kept(element)));
    }
    Ok(is_changed.then_some(Tree::Array(elements)))
}

fn without<'a>(
    value: Value<'a>,
    hidden: &BTreeSet<String>,
) -> Result<Option<Tree<'a>>, CannotClean> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    if repeats_a_name(object)? {
        return Err(CannotClean::Ambiguous);
    }
    let mut tree = Tree::Kept(value);
    let Some(members) = tree.members_mut()? else {
        return Ok(None);
    };
    let before = members.len();
    members.retain(|(name, _)| !hidden.contains(&**name));
    Ok((members.len() < before).then_some(tree))
}

/// Whether it is the name of a hidden argument.
pub(super) fn mentions(value: Value<'_>, hidden: &BTreeSet<String>) -> Result<bool, CannotClean> {
    let text = value.as_text().transpose()?;
    Ok(text.is_some_and(|text| hidden.contains(text.as_str())))
}
