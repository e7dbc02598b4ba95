//! `/v1/pending-secrets/{pending_id}`: a secret that a tool call needs, for the user who made the call.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use toolvault_core::scope::Scope;
use toolvault_gateway::mcp::SetError;
use toolvault_vault::{Caller, Denial, Error};
use utoipa::ToSchema;

use super::secrets::answer;
use super::values::text;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::forward::forward;
use crate::openapi::{errors, parameters, requests, successes};
use crate::wire::{Fields, ValidationErrors};

/// A secret that a tool call needs and the user has not stored yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingSecret {
    /// The server whose tool was called
    server: String,
    /// The argument that needs the secret
    argument: String,
    /// The name that the secret will have
    secret_name: String,
    /// For how many seconds it can still be stored here
    #[schema(minimum = 0, value_type = i64)]
    expires_in: u64,
}

/// Get Pending Secret
///
/// Returns the secret that a tool call needs and the user has not stored yet.
#[utoipa::path(
    get,
    path = "/api/v1/pending-secrets/{pending_id}",
    tag = "agents",
    params(parameters::PendingId, parameters::Credentials),
    responses(
        (status = 200, description = "The pending secret", body = PendingSecret),
        errors::NotFound, errors::Refusals, errors::Reading
    )
)]
pub(crate) async fn get_pending_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    require_manage(&caller)?;
    let id = input.text_segment("pending_id").unwrap_or_default();
    if let Some(answer) = forward(&app, input.parts(), &id, input.bytes()).await {
        return answer;
    }
    let pending = app.gateway.pending(&caller, &id).ok_or(Error::NotFound)?;
    let pending = Json(PendingSecret {
        server: pending.server,
        argument: pending.argument,
        secret_name: pending.secret_name,
        expires_in: pending.expires_in.as_secs(),
    });
    Ok(pending.into_response())
}

/// Set Pending Secret
///
/// Stores the secret that a tool call needs, as a default for that argument. Works once.
#[utoipa::path(
    post,
    path = "/api/v1/pending-secrets/{pending_id}",
    tag = "agents",
    params(parameters::PendingId, parameters::Credentials),
    request_body = requests::ReplaceValue,
    responses(successes::OneSecret, errors::NotFound, errors::Refusals, errors::ReadingJson)
)]
pub(crate) async fn set_pending_secret(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    require_manage(&caller)?;
    let id = input.text_segment("pending_id").unwrap_or_default();
    if let Some(answer) = forward(&app, input.parts(), &id, input.bytes()).await {
        return answer;
    }
    let body = input.json()?;
    let mut errors = ValidationErrors::default();
    let value = Fields::of(body, &mut errors).required("secret_value", text);
    let value = require(value, errors)?;
    match app.gateway.set_pending(&caller, &id, value).await {
        Ok(info) => Ok(answer(info)),
        Err(SetError::Unknown) => Err(Error::NotFound.into()),
        Err(SetError::Vault(error)) => Err(error.into()),
    }
}

/// A caller who may not store secrets must learn nothing about pending ones.
fn require_manage(caller: &Caller) -> Result<(), ApiError> {
    if caller.scopes().contains(Scope::Manage) {
        Ok(())
    } else {
        Err(Error::from(Denial::MissingScope(Scope::Manage)).into())
    }
}
