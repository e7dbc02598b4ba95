//! Reading the name, rights and lifetime of a key.

use toolvault_core::identity::UserId;
use toolvault_core::json::Value;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::NewKey;

use crate::api::{moment, seconds};
use crate::extract::input::name_problem;
use crate::wire::{Body, Fields, Problem, ValidationErrors, check};

const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;
/// Ten years.
const LONGEST_LIFE_SECONDS: i64 = 10 * 366 * 24 * 3_600;
const MOST_PATTERNS: usize = 100;

pub(super) fn read_new(
    body: Body<'_>,
    now: Timestamp,
    errors: &mut ValidationErrors,
) -> Option<NewKey> {
    let mut fields = Fields::of(body, errors);
    let name = fields.nullable("name", name).given();
    let scopes = read_scopes(&mut fields, true);
    let tools = read_tools(&mut fields);
    let expires_at = read_expiry(&mut fields, now);
    let any_user = fields.nullable("any_user", check::boolean).given();
    let user = fields.nullable("user_id", check::uuid).given();
    Some(NewKey {
        name: name.unwrap_or_default(),
        scopes: scopes?,
        tools,
        expires_at,
        any_user: any_user.unwrap_or(false),
        user: user.map(UserId),
    })
}

pub(in crate::api) fn read_scopes(
    fields: &mut Fields<'_, '_>,
    is_required: bool,
) -> Option<ScopeSet> {
    let list = if is_required {
        fields.required("scopes", check::list)
    } else {
        fields.nullable("scopes", check::list).given()
    }?;
    if let Err(problem) = check::count("List", list.elements().count(), 1..=usize::MAX) {
        fields.refuse(["scopes".into()], problem);
    }
    Some(fields.each("scopes", list, scope).into_iter().collect())
}

fn scope(value: Value<'_>) -> Result<Scope, Problem> {
    let text = check::text(value, 0..=usize::MAX)?;
    text.parse().map_err(|_| {
        let expected = "'manage', 'use', 'resolve', 'audit' or 'admin'";
        Problem::new("enum", format!("Input should be {expected}")).with("expected", expected)
    })
}

fn read_tools(fields: &mut Fields<'_, '_>) -> Vec<ToolPattern> {
    let Some(list) = fields.nullable("tools", check::list).given() else {
        return Vec::new();
    };
    let tools = fields.each("tools", list, |value| {
        let text = check::text(value, NAME_LENGTHS)?;
        ToolPattern::parse(&text).map_err(name_problem)
    });
    if let Err(problem) = check::count("List", list.elements().count(), 0..=MOST_PATTERNS) {
        fields.refuse(["tools".into()], problem);
    }
    tools
}

/// `expires_in` in seconds from now, or `expires_at`; not both.
pub(super) fn read_expiry(fields: &mut Fields<'_, '_>, now: Timestamp) -> Option<Timestamp> {
    let seconds_from_now = fields
        .nullable("expires_in", |value| {
            check::integer(value, 1..=LONGEST_LIFE_SECONDS)
        })
        .given();
    let at = fields
        .nullable("expires_at", |value| {
            let end = moment(&check::text(value, 0..=usize::MAX)?)?;
            if end > now {
                Ok(end)
            } else {
                Err(Problem::value_error("the expiry must lie in the future"))
            }
        })
        .given();
    if seconds_from_now.is_some() && at.is_some() {
        let problem = Problem::value_error("give 'expires_in' or 'expires_at', not both");
        fields.refuse(["expires_at".into()], problem);
    }
    at.or(seconds_from_now.map(|after| now.plus(seconds(after))))
}

pub(in crate::api) fn name(value: Value<'_>) -> Result<String, Problem> {
    let mut text = check::text(value, NAME_LENGTHS)?;
    Ok(std::mem::take(&mut *text))
}
