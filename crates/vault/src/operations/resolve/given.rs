//! Values that were handed out, kept so that they can be found again in what comes back.

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;

use crate::cache::UserEntry;
use crate::error::Error;
use crate::secret::Secret;
use crate::vault::Vault;

/// A value that was handed out. It is overwritten when dropped.
#[expect(missing_debug_implementations, reason = "it holds a value")]
pub struct Given {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: String,
    /// The version that the value is of.
    pub version: i64,
    /// Whether it is to be searched for in what a tool answers.
    pub redact: bool,
    /// The value, which is text.
    pub value: Confidential,
}

impl Given {
    pub(crate) fn text(&self) -> Result<&str, Error> {
        self.value.expose_text().ok_or(Error::Integrity)
    }
}

impl Vault {
    /// Opens a secret's current value.
    pub(crate) fn give(&self, entry: &UserEntry, secret: &Secret) -> Result<Given, Error> {
        Ok(Given {
            secret_id: secret.id,
            secret_name: secret.name.clone(),
            version: secret.version,
            redact: secret.policy.redact,
            value: secret.open_value(self.installation(), &entry.user.key)?,
        })
    }
}
