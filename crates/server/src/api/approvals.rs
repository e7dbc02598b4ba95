//! `/v1/approvals`: calls through the gateway that a person must allow, and what is allowed.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::ApprovalId;
use toolvault_core::json::Value;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault as vault;
use toolvault_vault::ApprovalDecision;
use utoipa::ToSchema;

use super::Nothing;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::words::{Need, PersonsDecision, StateOfApproval};
use crate::openapi::{errors, parameters, requests, successes};
use crate::wire::{Fields, Problem, ValidationErrors, check};

/// How many are listed if the request does not say.
const DEFAULT_LIMIT: i64 = 50;

/// A call that a person must allow, or what was allowed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approval {
    #[serde(rename = "approval_id")]
    #[schema(value_type = Uuid)]
    id: ApprovalId,
    /// The server's name in the configuration
    server: String,
    /// The tool, as its server names it
    tool: String,
    /// The tool's title
    #[schema(required = true)]
    title: Option<String>,
    /// The arguments that the model gave, with `[secret:<name>]` in place of values of secrets
    #[schema(value_type = BTreeMap<String, Value>)]
    arguments: Box<RawValue>,
    /// Who made the call, as in the audit trail
    requested_by: String,
    /// The key that made the call, if it was one
    #[schema(value_type = Option<String>, required = true)]
    key_id: Option<KeyId>,
    /// The name of the key, or the subject of the token, that made the call
    requester: String,
    /// The secret whose policy asks; null if the configuration of the gateway does
    #[schema(required = true)]
    secret_name: Option<String>,
    /// Whether the tool must be allowed once, or each call
    #[schema(value_type = Need)]
    need: &'static str,
    #[schema(value_type = StateOfApproval)]
    state: &'static str,
    #[schema(value_type = Option<PersonsDecision>, required = true)]
    decision: Option<ApprovalDecision>,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// When the request counts as refused, or what was decided ends; null if it lasts
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    decided_at: Option<Timestamp>,
    /// Who decided, as in the audit trail
    #[schema(required = true)]
    decided_by: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalList {
    data: Vec<Approval>,
    /// How many there are in all
    #[schema(minimum = 0, value_type = i64)]
    total: usize,
    #[schema(minimum = 1, maximum = 100)]
    limit: i64,
    #[schema(minimum = 0)]
    offset: i64,
}

impl TryFrom<vault::Approval> for Approval {
    type Error = ApiError;

    fn try_from(approval: vault::Approval) -> Result<Self, ApiError> {
        let key_id = approval.key_id();
        // As it is spelled: no number loses a digit.
        let arguments = RawValue::from_string(approval.arguments);
        Ok(Self {
            id: approval.id,
            server: approval.server,
            tool: approval.tool,
            title: approval.title,
            arguments: arguments.map_err(|_| ApiError::Internal)?,
            requested_by: approval.requested_by,
            key_id,
            requester: approval.requester,
            secret_name: approval.secret_name,
            need: approval.need.as_str(),
            state: approval.state.as_str(),
            decision: approval.decision,
            requested_at: approval.requested_at,
            expires_at: approval.expires_at,
            decided_at: approval.decided_at,
            decided_by: approval.decided_by,
        })
    }
}

/// List Approvals
///
/// Lists the user's calls that wait for a decision, and what is allowed, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/approvals",
    tag = "gateway",
    params(parameters::Credentials, parameters::Page),
    responses(
        (status = 200, description = "The approvals, newest first", body = ApprovalList),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_approvals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<ApprovalList>, ApiError> {
    let mut errors = ValidationErrors::default();
    let query = input.query();
    let limit = query.integer("limit", 1..=100, &mut errors);
    let offset = query.integer("offset", 0..=i64::MAX, &mut errors);
    errors.into_result()?;
    let (limit, offset) = (limit.unwrap_or(DEFAULT_LIMIT), offset.unwrap_or(0));
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let listed = app
        .vault
        .approvals(&caller, usize::try_from(limit).unwrap_or_default(), skipped)
        .await?;
    let data = listed.approvals.into_iter().map(Approval::try_from);
    Ok(Json(ApprovalList {
        data: data.collect::<Result<_, _>>()?,
        total: listed.total,
        limit,
        offset,
    }))
}

/// Get Approval
///
/// Returns one call that a person must allow, in any state, until a day after it ended, or an hour if it was not decided.
#[utoipa::path(
    get,
    path = "/api/v1/approvals/{approval_id}",
    tag = "gateway",
    params(parameters::ApprovalId, parameters::Credentials),
    responses(
        (status = 200, description = "The call, and what was decided", body = Approval),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn get_approval(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Approval>, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.identifier("approval_id", &mut errors);
    let id = require(id, errors)?;
    let approval = app.vault.approval(&caller, ApprovalId(id)).await?;
    Ok(Json(approval.try_into()?))
}

/// Decide Approval
///
/// Allows or refuses a call that waits. The key or token that made the call cannot decide.
#[utoipa::path(
    post,
    path = "/api/v1/approvals/{approval_id}",
    tag = "gateway",
    params(parameters::ApprovalId, parameters::Credentials),
    request_body = requests::DecideApproval,
    responses(
        (status = 200, description = "What was decided", body = Approval),
        errors::NotFound, errors::Decided, errors::Refusals, errors::ReadingJson
    )
)]
pub(crate) async fn decide_approval(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Approval>, ApiError> {
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let id = input.identifier("approval_id", &mut errors);
    let mut fields = Fields::of(body, &mut errors);
    let decision = fields.required("decision", decision);
    let (id, decision) = require(id.zip(decision), errors)?;
    let deciding = app.vault.decide_approval(&caller, ApprovalId(id), decision);
    Ok(Json(deciding.await?.try_into()?))
}

/// Delete Approval
///
/// Revokes what was allowed, or withdraws a call that waits.
#[utoipa::path(
    delete,
    path = "/api/v1/approvals/{approval_id}",
    tag = "gateway",
    params(parameters::ApprovalId, parameters::Credentials),
    responses(
        successes::Deleted,
        errors::NotFound,
        errors::Refusals,
        errors::Reading,
        errors::Invalid
    )
)]
pub(crate) async fn delete_approval(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.identifier("approval_id", &mut errors);
    let id = require(id, errors)?;
    app.vault.delete_approval(&caller, ApprovalId(id)).await?;
    Ok(Json(Nothing {}))
}

fn decision(value: Value<'_>) -> Result<ApprovalDecision, Problem> {
    let text = check::text(value, 0..=usize::MAX)?;
    let mut decisions = ApprovalDecision::ALL.into_iter();
    decisions
        .find(|decision| decision.as_str() == text.as_str())
        .ok_or_else(|| Problem::value_error("use 'once', 'hour', 'always' or 'refuse'"))
}

#[cfg(test)]
mod tests {
    use toolvault_vault::ApprovalState;

    #[test]
    fn the_names_of_states_are_those_of_the_list() {
        let states = [
            ApprovalState::Pending,
            ApprovalState::Allowed,
            ApprovalState::Refused,
            ApprovalState::Expired,
            ApprovalState::Used,
        ];
        assert_eq!(states.map(ApprovalState::as_str), ApprovalState::NAMES);
    }
}
