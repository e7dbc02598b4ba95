//! `/v1/audit`: the audit trail.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use toolvault_core::audit::record::Action;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::AuditFilter;

use super::moment;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::Input;
use crate::openapi::{answers, errors, parameters};
use crate::wire::{Problem, Query, ValidationErrors, check};

const DEFAULT_LIMIT: usize = 100;

/// Lists records, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    params(parameters::Credentials, parameters::AuditFilter),
    responses(
        (status = 200, description = "A page of the trail", body = answers::AuditPage),
        errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_audit(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
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
    let body = json!({ "data": page.records, "next_cursor": page.next_cursor });
    Ok(Json(body).into_response())
}

fn time(query: &Query, name: &'static str, errors: &mut ValidationErrors) -> Option<Timestamp> {
    errors.keep(moment(query.get(name)?), || {
        vec!["query".into(), name.into()]
    })
}

fn action(query: &Query, errors: &mut ValidationErrors) -> Option<Action> {
    let text = query.get("action")?;
    let known = Action::ALL
        .iter()
        .copied()
        .find(|action| action.name() == text);
    let known = known.ok_or_else(|| Problem::new("enum", "Input should be an action of the trail"));
    errors.keep(known, || vec!["query".into(), "action".into()])
}
