//! A secret in the vault: its row, verified, with the value still sealed.

use std::sync::{Arc, LazyLock};

use serde::Serialize;
use toolvault_core::binding::Binding;
use toolvault_core::confidential::Confidential;
use toolvault_core::digest::hexadecimal;
use toolvault_core::envelope::version::{
    SealedValue, SealedVersion, SecretState, Shown, Standing, StateHash, VersionIdentity,
};
use toolvault_core::identity::{InstallationId, SecretId, UserId};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::policy::Policy;
use toolvault_core::ranking::{Patterned, Rank};
use toolvault_core::timestamp::Timestamp;
use toolvault_core::user_keys::UserKeys;

use crate::error::Error;
use crate::store::secrets::SecretRow;

/// The public information about a secret, without the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct SecretInfo {
    /// Identifies the secret.
    pub secret_id: SecretId,
    /// Its owner.
    pub user_id: UserId,
    /// The owner's name for it; need not be unique.
    pub secret_name: String,
    /// The masked value.
    pub display: Option<String>,
    /// The tool pattern of its binding.
    pub tool_name: Option<String>,
    /// The argument of its binding.
    pub tool_arg: Option<String>,
    /// Whether it is a default.
    pub is_default_for_tool: bool,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When any of it last changed.
    pub updated_at: Timestamp,
}

impl SecretInfo {
    /// The entity tag (RFC 9110, section 8.8.3), which changes with every change.
    pub fn entity_tag(&self) -> String {
        format!("\"{:x}\"", self.updated_at.microseconds())
    }
}

/// A verified secret.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) id: SecretId,
    pub(crate) user: UserId,
    pub(crate) name: Box<str>,
    pub(crate) binding: Binding,
    /// Shared by all secrets without conditions.
    pub(crate) policy: Arc<Policy>,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) effective_at: Timestamp,
    pub(crate) sealed: SealedValue,
    pub(crate) shown: Shown,
}

impl Secret {
    /// Verifies that the row is as it was stored: its data key opens only in exactly this state.
    pub(crate) fn verify(
        row: SecretRow,
        installation: InstallationId,
        user_keys: &UserKeys,
    ) -> Result<Self, Error> {
        let (mut secret, sealed) = Self::read(row)?;
        let standing = secret.standing(installation);
        let identity = secret.identity(installation);
        // The display form proves the state as well as the value would, without a plaintext value in memory.
        secret.shown = sealed.open_shown(user_keys, &identity, standing)?;
        secret.sealed = sealed.value();
        Ok(secret)
    }

    /// Reads the row without verifying it.
    pub(crate) fn read(row: SecretRow) -> Result<(Self, SealedVersion), Error> {
        let tool = row.tool.as_deref().map(ToolPattern::parse).transpose();
        let secret = Self {
            id: SecretId(row.secret_id),
            user: UserId(row.user_id),
            name: row.name.into(),
            binding: Binding {
                tool: tool.map_err(|_| Error::Integrity)?,
                argument: row.argument.map(Box::from),
                is_default: row.is_default,
            },
            policy: read_policy(&row.policy)?,
            version: row.version,
            created_at: Timestamp::from_microseconds(row.created_at),
            updated_at: Timestamp::from_microseconds(row.updated_at),
            effective_at: Timestamp::from_microseconds(row.effective_at),
            sealed: SealedValue::default(),
            shown: Shown {
                display: Box::default(),
                bytes: 0,
            },
        };
        let sealed = SealedVersion {
            // A missing data key becomes an empty one, which does not open.
            data_key: row.data_key.unwrap_or_default(),
            value: row.value.unwrap_or_default(),
            display: row.display.unwrap_or_default(),
        };
        Ok((secret, sealed))
    }

    /// The current value.
    pub(crate) fn open_value(
        &self,
        installation: InstallationId,
        user_keys: &UserKeys,
    ) -> Result<Confidential, Error> {
        let identity = self.identity(installation);
        Ok(self
            .sealed
            .open(user_keys, &identity, self.standing(installation))?)
    }

    pub(crate) fn identity(&self, installation: InstallationId) -> VersionIdentity {
        VersionIdentity {
            installation,
            user: self.user,
            secret: self.id,
            version: self.version,
        }
    }

    pub(crate) fn standing(&self, installation: InstallationId) -> Standing {
        Standing::Current(self.state_hash(installation))
    }

    pub(crate) fn state_hash(&self, installation: InstallationId) -> StateHash {
        SecretState {
            name: &self.name,
            tool: self.tool(),
            argument: self.binding.argument.as_deref(),
            is_default: self.binding.is_default,
            created_at: self.created_at,
            updated_at: self.updated_at,
            effective_at: self.effective_at,
            policy: &self.policy,
        }
        .hash(&self.identity(installation))
    }

    /// The state hash as the audit trail records it.
    pub(crate) fn state_text(&self, installation: InstallationId) -> String {
        hexadecimal(self.state_hash(installation).as_bytes())
    }

    pub(crate) fn tool(&self) -> Option<&str> {
        self.binding.tool.as_ref().map(ToolPattern::as_str)
    }

    /// Its precedence among the defaults for a tool; `None` if it is not bound to one.
    pub(crate) fn rank(&self) -> Option<Rank> {
        self.binding
            .tool
            .as_ref()
            .map(|tool| Rank::of(tool, self.effective_at, self.id))
    }

    pub(crate) fn info(&self) -> SecretInfo {
        SecretInfo {
            secret_id: self.id,
            user_id: self.user,
            secret_name: self.name.to_string(),
            display: Some(self.shown.display.to_string()),
            tool_name: self.tool().map(str::to_owned),
            tool_arg: self.binding.argument.as_deref().map(str::to_owned),
            is_default_for_tool: self.binding.is_default,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// Its row without its current version.
    pub(crate) fn row(&self) -> Result<SecretRow, Error> {
        Ok(SecretRow {
            secret_id: self.id.0,
            user_id: self.user.0,
            name: self.name.to_string(),
            tool: self.tool().map(str::to_owned),
            argument: self.binding.argument.as_deref().map(str::to_owned),
            is_default: self.binding.is_default,
            policy: serde_json::to_string(&*self.policy).map_err(Error::internal)?,
            version: self.version,
            created_at: self.created_at.microseconds(),
            updated_at: self.updated_at.microseconds(),
            effective_at: self.effective_at.microseconds(),
            data_key: None,
            value: None,
            display: None,
        })
    }

    /// Approximate memory in bytes. A block of memory is a multiple of 16 bytes, and a third larger at most.
    pub(crate) fn weight(&self) -> usize {
        let argument = self.binding.argument.as_deref();
        let texts = [&*self.name, &*self.shown.display];
        let texts = texts.into_iter().chain(self.tool()).chain(argument);
        let texts: usize = texts.map(|text| text.len().next_multiple_of(16)).sum();
        let whole = size_of::<Self>() + self.sealed.weight() + texts;
        whole + whole / 4
    }
}

impl Patterned for Secret {
    /// The pattern of a default.
    fn pattern(&self) -> Option<&ToolPattern> {
        self.binding
            .tool
            .as_ref()
            .filter(|_| self.binding.applies_by_itself())
    }
}

/// The policy of a row. Most have none, and share one.
fn read_policy(text: &str) -> Result<Arc<Policy>, Error> {
    static NONE: LazyLock<(String, Arc<Policy>)> = LazyLock::new(|| {
        let none = Policy::default();
        (
            serde_json::to_string(&none).unwrap_or_default(),
            Arc::new(none),
        )
    });
    if text == NONE.0 {
        return Ok(Arc::clone(&NONE.1));
    }
    let policy = serde_json::from_str(text).map_err(|_| Error::Integrity)?;
    Ok(Arc::new(policy))
}
