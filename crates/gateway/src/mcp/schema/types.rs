//! Which types of value a schema takes for an argument, so that a secret's text goes there as the right one.

use toolvault_core::conversion::Types;
use toolvault_core::json::{Array, Value};
use toolvault_core::pointer::ArgumentPath;

use super::definition::{DEEPEST, SECURE_SCHEMA, declared};
use super::document::Document;
use super::error::CannotClean;

/// The types that a tool takes at a place in its arguments. `None` if its schema does not declare the place.
///
/// Where several schemas describe the place, such as those of alternatives, each counts that names types. If none does,
/// any type is taken.
pub(crate) fn types(tool: Value<'_>, path: ArgumentPath<'_>) -> Option<Types> {
    let tool = tool.as_object()?;
    let mut schemas = ["inputSchema", SECURE_SCHEMA].into_iter();
    schemas.find_map(|schema| in_schema(tool.get(schema)?, path))
}

fn in_schema(schema: Value<'_>, path: ArgumentPath<'_>) -> Option<Types> {
    let document = Document::new(schema);
    let mut steps: Vec<_> = path.steps().map(std::borrow::Cow::into_owned).collect();
    let name = steps.pop()?;
    let mut declared = declared(&document, &steps).ok()?;
    let schemas = declared.remove(&name)?;
    let types = schemas
        .into_iter()
        .map(|schema| of_schema(&document, schema, 0));
    // A schema that cannot be read says nothing.
    let named = types.map(|types| types.unwrap_or(Types::ANY));
    let named = named.filter(|types| *types != Types::ANY).reduce(Types::or);
    Some(named.unwrap_or(Types::ANY))
}

fn of_schema<'a>(
    document: &Document<'a>,
    schema: Value<'a>,
    depth: usize,
) -> Result<Types, CannotClean> {
    if depth > DEEPEST {
        return Err(CannotClean::Limit);
    }
    let Some(looked) = document.members(schema)? else {
        return Ok(if schema.as_bool() == Some(false) {
            Types::NONE
        } else {
            Types::ANY
        });
    };
    let mut types = Types::ANY;
    for member in &looked.members {
        let value = member.value;
        let narrower = match &*member.name {
            "type" => match value.as_array() {
                Some(names) => names.elements().map(named).fold(Types::NONE, Types::or),
                None => named(value),
            },
            "const" => Types::of(value),
            "enum" => value.as_array().map_or(Types::ANY, of_values),
            "$ref" => {
                let reference = value.as_text().ok_or(CannotClean::Ambiguous)??;
                match document.resolve(&reference)? {
                    Some(target) => of_schema(document, target, depth + 1)?,
                    None => Types::ANY,
                }
            }
            "allOf" | "anyOf" | "oneOf" => {
                let branches = document.elements(value)?.unwrap_or_default();
                let branches = branches
                    .into_iter()
                    .map(|branch| of_schema(document, branch, depth + 1));
                let branches = branches.collect::<Result<Vec<_>, _>>()?.into_iter();
                let all = if &*member.name == "allOf" {
                    branches.reduce(Types::and)
                } else {
                    branches.reduce(Types::or)
                };
                all.unwrap_or(Types::ANY)
            }
            _ => continue,
        };
        types = types.and(narrower);
    }
    Ok(types)
}

fn named(name: Value<'_>) -> Types {
    match name.as_text() {
        Some(Ok(name)) => Types::named(&name),
        _ => Types::ANY,
    }
}

fn of_values(values: Array<'_>) -> Types {
    values
        .elements()
        .map(Types::of)
        .fold(Types::NONE, Types::or)
}
