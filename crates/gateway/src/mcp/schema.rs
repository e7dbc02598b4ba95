//! The definition of one tool: which arguments it declares, and how hidden ones are taken out of it.
//!
//! Real schemas are simple (ADR 12 counts them). [`hide`] therefore cleans the keywords that occur: `properties`,
//! `required`, `$ref`, `allOf`, `anyOf`, `oneOf`, dependents, and examples. It withholds the tool if a hidden argument
//! is named anywhere else. The rules:
//!
//! - A schema *describes the arguments* if it is applied to the object that holds a hidden argument: the root, its
//!   branches, and what `$ref` leads to there. A member of the same name in another object is not hidden.
//! - A cleaned schema accepts every call that the server accepts, without the hidden arguments. Where the value of a
//!   hidden argument decides, the schema gets wider: a `oneOf` becomes `anyOf`, and `minProperties` is dropped.
//! - Every hidden argument is present in the call that reaches the server. What depends on it always applies.
//! - A definition is cleaned in place. If something else refers to the original, the tool is withheld: no real tool
//!   needs a copy. Definitions that are not used any more are dropped, so that no reference dangles.
//! - `title`, `description` and `$comment` stay as they are, even if they mention the argument.
//!
//! `pinned` is the part of a definition that must not change. `definition` reads what is declared and `types` which types it takes. `clean` cleans, `references` looks at what refers to it, and `verify` checks the result independently.

mod clean;
mod definition;
mod document;
mod draft;
mod error;
mod hidden;
mod pinned;
mod references;
#[cfg(test)]
mod tests;
mod types;
mod verify;

use std::collections::BTreeSet;

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{self, Tree, Value};

pub(crate) use self::definition::{Definition, SECURE_SCHEMA};
pub(crate) use self::pinned::pinned;
pub(crate) use self::types::types;

use self::document::{Document, repeats_a_name};
use self::error::CannotClean;
use self::hidden::Hidden;
use super::protocol::MirroredArguments;

/// Members of a tool, beside its schema, that hold examples of its arguments.
const EXAMPLES: [&str; 3] = ["examples", "inputExamples", "input_examples"];

/// Takes arguments out of the definition of a tool, and returns whether it changed. On an error it did not change.
///
/// An element of `arguments` is a secret's `tool_arg`: the name of an argument, or a JSON Pointer into the arguments
/// (`/params/api_key`). All must be declared. What does not describe a hidden argument keeps its spelling.
/// The time is proportional to the size of the schema.
pub(crate) fn hide(tool: &mut Tree<'_>, arguments: &BTreeSet<String>) -> Result<bool, CannotClean> {
    if arguments.is_empty() {
        return Ok(false);
    }
    let hidden = Hidden::of(arguments);
    let text;
    let value = if let Tree::Kept(value) = tool {
        *value
    } else {
        text = tool.to_json();
        json::parse(&text).map_err(|_| CannotClean::Ambiguous)?
    };
    let object = value.as_object().ok_or(CannotClean::Ambiguous)?;
    if repeats_a_name(object)? {
        return Err(CannotClean::Ambiguous);
    }
    let mut changes = Vec::new();
    if let Some(schema) = object.get("inputSchema")
        && let Some(cleaned) = cleaned(schema, &hidden)?
    {
        changes.push(("inputSchema", cleaned));
    }
    for name in EXAMPLES {
        if let Some(examples) = object.get(name)
            && let Some(cleaned) = hidden.taken_from_each(examples)?
        {
            changes.push((name, written(&cleaned)?));
        }
    }
    let is_changed = !changes.is_empty();
    for (name, text) in changes {
        tool.set(name, Tree::Raw(text))?;
    }
    Ok(is_changed)
}

/// The schema without the hidden arguments, or `None` if it describes none of them.
fn cleaned(schema: Value<'_>, hidden: &Hidden) -> Result<Option<Wiped<String>>, CannotClean> {
    let is_plain = !["\\u", "$ref", "$dynamicRef", "$recursiveRef"]
        .iter()
        .any(|text| schema.raw().contains(text));
    if schema.as_bool().is_some() || is_plain && !hidden.may_be_named_in(schema.raw()) {
        return Ok(None);
    }
    let document = Document::new(schema);
    let Some(tree) = clean::clean(&document, hidden)? else {
        return Ok(None);
    };
    MirroredArguments::read(schema)?;
    let text = written(&tree)?;
    verify::check(&document, &text, hidden)?;
    Ok(Some(text))
}

fn written(tree: &Tree<'_>) -> Result<Wiped<String>, CannotClean> {
    let mut bytes = Vec::new();
    tree.write(&mut bytes);
    let text = String::from_utf8(bytes).map_err(|_| CannotClean::Ambiguous)?;
    Ok(Wiped::new(text))
}
