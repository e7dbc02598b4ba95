//! `/v1/me` and `/v1/usage`: the caller's rights, and what their user has stored.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::ScopeSet;
use toolvault_vault as vault;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::openapi::words::Scope;
use crate::openapi::{errors, parameters};

#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The name of the key, or the subject of the token
    name: String,
    #[schema(value_type = Vec<Scope>)]
    scopes: ScopeSet,
    #[schema(value_type = Vec<String>)]
    tools: Vec<ToolPattern>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    #[schema(minimum = 0)]
    secrets: i64,
    #[schema(minimum = 0)]
    secrets_limit: i64,
    /// Sum of the current values, in steps of 1 KiB
    #[schema(minimum = 0, multiple_of = 1024)]
    bytes: i64,
    #[schema(minimum = 0)]
    bytes_limit: i64,
}

impl From<vault::Usage> for Usage {
    fn from(usage: vault::Usage) -> Self {
        Self {
            secrets: usage.secrets,
            secrets_limit: usage.secrets_limit,
            bytes: usage.bytes,
            bytes_limit: usage.bytes_limit,
        }
    }
}

/// Get Me
///
/// Returns the caller's user and rights.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "account",
    params(parameters::Credentials),
    responses((status = 200, description = "The caller", body = Me), errors::Refusals)
)]
pub(crate) async fn get_me(Authenticated(caller): Authenticated) -> Json<Me> {
    Json(Me {
        user_id: caller.user(),
        name: caller.name().to_owned(),
        scopes: caller.scopes(),
        tools: caller.tools().to_vec(),
    })
}

/// Get Usage
///
/// Returns what the user has stored, and the user's limits.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "account",
    params(parameters::Credentials),
    responses((status = 200, description = "The usage", body = Usage), errors::Refusals)
)]
pub(crate) async fn get_usage(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Usage>, ApiError> {
    Ok(Json(app.vault.usage(&caller).await?.into()))
}
