//! Parameters for the attributes of handlers. Their limits are those of `wire` and `extract`.
#![expect(
    dead_code,
    reason = "the fields only describe parameters; `wire` and `extract` read them"
)]

use utoipa::IntoParams;
use uuid::Uuid;

use super::words::Action;

/// The three headers that may hold the credential, and the one that names the user it acts for.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Credentials {
    /// JWT token
    #[param(required = false)]
    token: String,
    /// io.net provided API Key
    #[param(required = false, rename = "Authorization")]
    authorization: String,
    /// API key set by an SDK client
    #[param(required = false, rename = "x-api-key")]
    api_key: String,
    /// The user for whom a key with `any_user` acts; refused with any other credential
    #[param(required = false, rename = "x-toolvault-user")]
    on_behalf: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SecretId {
    secret_id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Version {
    secret_id: Uuid,
    /// Counted from 1
    #[param(minimum = 1)]
    version: i64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserId {
    user_id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct KeyId {
    /// The public part of a key
    #[param(min_length = 8, max_length = 8, pattern = "^[0-9A-Za-z]{8}$")]
    key_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PendingId {
    /// The ID in the link that the agent received
    pending_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ApprovalId {
    approval_id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Server {
    /// The name of a server of the gateway
    #[param(example = "linear")]
    server: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ToolName {
    /// The tool's whole name, percent-encoded, with `/` as `%2F`
    #[param(
        min_length = 1,
        max_length = 1024,
        pattern = "^[^*]+$",
        example = "agno__linear__get_issue_details"
    )]
    tool_name: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// Entity tags, one of which must be that of what is stored, or `*`; weak tags never match
    #[param(required = false, rename = "If-Match")]
    if_match: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyKey {
    /// Names this creation for 24 hours; repeating the request in that time returns the first answer
    #[param(
        required = false,
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255
    )]
    idempotency_key: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many to list at most
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
    /// How many to skip
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SecretFilter {
    /// How many secrets to list at most
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: i64,
    /// How many secrets to skip
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
    /// Keeps secrets of exactly this name
    #[param(required = false)]
    secret_name: String,
    /// Keeps secrets whose pattern matches this tool
    #[param(required = false)]
    tool_name: String,
    /// Keeps secrets whose name contains this text
    #[param(required = false)]
    q: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyFilter {
    /// Keeps the keys of this user; for another user than the caller's own, `admin` is needed
    #[param(required = false)]
    user_id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserFilter {
    /// Keeps users of exactly this name
    #[param(required = false)]
    name: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Keeps records from this time on
    #[param(required = false, format = DateTime)]
    since: String,
    /// Keeps records up to this time
    #[param(required = false, format = DateTime)]
    until: String,
    /// Keeps records of this action
    #[param(required = false)]
    action: Action,
    /// Keeps records of this secret
    #[param(required = false)]
    secret_id: Uuid,
    /// Keeps records of this tool, or of this exact pattern
    #[param(required = false)]
    tool: String,
    /// How many records to list at most
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: i64,
    /// `next_cursor` of the previous page
    #[param(required = false)]
    cursor: String,
}
