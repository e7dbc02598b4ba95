//! `x-mcp-header`: arguments whose values are repeated in a header (specification 2026-07-28, Streamable HTTP).

use std::collections::{BTreeMap, HashSet};

use toolvault_core::json::{Kind, Value};

use super::CannotClean;
use super::document::{Document, Looked};
use crate::http::HeaderName;

const ANNOTATION: &str = "x-mcp-header";

/// How a schema is reached from the root.
#[derive(Clone)]
enum Reached {
    Root,
    /// Through `properties` only: of the root, or of a property of the root.
    Argument(String),
    Nested,
    /// In another way, where no annotation may be.
    Otherwise,
}

/// By argument at the root, the header that repeats its value; none if an annotation breaks a rule.
pub(super) fn mirrored(
    document: &Document<'_>,
) -> Result<Option<BTreeMap<String, HeaderName>>, CannotClean> {
    let mut found = BTreeMap::new();
    let text = document.root().raw();
    if !text.contains(ANNOTATION) && !text.contains("\\u") {
        return Ok(Some(found));
    }
    let mut names = HashSet::new();
    let mut open = vec![(document.root(), Reached::Root)];
    while let Some((schema, reached)) = open.pop() {
        let Some(looked) = document.look(schema)? else {
            continue;
        };
        if let Some(annotation) = looked.get(ANNOTATION) {
            let Some(header) = header(annotation)?.filter(|_| is_primitive(document, &looked))
            else {
                return Ok(None);
            };
            if !names.insert(header.clone()) {
                return Ok(None);
            }
            match &reached {
                Reached::Argument(name) => {
                    found.insert(name.clone(), header);
                }
                Reached::Nested => {}
                Reached::Root | Reached::Otherwise => return Ok(None),
            }
        }
        descend(document, &looked, &reached, &mut open)?;
    }
    Ok(Some(found))
}

fn descend<'a>(
    document: &Document<'a>,
    looked: &Looked<'a>,
    reached: &Reached,
    open: &mut Vec<(Value<'a>, Reached)>,
) -> Result<(), CannotClean> {
    for member in &looked.members {
        let value = member.value;
        match &*member.name {
            "properties" => {
                let properties = document.look(value)?;
                for property in properties.iter().flat_map(|looked| &looked.members) {
                    let reached = match reached {
                        Reached::Root => Reached::Argument(property.name.to_string()),
                        Reached::Argument(_) | Reached::Nested => Reached::Nested,
                        Reached::Otherwise => Reached::Otherwise,
                    };
                    open.push((property.value, reached));
                }
            }
            "patternProperties" | "dependentSchemas" | "dependencies" | "$defs" | "definitions" => {
                let schemas = document.look(value)?;
                let schemas = schemas.iter().flat_map(|looked| &looked.members);
                open.extend(schemas.map(|schema| (schema.value, Reached::Otherwise)));
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" | "items"
                if value.kind() == Kind::Array =>
            {
                let schemas = document.elements(value)?.unwrap_or_default();
                open.extend(
                    schemas
                        .into_iter()
                        .map(|schema| (schema, Reached::Otherwise)),
                );
            }
            "not"
            | "if"
            | "then"
            | "else"
            | "items"
            | "contains"
            | "additionalItems"
            | "unevaluatedItems"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "propertyNames"
            | "contentSchema" => open.push((value, Reached::Otherwise)),
            _ => {}
        }
    }
    Ok(())
}

/// `Mcp-Param-<name>`, if the annotation is a token (RFC 9110, section 5.6.2).
fn header(annotation: Value<'_>) -> Result<Option<HeaderName>, CannotClean> {
    let Some(name) = annotation.as_text().transpose()? else {
        return Ok(None);
    };
    if name.is_empty() {
        return Ok(None);
    }
    Ok(HeaderName::try_from(format!("mcp-param-{}", name.as_str())).ok())
}

/// Whether nothing says that the value may be a number with a fraction, a list or an object.
fn is_primitive<'a>(document: &Document<'a>, looked: &Looked<'a>) -> bool {
    let Some(types) = looked.get("type") else {
        return true;
    };
    let types = document
        .elements(types)
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![types]);
    types.into_iter().all(|kind| {
        let kind = kind.as_text().and_then(Result::ok);
        kind.is_some_and(|kind| matches!(kind.as_str(), "string" | "integer" | "boolean" | "null"))
    })
}
