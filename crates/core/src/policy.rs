//! The conditions of a secret's use, bound into the wrap of its data key.

mod approval;
pub mod condition;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::approval::{Approval, Need};
use self::condition::Condition;
use crate::arguments::Arguments;
use crate::digest::{hexadecimal, sha256};
use crate::pointer::{ArgumentPath, Found};
use crate::timestamp::{SECOND, Timestamp};

/// The conditions of one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// From this time on, the secret is refused everywhere.
    pub expires_at: Option<Timestamp>,
    /// After this many days without a new value, the secret is due for rotation.
    pub rotate_after_days: Option<u32>,
    /// Companion arguments, as names or pointers, with the patterns that each must match unless it is absent.
    pub when: BTreeMap<String, Vec<String>>,
    /// Name, binding and default flag are fixed; only the value may be replaced.
    pub protected: bool,
    /// Whether the value is redacted in what a tool answers.
    pub redact: bool,
    /// It is never applied: who tries to use it, or sends its value, sets off an alarm. Written only if set, so that the
    /// rows and entity tags of other policies stay as they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// Which calls a person must allow before the value is applied. Without it, policies are spelled and hashed as
    /// before it existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expires_at: None,
            rotate_after_days: None,
            when: BTreeMap::new(),
            protected: false,
            redact: true,
            canary: false,
            approval: None,
        }
    }
}

impl Policy {
    /// The entity tag (RFC 9110, section 8.8.3). Equal policies have the same one.
    pub fn entity_tag(&self) -> String {
        // Only maps with keys that are no text fail to serialise, and a policy has none.
        let text = serde_json::to_vec(self).unwrap_or_default();
        format!("\"{}\"", hexadecimal(&sha256(&text)))
    }

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
    ///
    /// A companion with an invalid pointer, or with a pointer into a value that is not an object, allows nothing.
    pub fn allows(&self, args: &Arguments) -> bool {
        self.when.iter().all(|(argument, patterns)| {
            let companion = ArgumentPath::parse(argument).map(|path| args.at(path));
            match companion {
                Ok(Found::Nothing) => true,
                Ok(Found::Value(value)) if value.is_null() => true,
                Ok(Found::Value(value)) => {
                    let text = value.as_text().and_then(Result::ok);
                    text.is_some_and(|text| allow(patterns, &text))
                }
                Ok(Found::Blocked) | Err(_) => false,
            }
        })
    }
}

fn allow(patterns: &[String], text: &str) -> bool {
    patterns
        .iter()
        .filter_map(|pattern| Condition::parse(pattern).ok())
        .any(|condition| condition.allows(text))
}

#[cfg(test)]
mod tests;
