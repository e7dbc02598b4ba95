//! A second look at a schema that was cleaned, which knows nothing of how: no hidden name is left in it.

use std::collections::{BTreeSet, HashSet};

use toolvault_core::json::{self, Kind, Value};

use super::CannotClean;
use super::document::Document;

/// Keywords that speak of no argument by its name.
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

/// Fails if something that describes the arguments names a hidden one.
pub(super) fn check(text: &str, hidden: &BTreeSet<String>) -> Result<(), CannotClean> {
    let root = json::parse_text(text).map_err(|_| CannotClean::Ambiguous)?;
    let document = Document::new(root);
    let mut open = vec![root];
    let mut seen = HashSet::new();
    while let Some(schema) = open.pop() {
        if !seen.insert(document.place(schema)) {
            continue;
        }
        let Some(looked) = document.look(schema)? else {
            continue;
        };
        for member in &looked.members {
            let value = member.value;
            match &*member.name {
                name if SILENT.contains(&name) => {}
                "allOf" | "anyOf" | "oneOf" => {
                    open.extend(document.elements(value)?.unwrap_or_default());
                }
                "not" | "if" | "then" | "else" => open.push(value),
                "$ref" => {
                    let reference = value.as_text().ok_or(CannotClean::Reference)??;
                    open.push(
                        document
                            .resolve(&reference)?
                            .ok_or(CannotClean::Reference)?,
                    );
                }
                "$dynamicRef" | "$recursiveRef" => return Err(CannotClean::Reference),
                "dependentSchemas" | "dependencies" => {
                    names_none(&document, value, hidden, 2)?;
                    let dependents = document.look(value)?;
                    let dependents = dependents.iter().flat_map(|looked| &looked.members);
                    open.extend(dependents.map(|dependent| dependent.value));
                }
                "propertyNames" => names_none(&document, value, hidden, usize::MAX)?,
                "dependentRequired" => names_none(&document, value, hidden, 2)?,
                "const" | "enum" | "default" | "example" | "examples" => {
                    let instances = document.elements(value).ok().flatten();
                    for instance in instances.unwrap_or_else(|| vec![value]) {
                        if instance.kind() == Kind::Object {
                            names_none(&document, instance, hidden, 1)?;
                        }
                    }
                }
                _ => names_none(&document, value, hidden, 1)?,
            }
        }
    }
    Ok(())
}

/// Looks through texts and the names of members, `levels` deep; the values of members only if they are lists.
fn names_none<'a>(
    document: &Document<'a>,
    value: Value<'a>,
    hidden: &BTreeSet<String>,
    levels: usize,
) -> Result<(), CannotClean> {
    let mut open = vec![(value, levels)];
    while let Some((value, levels)) = open.pop() {
        if levels == 0 && value.kind() != Kind::String {
            continue;
        }
        if let Some(text) = value.as_text() {
            if hidden.contains(text?.as_str()) {
                return Err(CannotClean::Remains);
            }
        } else if value.kind() == Kind::Array {
            let elements = document.elements(value)?.unwrap_or_default();
            open.extend(elements.into_iter().map(|element| (element, levels - 1)));
        } else if let Some(looked) = document.look(value)? {
            for member in &looked.members {
                if hidden.contains(&*member.name) {
                    return Err(CannotClean::Remains);
                }
                if member.value.kind() == Kind::Array || levels == usize::MAX {
                    open.push((member.value, levels - 1));
                }
            }
        }
    }
    Ok(())
}
