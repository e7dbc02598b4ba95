//! What the current definition of a tool says about its arguments.

use std::collections::BTreeSet;

use toolvault_core::json::{Kind, LoneSurrogate, Value};

use super::CannotClean;
use super::document::{Document, repeats_a_name};
use super::survey::survey;
use crate::mcp::protocol::{AnnotationError, MirroredArguments};

/// What the definition of a tool says about its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// The name of the tool, as its server knows it.
    pub name: String,
    /// The arguments that `inputSchema` has a property for or requires, also in branches and through references.
    pub declared: BTreeSet<String>,
    /// The arguments whose values are repeated in headers (`x-mcp-header`).
    /// `None` if an annotation is invalid, so that clients over HTTP must not list the tool.
    pub mirrored: Option<MirroredArguments>,
}

/// A tool whose definition says nothing that could be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It has no name, or no schema where one stands, or says something twice.
    #[error("the definition of the tool is malformed")]
    Malformed,
    /// Its schema takes too long to read.
    #[error("the schema of the tool is too large or nested too deep")]
    TooLarge,
}

impl From<LoneSurrogate> for Unusable {
    fn from(_: LoneSurrogate) -> Self {
        Self::Malformed
    }
}

impl From<CannotClean> for Unusable {
    fn from(error: CannotClean) -> Self {
        match error {
            CannotClean::Limit => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}

impl Definition {
    /// Reads the definition of one tool, an element of `tools`. No schema declares nothing.
    pub(crate) fn read(tool: Value<'_>) -> Result<Self, Unusable> {
        let object = tool.as_object().ok_or(Unusable::Malformed)?;
        if repeats_a_name(object)? {
            return Err(Unusable::Malformed);
        }
        let name = object
            .get("name")
            .and_then(Value::as_text)
            .ok_or(Unusable::Malformed)??;
        if name.is_empty() {
            return Err(Unusable::Malformed);
        }
        let mut definition = Self {
            name: name.as_str().to_owned(),
            declared: BTreeSet::new(),
            mirrored: Some(MirroredArguments::default()),
        };
        if let Some(schema) = object.get("inputSchema") {
            if !matches!(schema.kind(), Kind::Object | Kind::Bool) {
                return Err(Unusable::Malformed);
            }
            let document = Document::new(schema);
            definition.declared = survey(&document, &BTreeSet::new())?.declared;
            definition.mirrored = match MirroredArguments::read(schema) {
                Ok(mirrored) => Some(mirrored),
                Err(AnnotationError::Invalid) => None,
                Err(AnnotationError::TooLarge) => return Err(Unusable::TooLarge),
            };
        }
        Ok(definition)
    }
}
