//! Answers about keys.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault as vault;
use utoipa::ToSchema;

use crate::openapi::words::Scope;

#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyInfo {
    /// The public part of the key
    #[schema(value_type = String, pattern = "^[0-9A-Za-z]{8}$")]
    key_id: KeyId,
    name: String,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    #[schema(value_type = Vec<Scope>)]
    scopes: ScopeSet,
    /// Tool patterns that limit the key; empty for no limit
    #[schema(value_type = Vec<String>)]
    tools: Vec<ToolPattern>,
    any_user: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<Timestamp>,
    /// Rounded to the minute
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    revoked_at: Option<Timestamp>,
}

impl From<vault::KeyInfo> for KeyInfo {
    fn from(key: vault::KeyInfo) -> Self {
        Self {
            key_id: key.key_id,
            name: key.name,
            user_id: key.user_id,
            scopes: key.scopes,
            tools: key.tools,
            any_user: key.any_user,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    data: Vec<KeyInfo>,
}

impl From<Vec<vault::KeyInfo>> for KeyList {
    fn from(keys: Vec<vault::KeyInfo>) -> Self {
        Self {
            data: keys.into_iter().map(KeyInfo::from).collect(),
        }
    }
}

/// A new key. Only this answer shows it in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedKey {
    #[serde(flatten)]
    info: KeyInfo,
    /// The key
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String, pattern = "^tvk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$")]
    key: ApiKey,
}

impl From<vault::IssuedKey> for IssuedKey {
    fn from(issued: vault::IssuedKey) -> Self {
        Self {
            info: issued.info.into(),
            key: issued.key,
        }
    }
}

fn expose<S: serde::Serializer>(key: &ApiKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose())
}

impl IntoResponse for IssuedKey {
    fn into_response(self) -> Response {
        let no_store = HeaderValue::from_static("no-store");
        ([(header::CACHE_CONTROL, no_store)], Json(self)).into_response()
    }
}
