//! Reads and replaces the policy of a secret. [`list`] lists the policies.

pub(crate) mod list;

use std::sync::Arc;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::policy::Policy;
use toolvault_core::scope::Scope;

use super::secrets::change::{find, rewrap, save};
use super::secrets::{about, find_in, require_match};
use crate::caller::Caller;
use crate::error::{Denial, Error};
use crate::store::wanted::Wanted;
use crate::user::User;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

impl Vault {
    /// The policy of a secret. Needs `manage`.
    pub async fn get_policy(&self, caller: &Caller, id: SecretId) -> Result<Policy, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let found = find_in(&entry, caller, id).map(|secret| Policy::clone(&secret.policy));
        self.note_refusal(caller, found).await
    }

    /// Replaces the policy of a secret. Needs `manage`; for a protected secret, a key without tool patterns. If `if_match`
    /// is not empty, one of these entity tags must be the policy's.
    pub async fn set_policy(
        &self,
        caller: &Caller,
        id: SecretId,
        policy: Policy,
        if_match: Vec<String>,
    ) -> Result<Policy, Error> {
        self.note_refusal(caller, caller.require(Scope::Manage))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let record = self.record(caller, Action::SecretPolicyChanged, Decision::Allowed);
        let user = entry.user.clone();
        self.change(
            caller,
            SetPolicy {
                caller: caller.clone(),
                user,
                id,
                policy,
                if_match,
                record,
            },
        )
        .await
    }
}

struct SetPolicy {
    caller: Caller,
    user: User,
    id: SecretId,
    policy: Policy,
    if_match: Vec<String>,
    record: Record,
}

impl Change for SetPolicy {
    type Answer = Policy;

    fn user(&self) -> UserId {
        self.user.id()
    }

    fn wants(&self) -> Option<Wanted> {
        Some(Wanted::secret(self.user.id(), self.id))
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Policy, Error> {
        let locked = work.lock(&self.user).await?;
        let before = find(work, &self.caller, &locked.user, self.id)?;
        require_match(&self.if_match, &before.policy.entity_tag())?;
        if *before.policy == self.policy {
            return Ok(self.policy.clone());
        }
        if before.policy.protected && self.caller.is_limited() {
            return Err(Denial::SecretProtected.into());
        }
        let mut after = before.clone();
        after.policy = Arc::new(self.policy.clone());
        after.updated_at = work.now.after(locked.ledger.last_change);
        rewrap(work, &locked.user, &before, &mut after)?;
        let mut record = about(&self.record, &after, Action::SecretPolicyChanged);
        record.state = Some(after.state_text(work.shared.keyring.installation()));
        work.records.push(record);
        let after = Arc::new(after);
        save(work, locked, &before, &after)?;
        Ok(self.policy.clone())
    }
}
