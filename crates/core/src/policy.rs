//! The conditions of a secret's use, bound into the wrap of its data key.

pub mod condition;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::condition::Condition;
use crate::arguments::Arguments;
use crate::timestamp::{SECOND, Timestamp};

/// The conditions of one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// From this time on, the secret is refused everywhere.
    pub expires_at: Option<Timestamp>,
    /// After this many days without a new value, the secret is due for rotation.
    pub rotate_after_days: Option<u32>,
    /// Companion arguments with the patterns that each must match unless it is absent.
    pub when: BTreeMap<String, Vec<String>>,
    /// Name, binding and default flag are fixed; only the value may be replaced.
    pub protected: bool,
    /// Whether the value is redacted in what a tool answers.
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
    /// Whether the secret has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// When the value, last replaced at `replaced_at`, is due for rotation; `None` if never.
    pub fn rotation_due_at(&self, replaced_at: Timestamp) -> Option<Timestamp> {
        self.rotate_after_days
            .map(|days| replaced_at.plus(i64::from(days).saturating_mul(86_400 * SECOND)))
    }

    /// Whether the value, last replaced at `replaced_at`, is due for rotation at `now`.
    pub fn is_rotation_due(&self, replaced_at: Timestamp, now: Timestamp) -> bool {
        self.rotation_due_at(replaced_at)
            .is_some_and(|due| now >= due)
    }

    /// Whether each companion argument is absent or null, or a text that one of its patterns allows.
    pub fn allows(&self, args: &Arguments) -> bool {
        self.when.iter().all(|(argument, patterns)| {
            !args.is_received(argument)
                || args.get_text(argument).is_some_and(|text| {
                    patterns
                        .iter()
                        .filter_map(|pattern| Condition::parse(pattern).ok())
                        .any(|condition| condition.allows(&text))
                })
        })
    }
}

#[cfg(test)]
mod tests;
