//! Why a schema cannot be cleaned.

use toolvault_core::json::LoneSurrogate;

use crate::mcp::protocol::AnnotationError;

/// Why hidden arguments cannot be taken out of a schema. The tool is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotClean {
    /// A reference cannot be followed, or cannot stay.
    #[error("a reference leads out of the schema, nowhere, or in a circle")]
    Reference,
    /// Reading the schema costs too much.
    #[error("the schema is too large or nested too deep")]
    Limit,
    /// Readers disagree about what the schema says.
    #[error("the schema repeats a name, or is not valid JSON Schema")]
    Ambiguous,
    /// A `not` or an `if` may depend on a hidden argument.
    #[error("a `not` or an `if` in the schema may depend on a hidden argument")]
    Condition,
    /// Clients must not list the tool, with or without the hidden argument.
    #[error("an x-mcp-header of the schema is invalid")]
    Header,
    /// The cleaned schema still names a hidden argument.
    #[error("the schema names a hidden argument in another keyword")]
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
