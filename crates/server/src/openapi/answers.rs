//! Bodies of answers, as the handlers write them.
#![expect(dead_code, reason = "the fields describe JSON; nobody reads them")]

use std::collections::BTreeMap;

use serde_json::Value;
use toolvault_core::audit::record;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

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
pub(crate) struct Key {
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
    data: Vec<Key>,
}

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
pub(crate) struct User {
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
    data: Vec<User>,
}

/// An action of the audit trail.
pub(crate) struct Action;

impl PartialSchema for Action {
    fn schema() -> RefOr<Schema> {
        let names = record::Action::ALL.iter().map(|action| action.name());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for Action {}

/// Whether it was done.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Decision {
    Allowed,
    Denied,
}

/// One record of the trail. What does not apply is absent.
#[derive(ToSchema)]
pub(crate) struct Record {
    /// Position in the trail, without gaps
    #[schema(minimum = 1)]
    sequence: i64,
    #[schema(format = DateTime)]
    at: String,
    /// `key:<key_id>`, `jwt:<iss> <sub>`, `local:<uid>` or `anonymous`
    actor: String,
    /// Whose trail it belongs to
    #[schema(required = true)]
    user_id: Option<Uuid>,
    action: Action,
    #[schema(required = false)]
    secret_id: Uuid,
    /// The secret's name at that moment
    #[schema(required = false)]
    secret_name: String,
    #[schema(required = false)]
    version: i64,
    /// The key or user concerned, where it is not the actor
    #[schema(required = false)]
    subject: String,
    /// The tool's name, or the pattern of a binding
    #[schema(required = false)]
    tool: String,
    #[schema(required = false)]
    argument: String,
    decision: Decision,
    /// Why it was refused, or what of it changed
    #[schema(required = false)]
    reason: String,
    #[schema(required = false)]
    request_id: String,
    /// The network address of an unknown caller
    #[schema(required = false)]
    source: String,
    /// How many equal events the record stands for, if more than one
    #[schema(required = false)]
    count: i64,
    /// Hash of the row after the change
    #[schema(required = false)]
    state: String,
}

#[derive(ToSchema)]
pub(crate) struct AuditPage {
    /// Newest first
    data: Vec<Record>,
    /// Where to go on; null at the end
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Completed arguments. Whoever has them can read the values.
#[derive(ToSchema)]
pub(crate) struct Completed {
    tool_name: String,
    /// Received arguments keep their spelling
    args: BTreeMap<String, Value>,
    applied: Vec<Applied>,
}

/// A secret that was applied.
#[derive(ToSchema)]
pub(crate) struct Applied {
    arg: String,
    secret_id: Uuid,
    secret_name: String,
    #[schema(minimum = 1)]
    version: i64,
    source: AppliedSource,
}

/// Why a secret was applied.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum AppliedSource {
    Default,
    Binding,
}

/// The answer to one call, or to several.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum CompletedOrResults {
    One(Completed),
    Several(CallResults),
}

#[derive(ToSchema)]
pub(crate) struct CallResults {
    /// In the order of the calls
    results: Vec<CallResult>,
}

/// The status and the content that the call would have had alone.
#[derive(ToSchema)]
pub(crate) struct CallResult {
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// With status 200
    #[schema(required = false)]
    result: Completed,
    /// With every other status
    #[schema(required = false)]
    detail: Value,
}

/// What resolving would do.
#[derive(ToSchema)]
pub(crate) struct Explanation {
    tool_name: String,
    would_succeed: bool,
    arguments: Vec<ExplainedArgument>,
}

#[derive(ToSchema)]
pub(crate) struct ExplainedArgument {
    arg: String,
    outcome: Outcome,
    /// The secret that would be applied
    #[schema(required = true)]
    winner: Option<Uuid>,
    /// Best first
    candidates: Vec<Candidate>,
    /// Whether only the moment of change, or the id, decided between the best two
    tied: bool,
}

/// What an argument would get, or the type of its error.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Received,
    Default,
    Binding,
    None,
    SecretNotAvailable,
    SecretExpired,
    SecretMissing,
    SecretAmbiguous,
}

/// A secret that was looked at.
#[derive(ToSchema)]
pub(crate) struct Candidate {
    secret_id: Uuid,
    secret_name: String,
    #[schema(required = true)]
    pattern: Option<String>,
    wins: bool,
    why: String,
}

#[derive(ToSchema)]
pub(crate) struct Status {
    status: String,
}

/// An empty object.
#[derive(ToSchema)]
pub(crate) struct Nothing {}
