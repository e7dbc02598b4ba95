//! Users, and the caller.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use utoipa::ToSchema;
use uuid::Uuid;

use super::Scope;

#[derive(ToSchema)]
pub(crate) struct Me {
    user_id: Uuid,
    /// The name of the key, or the subject of the token
    name: String,
    scopes: Vec<Scope>,
    tools: Vec<String>,
}

#[derive(ToSchema)]
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

#[derive(ToSchema)]
#[schema(as = User)]
pub(crate) struct UserInfo {
    user_id: Uuid,
    /// Unique among local users
    name: String,
    /// `local`, or `issuer:` and the issuer
    origin: String,
    disabled: bool,
    /// The user's own limit, if they have one
    #[schema(required = true, minimum = 0)]
    secrets_limit: Option<i64>,
    /// The user's own limit, if they have one
    #[schema(required = true, minimum = 0)]
    bytes_limit: Option<i64>,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(ToSchema)]
pub(crate) struct UserList {
    data: Vec<UserInfo>,
}
