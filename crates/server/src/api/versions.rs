//! `/v1/secrets/{secret_id}/versions`: older values, without showing them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault as vault;
use utoipa::ToSchema;

use super::Nothing;
use super::secrets::changed;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::extract::input::{Input, require};
use crate::openapi::words::VersionState;
use crate::openapi::{errors, parameters, successes};
use crate::wire::ValidationErrors;

#[derive(Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionInfo {
    #[schema(minimum = 1)]
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who stored it
    created_by: String,
    #[schema(value_type = VersionState)]
    state: &'static str,
}

impl From<vault::VersionInfo> for VersionInfo {
    fn from(version: vault::VersionInfo) -> Self {
        Self {
            version: version.version,
            created_at: version.created_at,
            created_by: version.created_by,
            state: version.state,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VersionList {
    data: Vec<VersionInfo>,
}

/// List Secret Versions
///
/// Lists the versions that are kept, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/secrets/{secret_id}/versions",
    tag = "agents",
    params(parameters::SecretId, parameters::Credentials),
    responses(
        (status = 200, description = "The versions that are kept", body = VersionList),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn list_versions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<VersionList>, ApiError> {
    let mut errors = ValidationErrors::default();
    let id = input.secret_id(&mut errors);
    let id = require(id, errors)?;
    let versions = app.vault.list_versions(&caller, id).await?;
    let data = versions.into_iter().map(VersionInfo::from).collect();
    Ok(Json(VersionList { data }))
}

/// Restore Secret Version
///
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
    Ok(changed(stored))
}

/// Delete Secret Version
///
/// Erases an older version permanently.
#[utoipa::path(
    delete,
    path = "/api/v1/secrets/{secret_id}/versions/{version}",
    tag = "agents",
    params(parameters::Version, parameters::Credentials),
    responses(
        (status = 200, description = "Erased", body = Nothing),
        errors::NotFound, errors::Refusals, errors::Reading, errors::Invalid
    )
)]
pub(crate) async fn delete_version(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    input: Input,
) -> Result<Json<Nothing>, ApiError> {
    let mut errors = ValidationErrors::default();
    let (id, version) = (input.secret_id(&mut errors), input.version(&mut errors));
    let (id, version) = require(id.zip(version), errors)?;
    app.vault.delete_version(&caller, id, version).await?;
    Ok(Json(Nothing {}))
}
