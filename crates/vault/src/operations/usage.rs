//! What a user has stored, against what they may.

use toolvault_core::scope::Scope;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::users;
use crate::user::Ledger;
use crate::vault::Vault;

/// Bytes are told in steps of this many, so that nobody learns the length of a value.
const STEP: i64 = 1_024;

/// What a user has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Number of secrets.
    pub secrets: i64,
    /// How many there may be.
    pub secrets_limit: i64,
    /// Sum of the current values in bytes, in steps of 1 KiB.
    pub bytes: i64,
    /// How many there may be.
    pub bytes_limit: i64,
}

impl Vault {
    /// What the caller's user has stored. Needs `manage`, without tool patterns.
    pub async fn usage(&self, caller: &Caller) -> Result<Usage, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        self.note_refusal(caller, caller.require_pattern(None))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let limits = entry.user.limits(self.shared.settings.limits);
        let row = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(users::find_ledger(&mut tx, caller.user).await?)
            })
            .await?
            .ok_or(Error::Unauthenticated)?;
        let ledger = Ledger::open(&entry.user, row.generation, &row.sealed);
        let ledger = self.note_refusal(caller, ledger).await?;
        Ok(Usage {
            secrets: ledger.secrets,
            secrets_limit: limits.secrets,
            bytes: (ledger.bytes + STEP - 1) / STEP * STEP,
            bytes_limit: limits.bytes,
        })
    }
}
