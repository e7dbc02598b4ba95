//! What a secret's owner demands of every use, bound into the wrap of its data key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The conditions of one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// From this moment the secret is refused on every path.
    pub expires_at: Option<Timestamp>,
    /// After so many days without a new value the secret is due for rotation.
    pub rotate_after_days: Option<u32>,
    /// Companion arguments and the patterns that each must match, or be absent.
    pub when: BTreeMap<String, Vec<String>>,
    /// Its name, binding and flag are fixed; only the value may be replaced.
    pub protected: bool,
    /// The value is searched for in what a tool answers.
    pub redact: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expires_at: None,
            rotate_after_days: None,
            when: BTreeMap::new(),
            protected: false,
            redact: true,
        }
    }
}

impl Policy {
    /// Whether the secret may no longer be used at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}
