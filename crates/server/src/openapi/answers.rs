//! Bodies of answers, as the handlers write them.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

mod audit;
mod keys;
mod tools;
mod users;
mod versions;

use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use self::audit::{Action, AuditPage};
pub(crate) use self::keys::{IssuedKey, KeyInfo, KeyList, Scope};
pub(crate) use self::tools::{Completed, CompletedOrResults, Explanation};
pub(crate) use self::users::{Me, Usage, UserInfo, UserList};
pub(crate) use self::versions::{Policy, PolicyList, VersionList};

#[derive(ToSchema)]
pub(crate) struct SecretInfo {
    secret_id: Uuid,
    user_id: Uuid,
    secret_name: String,
    /// The masked value; it does not tell the length
    #[schema(required = true)]
    display: Option<String>,
    #[schema(required = true)]
    tool_name: Option<String>,
    #[schema(required = true)]
    tool_arg: Option<String>,
    is_default_for_tool: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

#[derive(ToSchema)]
pub(crate) struct SecretList {
    data: Vec<SecretInfo>,
    /// How many secrets match
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 1, maximum = 1000)]
    limit: i64,
    #[schema(minimum = 0)]
    offset: i64,
}

/// What a tool call lacked.
#[derive(ToSchema)]
pub(crate) struct PendingSecret {
    /// The server whose tool was called
    server: String,
    /// The argument that wants the secret
    argument: String,
    /// The name that the secret will have
    secret_name: String,
    /// For how many seconds it can still be stored here
    #[schema(minimum = 0)]
    expires_in: i64,
}

#[derive(ToSchema)]
pub(crate) struct Status {
    status: String,
}

/// An empty object.
#[derive(ToSchema)]
pub(crate) struct Nothing {}
