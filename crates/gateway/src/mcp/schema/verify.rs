//! A second look at a cleaned schema, independent of how it was cleaned.

use std::collections::HashSet;

use toolvault_core::json::{self, Kind, Member, Value};

use super::document::Document;
use super::error::CannotClean;
use super::hidden::Hidden;

/// Keywords that may mention a hidden argument in prose, or that describe something else than the arguments.
const SILENT: [&str; 14] = [
    "$defs",
    "definitions",
    "title",
    "description",
    "$comment",
    "type",
    "format",
    "items",
    "prefixItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "additionalItems",
    "unevaluatedItems",
];

/// Fails if what describes the arguments names a hidden one, or if a reference dangles that led somewhere `before`.
pub(super) fn check(before: &Document<'_>, text: &str, hidden: &Hidden) -> Result<(), CannotClean> {
    let root = json::parse_text(text).map_err(|_| CannotClean::Ambiguous)?;
    let document = Document::new(root);
    references_lead_somewhere(before, &document)?;
    let mut open = vec![(root, hidden)];
    let mut seen = HashSet::new();
    while let Some((schema, hidden)) = open.pop() {
        if !seen.insert((document.place(schema), hidden)) {
            continue;
        }
        let looked = document.look(schema)?;
        for member in looked.iter().flat_map(|looked| &looked.members) {
            look_at(&document, member, hidden, &mut open)?;
        }
    }
    Ok(())
}

/// Checks one keyword, and adds the schemas in it that describe the arguments to `open`.
fn look_at<'a, 'h>(
    document: &Document<'a>,
    member: &Member<'a>,
    hidden: &'h Hidden,
    open: &mut Vec<(Value<'a>, &'h Hidden)>,
) -> Result<(), CannotClean> {
    let value = member.value;
    match &*member.name {
        name if SILENT.contains(&name) => {}
        "properties" => {
            let properties = document.look(value)?;
            for property in properties.iter().flat_map(|looked| &looked.members) {
                if hidden.takes(&property.name) {
                    return Err(CannotClean::Remains);
                }
                let inner = hidden.within(&property.name);
                open.extend(inner.map(|inner| (property.value, inner)));
            }
        }
        "allOf" | "anyOf" | "oneOf" => {
            let branches = document.elements(value)?.unwrap_or_default();
            open.extend(branches.into_iter().map(|branch| (branch, hidden)));
        }
        "not" | "if" | "then" | "else" => open.push((value, hidden)),
        "$ref" => {
            let reference = value.as_text().ok_or(CannotClean::Reference)??;
            let target = document.resolve(&reference)?;
            open.push((target.ok_or(CannotClean::Reference)?, hidden));
        }
        "dependentSchemas" | "dependencies" => {
            let dependents = document.look(value)?;
            for dependent in dependents.iter().flat_map(|looked| &looked.members) {
                if hidden.takes(&dependent.name) {
                    return Err(CannotClean::Remains);
                }
                if dependent.value.kind() == Kind::Array {
                    names_none(document, dependent.value, hidden, false)?;
                } else {
                    open.push((dependent.value, hidden));
                }
            }
        }
        "const" | "enum" | "default" | "example" | "examples" => {
            if hidden.taken_from_each(value)?.is_some() {
                return Err(CannotClean::Remains);
            }
        }
        "patternProperties" | "propertyNames" => names_none(document, value, hidden, true)?,
        _ => names_none(document, value, hidden, false)?,
    }
    Ok(())
}

fn references_lead_somewhere(
    before: &Document<'_>,
    after: &Document<'_>,
) -> Result<(), CannotClean> {
    let mut open = vec![after.root()];
    while let Some(value) = open.pop() {
        if !value.raw().contains("ref\"") && !value.raw().contains("\\u") {
            continue;
        }
        if let Some(looked) = after.look(value)? {
            if let Some(reference) = looked.get("$ref").and_then(Value::as_text) {
                let reference = reference?;
                if after.resolve(&reference)?.is_none() && before.resolve(&reference)?.is_some() {
                    return Err(CannotClean::Reference);
                }
            }
            open.extend(looked.members.iter().map(|member| member.value));
        } else if value.kind() == Kind::Array {
            open.extend(after.elements(value)?.unwrap_or_default());
        }
    }
    Ok(())
}

/// Looks through all texts and names of members. In a pattern, a hidden name counts as a word among others.
fn names_none<'a>(
    document: &Document<'a>,
    value: Value<'a>,
    hidden: &Hidden,
    is_pattern: bool,
) -> Result<(), CannotClean> {
    let is_named = |text: &str| {
        let plain = text.replace('\\', "");
        hidden.takes(text) || is_pattern && hidden.taken().any(|name| has_word(&plain, name))
    };
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        document.spend(value.raw().len())?;
        if let Some(text) = value.as_text() {
            if is_named(&text?) {
                return Err(CannotClean::Remains);
            }
        } else if let Some(looked) = document.look(value)? {
            if looked.members.iter().any(|member| is_named(&member.name)) {
                return Err(CannotClean::Remains);
            }
            open.extend(looked.members.iter().map(|member| member.value));
        } else if value.kind() == Kind::Array {
            open.extend(document.elements(value)?.unwrap_or_default());
        }
    }
    Ok(())
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
