//! `/v1/uses`: when secrets were used.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault as vault;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::caller::Authenticated;
use crate::openapi::{errors, parameters};

/// The uses of one secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretUse {
    #[schema(value_type = Uuid)]
    secret_id: SecretId,
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// The tool that it was used for then
    #[schema(required = true)]
    last_tool: Option<String>,
    /// The number of uses on each of the last 30 days (UTC), the oldest first
    uses: Vec<i64>,
}

impl From<vault::SecretUse> for SecretUse {
    fn from(used: vault::SecretUse) -> Self {
        Self {
            secret_id: used.secret_id,
            last_used_at: used.last_used_at,
            last_tool: used.last_tool,
            uses: used.days,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SecretUses {
    /// The secrets that were used, the latest first
    data: Vec<SecretUse>,
    /// The counts are complete from then on: a long trail is read in part
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// List Uses of Secrets
///
/// Returns when the user's secrets were last used, and how often in the last 30 days. Secrets that were not used are left
/// out.
#[utoipa::path(
    get,
    path = "/api/v1/uses",
    tag = "agents",
    params(parameters::Credentials),
    responses((status = 200, description = "The uses", body = SecretUses), errors::Refusals)
)]
pub(crate) async fn list_uses(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<SecretUses>, ApiError> {
    let uses = app.vault.secret_uses(&caller).await?;
    Ok(Json(SecretUses {
        data: uses.secrets.into_iter().map(SecretUse::from).collect(),
        since: uses.since,
    }))
}
