//! What the command line can ask of a store, as data.

use serde::{Deserialize, Serialize};
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;

/// One local command. A user is named by name or by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalCommand {
    /// Makes a local user.
    CreateUser {
        /// Their name.
        name: String,
    },
    /// Lists all users.
    ListUsers,
    /// Refuses a user's credentials from now on.
    DisableUser {
        /// The user.
        user: String,
    },
    /// Erases a user with all their secrets and keys.
    DeleteUser {
        /// The user.
        user: String,
    },
    /// Makes an API key.
    CreateKey(KeyRequest),
    /// Lists the keys of one user, or of all.
    ListKeys {
        /// The user.
        user: Option<String>,
    },
    /// Ends a key and all that descend from it.
    RevokeKey {
        /// The public part of the key.
        key: String,
    },
    /// Replaces a key by one with the same rights.
    RotateKey {
        /// The public part of the key.
        key: String,
        /// For how long the old key is accepted, in seconds.
        overlap_seconds: i64,
    },
    /// Verifies the audit trail, and every row against it.
    VerifyAudit {
        /// The first public key in hexadecimal, as it was shown at set-up.
        public_key: Option<String>,
        /// What an earlier verification found.
        checkpoint: Option<Checkpoint>,
    },
    /// Reads the newest audit records.
    TailAudit {
        /// How many.
        count: usize,
    },
    /// Looks the store over.
    Diagnose,
}

/// The key to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// Whose key it is.
    pub user: String,
    /// What its holder calls it.
    pub name: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// The tool patterns that it is limited to; empty for no limit.
    pub tools: Vec<String>,
    /// From when it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it acts for any user.
    pub any_user: bool,
}

/// What an earlier verification found, kept where the store cannot reach it.
///
/// The output of `toolvault audit verify --json` is one, and so is a signed checkpoint of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many pages there were.
    #[serde(alias = "page")]
    pub pages: i64,
    /// The hash of the last of them, in hexadecimal.
    #[serde(alias = "hash")]
    pub head: String,
}
