//! Keys.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use utoipa::ToSchema;
use uuid::Uuid;

/// A right of a key. No scope implies another.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Scope {
    Manage,
    Use,
    Resolve,
    Audit,
    Admin,
}

#[derive(ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyInfo {
    /// The public part of the key
    #[schema(pattern = "^[0-9A-Za-z]{8}$")]
    key_id: String,
    name: String,
    user_id: Uuid,
    scopes: Vec<Scope>,
    /// Tool patterns that limit the key; none for no limit
    tools: Vec<String>,
    any_user: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime, required = true)]
    expires_at: Option<String>,
    /// To the minute
    #[schema(format = DateTime, required = true)]
    last_used_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    revoked_at: Option<String>,
}

/// A key that was just made. The key itself is shown only here.
#[derive(ToSchema)]
pub(crate) struct IssuedKey {
    #[schema(pattern = "^[0-9A-Za-z]{8}$")]
    key_id: String,
    name: String,
    user_id: Uuid,
    scopes: Vec<Scope>,
    tools: Vec<String>,
    any_user: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime, required = true)]
    expires_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    last_used_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    revoked_at: Option<String>,
    /// The key
    #[schema(pattern = "^tvk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$")]
    key: String,
}

#[derive(ToSchema)]
pub(crate) struct KeyList {
    data: Vec<KeyInfo>,
}
