//! `/v1/secrets/{secret_id}/versions`: older values, without showing them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::nothing;
use super::secrets::changed;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::{answers, errors, parameters, successes};
use crate::wire::ValidationErrors;

/// Lists the versions that are kept, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/{secret_id}/versions",
    tag = "agents",
    params(parameters::SecretId, parameters::Credentials),
    responses(
        (status = 200, description = "The versions that are kept", body = answers::VersionList),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_versions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let id = require(id, errors)?;
    let versions = app.vault.list_versions(&caller, id).await?;
    Ok(Json(json!({ "data": versions })).into_response())
}

/// Makes an older version's value the newest version.
#[utoipa::path(
    post,
    path = "/api/v1/secrets/{secret_id}/versions/{version}/restore",
    tag = "agents",
    params(parameters::Version, parameters::Credentials),
    responses(
        successes::ChangedSecret,
        errors::NotFound,
        errors::Refusals,
        errors::Reading,
        errors::Invalid
    )
)]
pub(crate) async fn restore_version(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let (id, version) = (input.secret_id(&mut errors), input.version(&mut errors));
    let (id, version) = require(id.zip(version), errors)?;
    let stored = app.vault.restore_version(&caller, id, version).await?;
    Ok(changed(&stored))
}

/// Erases an older version for good.
#[utoipa::path(
    delete,
    path = "/api/v1/secrets/{secret_id}/versions/{version}",
    tag = "agents",
    params(parameters::Version, parameters::Credentials),
    responses(
        (status = 200, description = "Erased", body = answers::Nothing),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn delete_version(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Response, ApiError> {
    let mut errors = ValidationErrors::default();
    let (id, version) = (input.secret_id(&mut errors), input.version(&mut errors));
    let (id, version) = require(id.zip(version), errors)?;
    app.vault.delete_version(&caller, id, version).await?;
    Ok(nothing())
}
