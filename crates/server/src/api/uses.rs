//! `/v1/uses`: the versions of secrets, and when and by whom they were used.

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
    /// The number of the current version; null if the secret was deleted or lies outside the key's tool patterns
    #[schema(required = true)]
    version: Option<i64>,
    /// Null if it was not used in the last 30 days
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_used_at: Option<Timestamp>,
    /// The tool that it was used for then
    #[schema(required = true)]
    last_tool: Option<String>,
    /// Who used it then, as the audit trail names them: `key:` and the ID of an API key, for example
    #[schema(required = true)]
    last_actor: Option<String>,
    /// The number of uses on each of the last 30 days (UTC), the oldest first
    uses: Vec<i64>,
}

impl From<vault::SecretUse> for SecretUse {
    fn from(used: vault::SecretUse) -> Self {
        let last = used.last;
        Self {
            secret_id: used.secret_id,
            version: used.version,
            last_used_at: last.as_ref().map(|last| last.at),
            last_tool: last.as_ref().and_then(|last| last.tool.clone()),
            last_actor: last.map(|last| last.actor),
            uses: used.days,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SecretUses {
    /// The secrets that were used, also those deleted since, the latest first; then the others, oldest first
    data: Vec<SecretUse>,
    /// The counts are complete from then on: a long trail is read in part
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// List Uses of Secrets
///
/// Returns the current version of each of the user's secrets, when and by whom it was last used, and how often in the last
/// 30 days.
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
