//! What the operations on secrets take: a new secret, a change of one, a question for many.
//!
//! Types that hold a value have no `Debug`. Lengths are in Unicode code points.

use std::ops::RangeInclusive;

use toolvault_core::json::Value;
use zeroize::Zeroizing;

use super::body::Body;
use super::check;
use super::error::{Problem, ValidationErrors};
use super::fields::{Field, Fields};
use super::query::Query;

const NAME_LENGTHS: RangeInclusive<usize> = 1..=1024;
const VALUE_LENGTHS: RangeInclusive<usize> = 4..=1024;
const DEFAULT_LIMIT: i64 = 100;

/// The body of `POST /v1/secrets/`.
#[derive(Clone)]
pub(crate) struct NewSecret {
    pub(crate) secret_name: String,
    pub(crate) secret_value: Zeroizing<String>,
    pub(crate) tool_name: Option<String>,
    pub(crate) tool_arg: Option<String>,
    pub(crate) is_default_for_tool: bool,
}

impl NewSecret {
    /// Reads it from `body`; of no use when something was added to `errors`.
    pub(crate) fn read(body: Body<'_>, errors: &mut ValidationErrors) -> Option<Self> {
        let mut fields = Fields::of(body, errors);
        let secret_name = fields.required("secret_name", name);
        let secret_value = fields.required("secret_value", secret_value);
        let tool_name = fields.nullable("tool_name", name).given();
        let tool_arg = fields.nullable("tool_arg", name).given();
        let flag = fields
            .nullable("is_default_for_tool", check::boolean)
            .given();
        Some(Self {
            secret_name: secret_name?,
            secret_value: secret_value?,
            tool_name,
            tool_arg,
            is_default_for_tool: flag.unwrap_or(false),
        })
    }
}

/// What becomes of a field that may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

/// The body of `PATCH /v1/secrets/{secret_id}`; `None` keeps a field as it is.
#[derive(Clone, Default)]
pub(crate) struct SecretPatch {
    pub(crate) secret_name: Option<String>,
    pub(crate) secret_value: Option<Zeroizing<String>>,
    pub(crate) tool_name: Change<String>,
    pub(crate) tool_arg: Change<String>,
    pub(crate) is_default_for_tool: Option<bool>,
}

impl SecretPatch {
    /// Reads it from `body`; of no use when something was added to `errors`.
    pub(crate) fn read(body: Body<'_>, errors: &mut ValidationErrors) -> Self {
        let is_merge_patch = body.is_merge_patch();
        let mut fields = Fields::of(body, errors);
        let (secret_name, secret_value) = if is_merge_patch {
            // What a secret cannot be without cannot be cleared: null is a wrong type here.
            (
                fields.optional("secret_name", name),
                fields.optional("secret_value", secret_value),
            )
        } else {
            let name = fields.nullable("secret_name", name).given();
            (name, fields.nullable("secret_value", secret_value).given())
        };
        let change = |field: Field<String>| match field {
            Field::Given(text) => Change::Set(text),
            Field::Null if is_merge_patch => Change::Clear,
            Field::Null | Field::Absent => Change::Keep,
        };
        Self {
            secret_name,
            secret_value,
            tool_name: change(fields.nullable("tool_name", name)),
            tool_arg: change(fields.nullable("tool_arg", name)),
            is_default_for_tool: match fields.nullable("is_default_for_tool", check::boolean) {
                Field::Given(flag) => Some(flag),
                Field::Null => is_merge_patch.then_some(false),
                Field::Absent => None,
            },
        }
    }
}

/// The query of `GET /v1/secrets/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// 1 to 1000.
    pub(crate) limit: i64,
    /// At least 0; one beyond 64 bits is the largest of 64 bits.
    pub(crate) offset: i64,
    pub(crate) secret_name: Option<String>,
    pub(crate) tool_name: Option<String>,
    /// A part of the name.
    pub(crate) q: Option<String>,
}

impl ListQuery {
    /// Reads it from `query`; of no use when something was added to `errors`.
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

fn name(value: Value<'_>) -> Result<String, Problem> {
    let mut text = check::text(value, NAME_LENGTHS)?;
    Ok(std::mem::take(&mut *text))
}

fn secret_value(value: Value<'_>) -> Result<Zeroizing<String>, Problem> {
    check::text(value, VALUE_LENGTHS)
}
