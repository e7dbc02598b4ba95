//! What a user has stored compared with their limits, and how many secrets are due for rotation.

use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::{secrets, users};
use crate::user::{Ledger, User};
use crate::vault::Vault;

/// Bytes are rounded to multiples of this, so that they do not reveal the length of a value.
const STEP: i64 = 1_024;

/// How many secrets with a policy that may make them due or expired are looked at.
const MOST_COUNTED: i64 = 100_000;

/// What a user has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Number of secrets.
    pub secrets: i64,
    /// The limit on that number.
    pub secrets_limit: i64,
    /// Sum of the current values in bytes, in steps of 1 KiB.
    pub bytes: i64,
    /// The limit on that sum.
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
        let found = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                let ledger = users::find_ledger(&mut tx, caller.user).await?;
                // In one state with the ledger, which may be sealed with a newer key than the entry knows.
                Ok(ledger.zip(users::find(&mut tx, caller.user).await?))
            })
            .await?;
        let (row, user) = found.ok_or(Error::Unauthenticated)?;
        let ledger = User::verify(user, &self.shared.keyring)
            .and_then(|user| Ledger::open(&user, row.generation, &row.sealed));
        let ledger = self.note_refusal(caller, ledger).await?;
        Ok(Usage {
            secrets: ledger.secrets,
            secrets_limit: limits.secrets,
            bytes: (ledger.bytes + STEP - 1) / STEP * STEP,
            bytes_limit: limits.bytes,
        })
    }

    /// How many secrets of all users are due for rotation, up to 100,000. This is for a metric, which identifies no
    /// user. It scans the table of secrets without verifying it; call it about once a minute.
    pub async fn rotation_due(&self) -> Result<u64, Error> {
        let now = self.shared.clock.now();
        let is_due = |policy: &Policy, replaced_at| policy.is_rotation_due(replaced_at, now);
        self.count_with("rotate_after_days", is_due).await
    }

    /// How many secrets of all users have expired, like [`rotation_due`](Self::rotation_due).
    pub async fn expired(&self) -> Result<u64, Error> {
        let now = self.shared.clock.now();
        self.count_with("expires_at", |policy: &Policy, _| policy.is_expired(now))
            .await
    }

    /// How many secrets have a policy with this member, and are counted.
    async fn count_with(
        &self,
        member: &str,
        is_counted: impl Fn(&Policy, Timestamp) -> bool,
    ) -> Result<u64, Error> {
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(secrets::list_with_policy(&mut tx, member, MOST_COUNTED).await?)
            })
            .await?;
        let counted = rows.iter().filter(|(policy, replaced_at)| {
            let replaced_at = Timestamp::from_microseconds(*replaced_at);
            serde_json::from_str::<Policy>(policy)
                .is_ok_and(|policy| is_counted(&policy, replaced_at))
        });
        Ok(counted.map(|_| 1).sum())
    }
}
