//! The mistakes in a request, as members of `FastAPI`'s 422 answer.
//!
//! A mistake names its location and its rule. It never repeats the input, which may be a secret.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::openapi::schemas;

/// One step of the path to the rejected input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum LocationPart {
    Name(Cow<'static, str>),
    Index(usize),
}

impl From<&'static str> for LocationPart {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<String> for LocationPart {
    fn from(name: String) -> Self {
        Self::Name(Cow::Owned(name))
    }
}

impl From<usize> for LocationPart {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A broken rule, without its location.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    kind: &'static str,
    message: Cow<'static, str>,
    context: Vec<(&'static str, Value)>,
}

impl Problem {
    pub(crate) fn new(kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            context: Vec::new(),
        }
    }

    /// Adds a member of pydantic's `ctx`.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.context.push((name, value.into()));
        self
    }

    /// The error that pydantic reports when a custom validator refuses.
    pub(crate) fn value_error(message: &str) -> Self {
        Self::new("value_error", format!("Value error, {message}"))
    }

    pub(crate) fn missing() -> Self {
        Self::new("missing", "Field required")
    }
}

/// One element of `detail`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ValidationError {
    #[schema(schema_with = schemas::location)]
    pub(crate) loc: Vec<LocationPart>,
    #[schema(value_type = String)]
    pub(crate) msg: Cow<'static, str>,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
    /// The parameters of the message
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, Value>)]
    pub(crate) ctx: Option<Map<String, Value>>,
}

/// All mistakes of one request, in the order in which they were found: path, query, body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = HTTPValidationError)]
pub(crate) struct ValidationErrors {
    #[schema(required = false)]
    detail: Vec<ValidationError>,
}

impl ValidationErrors {
    pub(crate) fn push(&mut self, loc: Vec<LocationPart>, problem: Problem) {
        let members = problem.context.into_iter();
        let ctx: Map<String, Value> = members
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let error = ValidationError {
            kind: problem.kind,
            loc,
            msg: problem.message,
            ctx: Some(ctx).filter(|ctx| !ctx.is_empty()),
        };
        self.detail.push(error);
    }

    /// Returns what a check accepts, and records what it refuses.
    pub(crate) fn keep<T>(
        &mut self,
        outcome: Result<T, Problem>,
        location: impl FnOnce() -> Vec<LocationPart>,
    ) -> Option<T> {
        outcome
            .map_err(|problem| self.push(location(), problem))
            .ok()
    }

    /// `Ok` if there are no mistakes.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.detail.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }
}
