//! The input of the operations on secrets: a new secret, a change, a list query.
//!
//! Lengths are in Unicode code points.

use std::ops::RangeInclusive;

use toolvault_core::confidential::Confidential;
use toolvault_core::json::Value;
use toolvault_core::pattern::ToolPattern;
use toolvault_vault::{Field, NewSecret, SecretChange};

use super::body::Body;
use super::check;
use super::error::{Problem, ValidationErrors};
use super::fields::Fields;
use super::query::Query;

const NAME_LENGTHS: RangeInclusive<usize> = 1..=1024;
const VALUE_LENGTHS: RangeInclusive<usize> = 4..=1024;
const DEFAULT_LIMIT: i64 = 100;

/// Reads the body of `POST /v1/secrets/`. The result is meaningless if something was added to `errors`.
pub(crate) fn new_secret(body: Body<'_>, errors: &mut ValidationErrors) -> Option<NewSecret> {
    let mut fields = Fields::of(body, errors);
    let name = fields.required("secret_name", text);
    let value = fields.required("secret_value", secret_value);
    let tool = fields.nullable("tool_name", pattern).given();
    let argument = fields.nullable("tool_arg", text).given();
    let is_default = fields
        .nullable("is_default_for_tool", check::boolean)
        .given();
    Some(NewSecret {
        name: name?,
        value: value?,
        tool,
        argument,
        is_default: is_default.unwrap_or(false),
    })
}

/// Reads the body of `PATCH /v1/secrets/{secret_id}`. The result is meaningless if something was added to `errors`.
pub(crate) fn secret_change(body: Body<'_>, errors: &mut ValidationErrors) -> SecretChange {
    let is_merge_patch = body.is_merge_patch();
    let mut fields = Fields::of(body, errors);
    let (name, value) = if is_merge_patch {
        // Name and value cannot be cleared: null is a wrong type here.
        (
            fields.optional("secret_name", text),
            fields.optional("secret_value", secret_value),
        )
    } else {
        let name = fields.nullable("secret_name", text).given();
        (name, fields.nullable("secret_value", secret_value).given())
    };
    SecretChange {
        name,
        value,
        tool: cleared(fields.nullable("tool_name", pattern), is_merge_patch),
        argument: cleared(fields.nullable("tool_arg", text), is_merge_patch),
        is_default: match fields.nullable("is_default_for_tool", check::boolean) {
            Field::Set(flag) => Some(flag),
            Field::Clear => is_merge_patch.then_some(false),
            Field::Keep => None,
        },
    }
}

/// Generated clients send null for fields that were left out, so null clears only in a merge patch.
fn cleared<T>(field: Field<T>, is_merge_patch: bool) -> Field<T> {
    match field {
        Field::Clear if !is_merge_patch => Field::Keep,
        field => field,
    }
}

/// The query of `GET /v1/secrets/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// 1 to 1000.
    pub(crate) limit: i64,
    /// At least 0. One beyond 64 bits becomes the largest 64-bit number.
    pub(crate) offset: i64,
    pub(crate) secret_name: Option<String>,
    pub(crate) tool_name: Option<String>,
    /// A part of the name.
    pub(crate) q: Option<String>,
}

impl ListQuery {
    /// Reads `query`. The result is meaningless if something was added to `errors`.
    pub(crate) fn read(query: &Query, errors: &mut ValidationErrors) -> Self {
        Self {
            limit: query
                .integer("limit", 1..=1000, errors)
                .unwrap_or(DEFAULT_LIMIT),
            offset: query.integer("offset", 0..=i64::MAX, errors).unwrap_or(0),
            secret_name: query.text("secret_name", errors),
            tool_name: query.text("tool_name", errors),
            q: query.text("q", errors),
        }
    }
}

fn text(value: Value<'_>) -> Result<String, Problem> {
    let mut text = check::text(value, NAME_LENGTHS)?;
    Ok(std::mem::take(&mut *text))
}

fn pattern(value: Value<'_>) -> Result<ToolPattern, Problem> {
    let text = check::text(value, NAME_LENGTHS)?;
    ToolPattern::parse(&text).map_err(|error| Problem::value_error(&error.to_string()))
}

fn secret_value(value: Value<'_>) -> Result<Confidential, Problem> {
    check::text(value, VALUE_LENGTHS).map(Confidential::from)
}
