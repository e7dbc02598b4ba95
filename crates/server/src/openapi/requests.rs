//! Request bodies, with the limits that `wire` and the handlers enforce.
#![expect(
    dead_code,
    reason = "the fields only describe JSON; `wire` and the handlers read it"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::{PersonsDecision, PolicyApproval, Scope};

#[derive(ToSchema)]
#[schema(as = Body_new_secret_v1_secrets__post)]
pub(crate) struct CreateSecret {
    /// The name, which need not be unique
    #[schema(min_length = 1, max_length = 1024)]
    secret_name: String,
    /// The value; longer ones go to `PUT /v1/secrets/{secret_id}/value`
    #[schema(min_length = 4, max_length = 1024)]
    secret_value: String,
    /// The tool pattern: each `*` stands for any run of characters
    #[schema(min_length = 1, max_length = 1024)]
    tool_name: Option<String>,
    /// The argument of the tool
    #[schema(min_length = 1, max_length = 1024)]
    tool_arg: Option<String>,
    /// Whether it fills the argument when a call omits it
    is_default_for_tool: Option<bool>,
}

/// Fields that are absent or null stay unchanged.
#[derive(ToSchema)]
#[schema(as = Body_update_secret_v1_secrets__secret_id__patch)]
pub(crate) struct UpdateSecret {
    #[schema(min_length = 1, max_length = 1024)]
    secret_name: Option<String>,
    #[schema(min_length = 4, max_length = 1024)]
    secret_value: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    tool_name: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    tool_arg: Option<String>,
    is_default_for_tool: Option<bool>,
}

/// Absent fields stay unchanged; null clears a field (RFC 7396), and means false for the flag.
#[derive(ToSchema)]
pub(crate) struct SecretMergePatch {
    #[schema(required = false, min_length = 1, max_length = 1024)]
    secret_name: String,
    #[schema(required = false, min_length = 4, max_length = 1024)]
    secret_value: String,
    #[schema(min_length = 1, max_length = 1024)]
    tool_name: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    tool_arg: Option<String>,
    is_default_for_tool: Option<bool>,
}

#[derive(ToSchema)]
pub(crate) struct ReplaceValue {
    /// The new value, 4 to 65,536 bytes of UTF-8
    #[schema(min_length = 1, max_length = 65_536)]
    secret_value: String,
}

/// Fields that are absent or null get their default.
#[derive(ToSchema)]
pub(crate) struct SetPolicy {
    /// The secret is refused from this time on
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Number of days after which a value is due for rotation
    #[schema(minimum = 1, maximum = 3_660)]
    rotate_after_days: Option<i64>,
    #[schema(schema_with = super::schemas::conditions)]
    when: Option<BTreeMap<String, Vec<String>>>,
    /// Only the value may be replaced
    protected: Option<bool>,
    /// Whether the value is confidential; `true` if not given
    redact: Option<bool>,
    /// Never apply it, and record each attempt as `canary.used`; `false` if not given
    canary: Option<bool>,
    /// When a person must allow a call that gets it; never if not given
    approval: Option<PolicyApproval>,
}

#[derive(ToSchema)]
pub(crate) struct DecideApproval {
    decision: PersonsDecision,
}

/// Exactly one of them.
#[derive(ToSchema)]
pub(crate) struct SignIn {
    /// An API key
    #[schema(required = false, min_length = 1, max_length = 1024)]
    key: String,
    /// The token of a link of `toolvault open`
    #[schema(required = false, min_length = 1, max_length = 1024)]
    link: String,
    #[schema(required = false)]
    oidc: SignInAnswer,
}

/// The answer of an issuer.
#[derive(ToSchema)]
pub(crate) struct SignInAnswer {
    /// What the sign-in began with
    #[schema(min_length = 1, max_length = 2048)]
    flow: String,
    /// The issuer in the path to which the person came back
    #[schema(min_length = 1, max_length = 64)]
    issuer: String,
    /// The query of the URL to which the person came back
    #[schema(min_length = 1, max_length = 8192)]
    answer: String,
}

/// Where a person wants to sign in.
#[derive(ToSchema)]
pub(crate) struct BeginSignIn {
    /// The name of the issuer
    #[schema(min_length = 1, max_length = 64)]
    issuer: String,
}

/// A key for a command line.
#[derive(ToSchema)]
pub(crate) struct ApproveKey {
    /// SHA-256 of the command line's verifier
    #[schema(pattern = "^[0-9a-f]{64}$")]
    challenge: String,
    /// The holder's name for the key
    #[schema(min_length = 1, max_length = 1024)]
    name: String,
    /// The scopes of the key, within the session's
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// Seconds until the key expires. It also ends with the key with which the person signed in
    #[schema(minimum = 1, maximum = 7_776_000)]
    expires_in: i64,
}

/// What proves that the command line asked for the key.
#[derive(ToSchema)]
pub(crate) struct GetApprovedKey {
    /// What the page got for the approval
    #[schema(min_length = 1, max_length = 8192)]
    code: String,
    /// The text whose hash was approved
    #[schema(min_length = 1, max_length = 128)]
    verifier: String,
}

/// At most one of `expires_in` and `expires_at` may be given.
#[derive(ToSchema)]
pub(crate) struct CreateKey {
    /// The holder's name for the key
    #[schema(min_length = 1, max_length = 1024)]
    name: Option<String>,
    /// The scopes of the key, within the caller's
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    #[schema(schema_with = super::schemas::tool_patterns)]
    tools: Option<Vec<String>>,
    /// Seconds until the key expires
    #[schema(minimum = 1, maximum = 316_224_000)]
    expires_in: Option<i64>,
    /// When the key expires; must lie in the future
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Whether the key acts for any user
    any_user: Option<bool>,
    /// The key's user, if not the caller's own
    user_id: Option<Uuid>,
}

/// Fields that are absent or null stay unchanged. A key's rights and lifetime can only be narrowed.
#[derive(ToSchema)]
pub(crate) struct UpdateKey {
    #[schema(min_length = 1, max_length = 1024)]
    name: Option<String>,
    #[schema(min_items = 1)]
    scopes: Option<Vec<Scope>>,
    /// Seconds until the key expires
    #[schema(minimum = 1, maximum = 316_224_000)]
    expires_in: Option<i64>,
    /// When the key expires; must lie in the future
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct RotateKey {
    /// For how many seconds the old key stays valid; 0 if not given
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<i64>,
}

/// Where the person comes back to, and what the tokens are to permit.
#[derive(ToSchema)]
pub(crate) struct BeginConnection {
    /// The port at which a command line on the person's machine waits for the answer, at `http://127.0.0.1:PORT/callback`.
    /// Without it, the person comes back to the dashboard
    #[schema(minimum = 1, maximum = 65_535)]
    redirect_port: Option<i64>,
    #[schema(schema_with = super::schemas::server_scopes)]
    scopes: Option<Vec<String>>,
}

/// What the authorization server answered.
#[derive(ToSchema)]
pub(crate) struct CompleteConnection {
    /// What the sign-in began with
    #[schema(min_length = 1, max_length = 65_536)]
    flow: String,
    /// The query of the URL to which the person came back
    #[schema(min_length = 1, max_length = 8192)]
    answer: String,
}

#[derive(ToSchema)]
pub(crate) struct AcceptTool {
    /// The name that its server has for it
    #[schema(min_length = 1, max_length = 1024)]
    tool: String,
    /// The SHA-256 of the change, which is refused if the tool changed again
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9A-Fa-f]{64}$")]
    sha256: String,
}

#[derive(ToSchema)]
pub(crate) struct CreateUser {
    /// Unique among local users
    #[schema(min_length = 1, max_length = 1024)]
    name: String,
}

/// Absent fields stay unchanged; null restores a limit's default.
#[derive(ToSchema)]
pub(crate) struct UpdateUser {
    /// A disabled user's credentials are refused
    disabled: Option<bool>,
    /// How many secrets the user may have
    #[schema(minimum = 0)]
    secrets_limit: Option<i64>,
    /// How many bytes the current values may have in all
    #[schema(minimum = 0)]
    bytes_limit: Option<i64>,
}

/// The arguments of a tool call.
#[derive(ToSchema)]
pub(crate) struct Call {
    /// The arguments received so far. They are data: references in them stay unchanged
    args: Option<BTreeMap<String, Value>>,
    #[schema(schema_with = super::schemas::references)]
    bindings: Option<BTreeMap<String, String>>,
    #[schema(schema_with = super::schemas::accepted_arguments)]
    accepts: Option<Vec<String>>,
    #[schema(schema_with = super::schemas::required_arguments)]
    require: Option<Vec<String>>,
}

/// A tool and the arguments of its call.
#[derive(ToSchema)]
pub(crate) struct ToolCall {
    /// The tool's whole name
    #[schema(min_length = 1, max_length = 1024, pattern = "^[^*]+$")]
    tool_name: String,
    /// The arguments received so far. They are data: references in them stay unchanged
    args: Option<BTreeMap<String, Value>>,
    #[schema(schema_with = super::schemas::references)]
    bindings: Option<BTreeMap<String, String>>,
    #[schema(schema_with = super::schemas::accepted_arguments)]
    accepts: Option<Vec<String>>,
    #[schema(schema_with = super::schemas::required_arguments)]
    require: Option<Vec<String>>,
}

/// One call, or several.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum Calls {
    One(ToolCall),
    Several(ToolCalls),
}

/// Several calls, each answered separately.
#[derive(ToSchema)]
pub(crate) struct ToolCalls {
    #[schema(max_items = 100)]
    calls: Vec<ToolCall>,
}
