//! The state of a secret: everything that decides who receives its value, and a hash over it.
//!
//! An edit of any of it in the database changes the hash, and the data key no longer opens.

use super::VersionIdentity;
use crate::digest::sha256;
use crate::policy::Policy;
use crate::timestamp::Timestamp;
use crate::transcript::Transcript;

/// Everything about a secret that decides who receives its value.
#[derive(Clone, Copy, Debug)]
pub struct SecretState<'a> {
    /// The user's name for it.
    pub name: &'a str,
    /// The tool pattern of its binding.
    pub tool: Option<&'a str>,
    /// The argument of its binding.
    pub argument: Option<&'a str>,
    /// Whether it is a default.
    pub is_default: bool,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When any of it last changed.
    pub updated_at: Timestamp,
    /// When value, binding or flag last changed: what ranking compares.
    pub effective_at: Timestamp,
    /// Its policy.
    pub policy: &'a Policy,
}

/// SHA-256 of a [`SecretState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash([u8; 32]);

impl StateHash {
    pub(super) fn of(state: &Transcript) -> Self {
        Self(sha256(state.as_slice()))
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl SecretState<'_> {
    /// The hash that the wrap of the current version's data key is bound to.
    pub fn hash(&self, identity: &VersionIdentity) -> StateHash {
        // The struct is destructured, so that a new field cannot be forgotten here.
        let Self {
            name,
            tool,
            argument,
            is_default,
            created_at,
            updated_at,
            effective_at,
            policy,
        } = *self;
        let Policy {
            expires_at,
            rotate_after_days,
            when,
            protected,
            redact,
            canary,
            approval,
        } = policy;
        let mut transcript = Transcript::new("toolvault/secret-state/v1")
            .bytes(identity.secret.as_bytes())
            .number(identity.version)
            .text(name)
            .optional(tool)
            .optional(argument)
            .number(i64::from(is_default))
            .number(created_at.microseconds())
            .number(updated_at.microseconds())
            .number(effective_at.microseconds())
            .optional(
                expires_at
                    .map(|end| end.microseconds().to_string())
                    .as_deref(),
            )
            .optional(rotate_after_days.map(|days| days.to_string()).as_deref())
            .number(i64::from(*protected))
            .number(i64::from(*redact))
            .number(i64::try_from(when.len()).unwrap_or(i64::MAX));
        for (argument, patterns) in when {
            transcript = transcript
                .text(argument)
                .number(i64::try_from(patterns.len()).unwrap_or(i64::MAX));
            for pattern in patterns {
                transcript = transcript.text(pattern);
            }
        }
        // Later members count only if they are set: the wraps of older secrets are bound to a hash without them.
        if *canary {
            transcript = transcript.text("canary");
        }
        if let Some(approval) = approval {
            transcript = transcript.text(approval.as_str());
        }
        StateHash::of(&transcript)
    }
}
