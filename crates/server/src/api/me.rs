//! `/v1/me` and `/v1/usage`: the caller's own rights and figures.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::openapi::{answers, errors, parameters};

/// Tells who the caller is and what they may do.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "account",
    params(parameters::Credentials),
    responses((status = 200, description = "The caller", body = answers::Me), errors::Refusals)
)]
pub(crate) async fn get_me(Authenticated(caller): Authenticated) -> Response {
    Json(json!({
        "user_id": caller.user(),
        "name": caller.name(),
        "scopes": caller.scopes(),
        "tools": caller.tools(),
    }))
    .into_response()
}

/// Tells what the user has stored, against what they may.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "account",
    params(parameters::Credentials),
    responses((status = 200, description = "The figures", body = answers::Usage), errors::Refusals)
)]
pub(crate) async fn get_usage(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    let usage = app.vault.usage(&caller).await?;
    Ok(Json(json!({
        "secrets": usage.secrets,
        "secrets_limit": usage.secrets_limit,
        "bytes": usage.bytes,
        "bytes_limit": usage.bytes_limit,
    }))
    .into_response())
}
