//! Values inserted into a call. The gateway keeps them to redact them in the answer.

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;

use crate::cache::UserEntry;
use crate::error::Error;
use crate::secret::Secret;
use crate::vault::Vault;

/// A value inserted into a call. It is overwritten when dropped.
#[expect(missing_debug_implementations, reason = "it holds a value")]
pub struct AppliedValue {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: String,
    /// The version of the value.
    pub version: i64,
    /// Whether to redact it in the tool's answer.
    pub redact: bool,
    /// The value, which is text.
    pub value: Confidential,
}

impl AppliedValue {
    pub(crate) fn text(&self) -> Result<&str, Error> {
        self.value.expose_text().ok_or(Error::Integrity)
    }
}

impl Vault {
    /// Opens a secret's current value.
    pub(crate) fn open_value(
        &self,
        entry: &UserEntry,
        secret: &Secret,
    ) -> Result<AppliedValue, Error> {
        Ok(AppliedValue {
            secret_id: secret.id,
            secret_name: secret.name.to_string(),
            version: secret.version,
            redact: secret.policy.redact,
            value: secret.open_value(self.installation(), &entry.user.keys)?,
        })
    }
}
