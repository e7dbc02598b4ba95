//! `/v1/audit`: the audit trail.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::audit::record;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::AuditFilter;
use utoipa::ToSchema;

use super::moment;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::Input;
use crate::openapi::words::Action;
use crate::openapi::{errors, parameters};
use crate::wire::{Problem, Query, ValidationErrors, check};

const DEFAULT_LIMIT: usize = 100;

/// Whether the action was carried out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    Allowed,
    Denied,
}

impl From<record::Decision> for Decision {
    fn from(decision: record::Decision) -> Self {
        match decision {
            record::Decision::Allowed => Self::Allowed,
            record::Decision::Denied => Self::Denied,
        }
    }
}

/// One record of the trail. Members that do not apply are absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Record {
    /// Position in the trail, without gaps
    #[schema(minimum = 1)]
    sequence: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `key:<key_id>`, `jwt:<iss> <sub>`, `local:<uid>` or `anonymous`
    actor: String,
    /// The user whose trail it belongs to
    #[schema(required = true, value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    #[schema(value_type = Action)]
    action: record::Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid)]
    secret_id: Option<SecretId>,
    /// The secret's name at that time
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    secret_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64)]
    version: Option<i64>,
    /// The key or user concerned, if it is not the actor
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    subject: Option<String>,
    /// The tool's name, or the pattern of a binding
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    argument: Option<String>,
    /// The arguments that a tool was called with: each name, `:` and the type of its value
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>)]
    arguments: Option<Vec<String>>,
    /// The hidden arguments for which a value was received and discarded
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>)]
    dropped: Option<Vec<String>>,
    /// How long the tool call took
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64)]
    duration_ms: Option<i64>,
    decision: Decision,
    /// Why it was refused, or what changed
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    request_id: Option<String>,
    /// The network address of an unknown caller
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    source: Option<String>,
    /// How many equal events the record stands for, if more than one
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64)]
    count: Option<i64>,
    /// Hash of the row after the change
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    state: Option<String>,
}

impl From<record::Record> for Record {
    fn from(record: record::Record) -> Self {
        Self {
            sequence: record.sequence,
            at: record.at,
            actor: record.actor,
            user_id: record.user_id,
            action: record.action,
            secret_id: record.secret_id,
            secret_name: record.secret_name,
            version: record.version,
            subject: record.subject,
            tool: record.tool,
            argument: record.argument,
            arguments: record.arguments,
            dropped: record.dropped,
            duration_ms: record.duration_ms,
            decision: record.decision.into(),
            reason: record.reason,
            request_id: record.request_id,
            source: record.source,
            count: record.count,
            state: record.state,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// Newest first
    data: Vec<Record>,
    /// The cursor of the next page; null at the end
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List Audit Records
///
/// Lists audit records, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    params(parameters::Credentials, parameters::AuditFilter),
    responses(
        (status = 200, description = "A page of the trail", body = AuditPage),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_audit(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<AuditPage>, ApiError> {
    let mut errors = ValidationErrors::default();
    let query = input.query();
    let secret = query.get("secret_id").and_then(|text| {
        errors.keep(check::uuid_text(text), || {
            vec!["query".into(), "secret_id".into()]
        })
    });
    let filter = AuditFilter {
        since: time(&query, "since", &mut errors),
        until: time(&query, "until", &mut errors),
        action: action(&query, &mut errors),
        secret: secret.map(SecretId),
        tool: query.text("tool", &mut errors),
        limit: query
            .integer("limit", 1..=1000, &mut errors)
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(DEFAULT_LIMIT),
        cursor: query.text("cursor", &mut errors),
    };
    errors.into_result()?;
    let page = app.vault.list_audit(&caller, &filter).await?;
    Ok(Json(AuditPage {
        data: page.records.into_iter().map(Record::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

fn time(query: &Query, name: &'static str, errors: &mut ValidationErrors) -> Option<Timestamp> {
    errors.keep(moment(query.get(name)?), || {
        vec!["query".into(), name.into()]
    })
}

fn action(query: &Query, errors: &mut ValidationErrors) -> Option<record::Action> {
    let text = query.get("action")?;
    let known = record::Action::ALL
        .iter()
        .copied()
        .find(|action| action.name() == text);
    let known = known.ok_or_else(|| Problem::new("enum", "Input should be an action of the trail"));
    errors.keep(known, || vec!["query".into(), "action".into()])
}
