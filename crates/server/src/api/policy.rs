//! `/v1/policies` and `/v1/secrets/{secret_id}/policy`: the conditions of a secret's use.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use toolvault_core::identity::SecretId;
use toolvault_core::json::{Object, Value};
use toolvault_core::policy;
use toolvault_core::policy::Approval;
use toolvault_core::policy::condition::Condition;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault as vault;
use utoipa::ToSchema;

use super::moment;
use super::secrets::tagged;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::words::PolicyApproval;
use crate::openapi::{errors, parameters, requests, successes};
use crate::wire::{Body, Fields, Problem, ValidationErrors, check};

/// Ten years.
const LONGEST_ROTATION_DAYS: i64 = 3_660;
/// The most companion arguments, and the most patterns for each.
const MOST_CONDITIONS: usize = 32;
/// The allowed lengths of an argument's name and of a pattern, in code points.
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;

#[derive(Serialize, ToSchema)]
pub(crate) struct Policy {
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<i64>, minimum = 1, required = true)]
    rotate_after_days: Option<u32>,
    /// Companion arguments and the patterns, one of which each must match unless it is absent
    when: BTreeMap<String, Vec<String>>,
    protected: bool,
    redact: bool,
    /// Never applied: an attempt to use it, or to send its value, sets off an alarm
    canary: bool,
    /// When a person must allow a call that gets it; null for never
    #[schema(value_type = Option<PolicyApproval>, required = true)]
    approval: Option<Approval>,
}

impl From<policy::Policy> for Policy {
    fn from(policy: policy::Policy) -> Self {
        Self {
            expires_at: policy.expires_at,
            rotate_after_days: policy.rotate_after_days,
            when: policy.when,
            protected: policy.protected,
            redact: policy.redact,
            canary: policy.canary,
            approval: policy.approval,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyInfo {
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    #[serde(flatten)]
    policy: Policy,
    /// When the current value is due for rotation
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    rotation_due_at: Option<Timestamp>,
    is_due: bool,
    is_expired: bool,
}

impl From<vault::PolicyInfo> for PolicyInfo {
    fn from(info: vault::PolicyInfo) -> Self {
        Self {
            secret_id: info.secret_id,
            policy: info.policy.into(),
            rotation_due_at: info.rotation_due_at,
            is_due: info.is_due,
            is_expired: info.is_expired,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyList {
    data: Vec<PolicyInfo>,
}

/// List Secret Policies
///
/// Lists the policies that differ from the default, oldest secret first, with what is due or expired.
#[utoipa::path(
    get,
    path = "/api/v1/policies",
    tag = "agents",
    params(parameters::Credentials),
    responses(
        (status = 200, description = "The conditions, oldest secret first", body = PolicyList),
        errors::Refusals
    )
)]
pub(crate) async fn list_policies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<PolicyList>, ApiError> {
    let policies = app.vault.list_policies(&caller).await?;
    let data = policies.into_iter().map(PolicyInfo::from).collect();
    Ok(Json(PolicyList { data }))
}

/// Get Secret Policy
///
/// Returns the conditions of a secret's use.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/{secret_id}/policy",
    tag = "agents",
    params(parameters::SecretId, parameters::Credentials),
    responses(
        successes::OnePolicy,
        errors::NotFound,
        errors::Refusals,
        errors::Reading,
        errors::Invalid
    )
)]
pub(crate) async fn get_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let id = require(id, errors)?;
    let policy = app.vault.get_policy(&caller, id).await?;
    Ok(answer(policy))
}

/// Set Secret Policy
///
/// Replaces the conditions of a secret's use; a field that is left out takes its default.
#[utoipa::path(
    put,
    path = "/api/v1/secrets/{secret_id}/policy",
    tag = "agents",
    params(parameters::SecretId, parameters::Credentials, parameters::IfMatch),
    request_body = Option<requests::SetPolicy>,
    responses(
        successes::OnePolicy, errors::NotFound, errors::PreconditionFailed,
        errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn set_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let policy = read(body, &mut errors);
    let id = require(id, errors)?;
    let policy = app
        .vault
        .set_policy(&caller, id, policy, input.if_match())
        .await?;
    Ok(answer(policy))
}

fn answer(policy: policy::Policy) -> Response {
    let tag = policy.entity_tag();
    tagged(Policy::from(policy), &tag)
}

fn read(body: Body<'_>, errors: &mut ValidationErrors) -> policy::Policy {
    let mut fields = Fields::of(body, errors);
    let expires_at = fields.nullable("expires_at", |value| {
        moment(&check::text(value, 0..=usize::MAX)?)
    });
    let rotate_after_days = fields.nullable("rotate_after_days", |value| {
        check::integer(value, 1..=LONGEST_ROTATION_DAYS)
    });
    let when = fields.nullable("when", check::dictionary).given();
    let when = when.map(|object| read_when(object, &mut fields));
    let protected = fields.nullable("protected", check::boolean).given();
    let redact = fields.nullable("redact", check::boolean).given();
    let canary = fields.nullable("canary", check::boolean).given();
    let approval = fields.nullable("approval", read_approval).given();
    policy::Policy {
        expires_at: expires_at.given(),
        rotate_after_days: rotate_after_days
            .given()
            .and_then(|days| u32::try_from(days).ok()),
        when: when.unwrap_or_default(),
        protected: protected.unwrap_or(false),
        redact: redact.unwrap_or(true),
        canary: canary.unwrap_or(false),
        approval,
    }
}

fn read_approval(value: Value<'_>) -> Result<Approval, Problem> {
    let text = check::text(value, 0..=usize::MAX)?;
    let mut all = Approval::ALL.into_iter();
    all.find(|approval| approval.as_str() == text.as_str())
        .ok_or_else(|| Problem::value_error("use 'always', 'first' or 'writes'"))
}

fn read_when(object: Object<'_>, fields: &mut Fields<'_, '_>) -> BTreeMap<String, Vec<String>> {
    let Ok(members) = object.members() else {
        fields.refuse(
            ["when".into()],
            Problem::value_error("a name is not valid Unicode"),
        );
        return BTreeMap::new();
    };
    if let Err(problem) = check::count("Dictionary", members.len(), 0..=MOST_CONDITIONS) {
        fields.refuse(["when".into()], problem);
        return BTreeMap::new();
    }
    let mut when = BTreeMap::new();
    for member in members {
        let name = member.name.into_owned();
        let checked = check::within(&name, NAME_LENGTHS).and_then(|()| read_patterns(member.value));
        match checked {
            Ok(patterns) => {
                when.insert(name, patterns);
            }
            Err(problem) => fields.refuse(["when".into(), name.into()], problem),
        }
    }
    when
}

fn read_patterns(value: Value<'_>) -> Result<Vec<String>, Problem> {
    let list = check::list(value)?;
    check::count("List", list.elements().count(), 1..=MOST_CONDITIONS)?;
    list.elements()
        .map(|element| {
            let text = check::text(element, NAME_LENGTHS)?;
            Condition::parse(&text).map_err(|error| Problem::value_error(&error.to_string()))?;
            Ok(text.to_string())
        })
        .collect()
}
