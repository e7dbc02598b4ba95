//! What a user has stored compared with their limits, and how many secrets are due for rotation.

use std::collections::BTreeMap;

use toolvault_core::identity::UserId;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::secrets::PolicyRow;
use crate::store::{secrets, users};
use crate::user::{Ledger, User};
use crate::vault::Vault;

/// Bytes are rounded to multiples of this, so that they do not reveal the length of a value.
const STEP: i64 = 1_024;

/// How many secrets with a policy that may make them due or expired are looked at.
const MOST_COUNTED: i64 = 100_000;

/// How many secrets are named.
const MOST_NAMES: usize = 20;

/// Secrets of a user that have become due for rotation or expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueSecrets {
    /// The user.
    pub user: UserId,
    /// The names of some of them, at most 20.
    pub names: Vec<String>,
    /// How many there are.
    pub count: usize,
    /// When the last of them became due.
    pub at: Timestamp,
}

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

    /// The secrets that became due for rotation or expired after `since` and not after `until`, by user. Needs `admin`.
    ///
    /// It scans the table of secrets without verifying it, like [`rotation_due`](Self::rotation_due).
    pub async fn due_between(
        &self,
        caller: &Caller,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DueSecrets>, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let (rotated, expiring) = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                let list = "rotate_after_days";
                let rotated = secrets::list_with_policy(&mut tx, list, MOST_COUNTED).await?;
                let list = "expires_at";
                Ok((
                    rotated,
                    secrets::list_with_policy(&mut tx, list, MOST_COUNTED).await?,
                ))
            })
            .await?;
        let rotation = |row: &PolicyRow, policy: &Policy| {
            policy.rotation_due_at(Timestamp::from_microseconds(row.created_at))
        };
        let rotated = rotated
            .into_iter()
            .filter_map(|row| at(row, since, until, rotation));
        let expired = expiring
            .into_iter()
            .filter_map(|row| at(row, since, until, |_, policy| policy.expires_at));
        let mut due: BTreeMap<UserId, DueSecrets> = BTreeMap::new();
        for (row, at) in rotated.chain(expired) {
            let user = UserId(row.user_id);
            let due = due.entry(user).or_insert(DueSecrets {
                user,
                names: Vec::new(),
                count: 0,
                at,
            });
            due.count += 1;
            due.at = due.at.max(at);
            if due.names.len() < MOST_NAMES && !due.names.contains(&row.name) {
                due.names.push(row.name);
            }
        }
        Ok(due.into_values().collect())
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
        let counted = rows.iter().filter(|row| {
            let replaced_at = Timestamp::from_microseconds(row.created_at);
            serde_json::from_str::<Policy>(&row.policy)
                .is_ok_and(|policy| is_counted(&policy, replaced_at))
        });
        Ok(counted.map(|_| 1).sum())
    }
}

/// The secret, and the time that its policy says, if that is after `since` and not after `until`.
fn at(
    row: PolicyRow,
    since: Timestamp,
    until: Timestamp,
    time: impl Fn(&PolicyRow, &Policy) -> Option<Timestamp>,
) -> Option<(PolicyRow, Timestamp)> {
    let policy = serde_json::from_str(&row.policy).ok()?;
    let at = time(&row, &policy)?;
    (since < at && at <= until).then_some((row, at))
}
