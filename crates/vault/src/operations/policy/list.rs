//! The policies of all secrets that have one, with their current effects.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use toolvault_core::identity::SecretId;
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::secret::Secret;
use crate::store::versions;
use crate::vault::Vault;
use crate::version;

/// The policy of one secret, and its effects at the time of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyInfo {
    /// The secret.
    pub secret_id: SecretId,
    /// Its policy.
    #[serde(flatten)]
    pub policy: Policy,
    /// When the current value is due for rotation; `None` if never.
    pub rotation_due_at: Option<Timestamp>,
    /// Whether it is due for rotation.
    pub is_due: bool,
    /// Whether it has expired.
    pub is_expired: bool,
}

impl Vault {
    /// The policies of the user's secrets, except default ones, oldest secret first. Needs `manage`.
    pub async fn list_policies(&self, caller: &Caller) -> Result<Vec<PolicyInfo>, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let listed = entry.intact().map(|index| {
            let default = Policy::default();
            let matching = index.iter().filter(|secret| {
                *secret.policy != default && caller.reaches_pattern(secret.binding.tool.as_ref())
            });
            matching.map(Arc::clone).collect::<Vec<Arc<Secret>>>()
        });
        let secrets = self.note_refusal(caller, listed).await?;
        let replaced = if secrets
            .iter()
            .any(|secret| secret.policy.rotate_after_days.is_some())
        {
            self.replacement_times(caller).await?
        } else {
            HashMap::new()
        };
        let now = self.shared.clock.now();
        let described = secrets.iter().map(|secret| {
            let policy = &secret.policy;
            // A secret without a replacement time was deleted while this ran.
            let due = replaced
                .get(&secret.id)
                .and_then(|&at| policy.rotation_due_at(at));
            PolicyInfo {
                secret_id: secret.id,
                policy: Policy::clone(policy),
                rotation_due_at: due,
                is_due: due.is_some_and(|due| due <= now),
                is_expired: policy.is_expired(now),
            }
        });
        Ok(described.collect())
    }

    /// When the current value of each of the user's secrets was stored.
    async fn replacement_times(
        &self,
        caller: &Caller,
    ) -> Result<HashMap<SecretId, Timestamp>, Error> {
        let rows = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(versions::list_current(&mut tx, caller.user()).await?)
            })
            .await?;
        let times = rows
            .iter()
            .map(|row| {
                version::verify(row, &self.shared.keyring)?;
                let at = Timestamp::from_microseconds(row.created_at);
                Ok((SecretId(row.secret_id), at))
            })
            .collect();
        self.note_refusal(caller, times).await
    }
}
