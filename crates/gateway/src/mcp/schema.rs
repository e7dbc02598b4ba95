//! The definition of one tool: which arguments it declares, and how those that are keys are taken out of it.
//!
//! [`hide`] leaves what the schema says once the hidden arguments are filled in. An argument is described by the root
//! of `inputSchema` and by everything that is applied to the same object: branches, dependents, and what `$ref`
//! leads to there. A property of that name in a nested object is another thing and stays. Rules, where JSON Schema
//! leaves a choice (`clean` keeps them, and `verify` looks again without knowing how):
//!
//! - What holds of every filled in argument is used: a hidden name leaves `required`, what depends on one becomes
//!   required or a part of `allOf`, and `minProperties` and `maxProperties` count the filled in ones no more.
//! - What depends on the *value* of a hidden argument is unknown. It is made wider, never narrower, so that no call
//!   is withheld that the server would take: a `oneOf` becomes `anyOf`, a `not` is dropped, and `if` becomes a choice of
//!   both outcomes. A `not` that would then allow nothing is dropped too.
//! - A shared definition is copied and the copy cleaned; one that describes only the arguments is cleaned where it is.
//! - A pattern for names stays, for no foreign expression is run here; one that spells a hidden name is dropped
//!   if it says nothing else, or else the tool cannot be cleaned.
//! - References that leave the schema, dynamic ones, a base of its own (`$id`) below the root and circles cannot be
//!   cleaned where they describe the arguments; nor can schemas that repeat a name.
//! - Texts are left alone, even if they speak of the argument. Keywords that nobody knows lose the name
//!   from lists of names and from members called so (`propertyOrdering`).
//!
//! Start at [`hide`]; `survey` finds what belongs to the arguments, `document` follows references.

mod clean;
mod definition;
mod document;
mod keyword;
mod references;
mod survey;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeSet;

use toolvault_core::json::{self, LoneSurrogate, Tree, Value};
use zeroize::Zeroizing;

pub(crate) use self::definition::Definition;

use self::clean::instances::without_members;
use self::document::{Document, repeats_a_name};
use super::protocol::{AnnotationError, MirroredArguments};

/// Members of a tool, beside its schema, that hold examples of its arguments.
const EXAMPLES: [&str; 3] = ["examples", "inputExamples", "input_examples"];

/// Why hidden arguments cannot be taken out of a schema: the tool is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotClean {
    /// What describes the arguments cannot be followed.
    #[error("a reference leads out of the schema, nowhere, or in a circle")]
    Reference,
    /// It is nested too deep, or following it takes too long.
    #[error("the schema is too large or nested too deep")]
    Limit,
    /// Readers disagree about what it says.
    #[error("the schema repeats a name, or is not made as JSON Schema says")]
    Ambiguous,
    /// A pattern for names spells the name of a hidden argument, among other things.
    #[error("a pattern in the schema spells the name of a hidden argument")]
    Pattern,
    /// Clients must not list it, with or without the hidden argument.
    #[error("an x-mcp-header of the schema is invalid")]
    Header,
    /// It was cleaned, and names a hidden argument still.
    #[error("the schema still names a hidden argument")]
    Remains,
}

impl From<AnnotationError> for CannotClean {
    fn from(error: AnnotationError) -> Self {
        match error {
            AnnotationError::Invalid => Self::Header,
            AnnotationError::TooLarge => Self::Limit,
        }
    }
}

impl From<LoneSurrogate> for CannotClean {
    fn from(_: LoneSurrogate) -> Self {
        Self::Ambiguous
    }
}

/// Takes arguments out of the definition of a tool, and tells whether it changed; on an error it did not.
///
/// What does not describe a hidden argument stays as it was spelled; the same definition gives the same result.
/// Takes time in proportion to the size of the schema, or gives up.
pub(crate) fn hide(tool: &mut Tree<'_>, hidden: &BTreeSet<String>) -> Result<bool, CannotClean> {
    if hidden.is_empty() {
        return Ok(false);
    }
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
        && let Some(cleaned) = cleaned(schema, hidden)?
    {
        changes.push(("inputSchema", cleaned));
    }
    for name in EXAMPLES {
        if let Some(examples) = object.get(name)
            && let Some(cleaned) = without_members(examples, hidden)?
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

/// The schema without the hidden arguments; none if it describes none of them.
fn cleaned(
    schema: Value<'_>,
    hidden: &BTreeSet<String>,
) -> Result<Option<Zeroizing<String>>, CannotClean> {
    if schema.as_bool().is_some() || says_nothing_of(schema.raw(), hidden) {
        return Ok(None);
    }
    let document = Document::new(schema);
    let Some(tree) = clean::clean(&document, hidden)? else {
        return Ok(None);
    };
    MirroredArguments::read(schema)?;
    let text = written(&tree)?;
    verify::check(&text, hidden)?;
    Ok(Some(text))
}

/// Whether no reading of the text finds a hidden name or a reference, as for most tools.
fn says_nothing_of(text: &str, hidden: &BTreeSet<String>) -> bool {
    let is_plain =
        |character: char| !character.is_control() && !matches!(character, '"' | '\\' | '/');
    !text.contains("\\u")
        && !["$ref", "$dynamicRef", "$recursiveRef"]
            .iter()
            .any(|name| text.contains(name))
        && hidden
            .iter()
            .all(|name| name.chars().all(is_plain) && !text.contains(name.as_str()))
}

fn written(tree: &Tree<'_>) -> Result<Zeroizing<String>, CannotClean> {
    let mut bytes = Vec::new();
    tree.write(&mut bytes);
    let text = String::from_utf8(bytes).map_err(|_| CannotClean::Ambiguous)?;
    Ok(Zeroizing::new(text))
}
