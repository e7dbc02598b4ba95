//! One audited event: names, IDs and decisions, but never a value, a header or a body.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api_key::KeyId;
use crate::identity::{SecretId, UserId};
use crate::timestamp::Timestamp;

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The holder of an API key: `key:<key_id>`.
    Key(KeyId),
    /// The subject of an issuer's token: `jwt:<iss> <sub>`.
    Token {
        /// The token's `iss`.
        issuer: String,
        /// The token's `sub`.
        subject: String,
    },
    /// A user at the command line who can read the root key: `local:<uid>`.
    Local(u32),
    /// A caller without accepted credentials: `anonymous`.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(formatter, "key:{id}"),
            Self::Token { issuer, subject } => write!(formatter, "jwt:{issuer} {subject}"),
            Self::Local(uid) => write!(formatter, "local:{uid}"),
            Self::Anonymous => formatter.write_str("anonymous"),
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire and in the trail.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    /// A store was set up.
    StoreCreated = "store.created",
    /// A backup of the store was handed out.
    StoreBackedUp = "store.backed_up",
    /// The store was made from a backup.
    StoreRestored = "store.restored",
    /// The oldest pages of the trail were deleted, as the retention of records demands.
    AuditPruned = "audit.pruned",
    /// The keyring was wrapped by another root key.
    RootKeyRotated = "root_key.rotated",
    /// The rotation of all user keys, or of one user's, began or was completed.
    UserKeysRotated = "user_keys.rotated",
    /// A secret was stored.
    SecretCreated = "secret.created",
    /// A secret was renamed.
    SecretRenamed = "secret.renamed",
    /// A secret got a different tool pattern, argument or default flag.
    SecretRebound = "secret.rebound",
    /// A secret got a new value, which is now its newest version.
    SecretValueReplaced = "secret.value_replaced",
    /// An older version's value became the newest version.
    SecretVersionRestored = "secret.version_restored",
    /// An older version was erased.
    SecretVersionDeleted = "secret.version_deleted",
    /// The conditions of a secret's use changed.
    SecretPolicyChanged = "secret.policy_changed",
    /// A secret was deleted and its keys erased.
    SecretDeleted = "secret.deleted",
    /// A new or changed default takes precedence over another.
    DefaultShadowed = "default.shadowed",
    /// A value was handed out for an argument.
    SecretUsed = "secret.used",
    /// A tool was called through the gateway, or the call was refused.
    ToolCalled = "tool.called",
    /// A value that a tool server was given, or that of a canary, was found in what a caller sent.
    ValueRepeated = "value.repeated",
    /// A canary would have been applied, or a reference named it.
    CanaryUsed = "canary.used",
    /// A call through the gateway asked a person to allow it.
    ApprovalRequested = "approval.requested",
    /// A person allowed or refused calls of a tool.
    ApprovalDecided = "approval.decided",
    /// A call was made because a person had allowed it.
    ApprovalUsed = "approval.used",
    /// What a person had allowed was revoked, or a request was withdrawn.
    ApprovalDeleted = "approval.deleted",
    /// The definition of a tool behind the gateway was seen for the first time.
    ToolPinned = "tool.pinned",
    /// A tool server defines a tool otherwise than it is pinned.
    ToolChanged = "tool.changed",
    /// An operator accepted the changed definition of a tool.
    ToolAccepted = "tool.accepted",
    /// A user signed in at a tool server.
    ConnectionCreated = "connection.created",
    /// A user signed in at a tool server again.
    ConnectionReplaced = "connection.replaced",
    /// A tool server's authorization server issued new tokens for a connection.
    ConnectionRenewed = "connection.renewed",
    /// A token of a connection was handed out.
    ConnectionUsed = "connection.used",
    /// A tool server's authorization server no longer accepts a connection's refresh token.
    ConnectionEnded = "connection.ended",
    /// A connection was deleted and its keys erased.
    ConnectionDeleted = "connection.deleted",
    /// A use of a secret was refused.
    UseRefused = "use.refused",
    /// A row differs from what was stored.
    TamperingDetected = "tampering.detected",
    /// An API key was created.
    KeyCreated = "key.created",
    /// An API key's name, scopes or lifetime changed.
    KeyChanged = "key.changed",
    /// An API key was replaced by a successor.
    KeyRotated = "key.rotated",
    /// An API key was revoked.
    KeyRevoked = "key.revoked",
    /// A user was created.
    UserCreated = "user.created",
    /// A user was disabled or enabled, or got different quotas.
    UserChanged = "user.changed",
    /// A user was deleted with all their secrets.
    UserDeleted = "user.deleted",
    /// A person signed in at the dashboard.
    SessionStarted = "session.started",
    /// A person signed out.
    SessionEnded = "session.ended",
    /// A credential was not accepted.
    SignInFailed = "sign_in.failed",
    /// An operation was refused because a right was missing.
    AccessDenied = "access.denied",
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Whether the action was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It was carried out.
    Allowed,
    /// It was refused.
    Denied,
}

/// One record, as it is stored and as `GET /v1/audit` returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the trail, counted from 1, without gaps.
    pub sequence: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who acted: see [`Actor`].
    pub actor: String,
    /// The user whose trail it belongs to; `None` for an unknown caller.
    pub user_id: Option<UserId>,
    /// What happened.
    pub action: Action,
    /// The secret concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret_id: Option<SecretId>,
    /// Its name at that time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret_name: Option<String>,
    /// The version concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<i64>,
    /// The API key, user, connection or approval concerned, if it is not the actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// The tool's name, or the pattern of a binding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool: Option<String>,
    /// The tool's argument.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub argument: Option<String>,
    /// The arguments that a tool was called with: each name, `:` and the JSON type of its value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub arguments: Option<Vec<String>>,
    /// The hidden arguments for which a value was received and discarded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dropped: Option<Vec<String>>,
    /// How long a tool's call took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<i64>,
    /// Whether the action was carried out.
    pub decision: Decision,
    /// Why it was refused, or what changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The ID of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// The network address of an unknown caller.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// How many equal events this record stands for, if more than one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<i64>,
    /// Hash of the row after the change; absent when the row was deleted. `audit verify` compares it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
}

impl Record {
    /// A record with actor, user, action and decision only. The page assigns its sequence.
    pub fn new(
        at: Timestamp,
        actor: &Actor,
        user_id: Option<UserId>,
        action: Action,
        decision: Decision,
    ) -> Self {
        Self {
            sequence: 0,
            at,
            actor: actor.to_string(),
            user_id,
            action,
            secret_id: None,
            secret_name: None,
            version: None,
            subject: None,
            tool: None,
            argument: None,
            arguments: None,
            dropped: None,
            duration_ms: None,
            decision,
            reason: None,
            request_id: None,
            source: None,
            count: None,
            state: None,
        }
    }
}

#[cfg(test)]
mod tests;
