//! Whether a caller who was authenticated earlier may still act.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Actor;
use toolvault_core::timestamp::Timestamp;

use crate::caller::Caller;
use crate::error::Error;
use crate::user::Origin;
use crate::vault::Vault;

impl Vault {
    /// Whether the caller may still act. Their key and its ancestors must not be revoked, expired or narrowed, or their
    /// token must not have expired. Their user and the owners of those keys must be active. A user at the command line
    /// may always act.
    ///
    /// A key counts as narrowed if it lost a scope or ends earlier than when the caller was authenticated. Presenting
    /// it again gives a caller with the remaining rights. Any other credential is [`Error::Unauthenticated`].
    pub async fn recheck(&self, caller: &Caller) -> Result<(), Error> {
        let now = self.shared.clock.now();
        match (&caller.actor, caller.key) {
            (Actor::Local(_), _) if caller.is_local => Ok(()),
            (Actor::Local(_), _) if self.user_is_active(caller.user).await? => Ok(()),
            (Actor::Key(_), Some(key)) => {
                self.in_time(Box::pin(self.recheck_key(caller, key, now)))
                    .await
            }
            (Actor::Token { issuer, .. }, None) => self.recheck_token(caller, issuer, now).await,
            _ => Err(Error::Unauthenticated),
        }
    }

    async fn recheck_key(&self, caller: &Caller, key: KeyId, now: Timestamp) -> Result<(), Error> {
        let record = self.key_record(key).await?.ok_or(Error::Unauthenticated)?;
        let fresh = self.descend(&record, now).await?;
        let ends_no_sooner = fresh
            .expires_at
            .is_none_or(|end| caller.expires_at.is_some_and(|before| before <= end));
        let is_whole = caller.scopes.is_subset_of(fresh.scopes)
            && caller.tools == fresh.tools
            && ends_no_sooner;
        // Only a key with `any_user` may act for another user, and only while that user is active.
        let is_for_owner = caller.user == record.user();
        let may_act =
            is_for_owner || (fresh.is_any_user && self.user_is_active(caller.user).await?);
        if is_whole && may_act {
            Ok(())
        } else {
            Err(Error::Unauthenticated)
        }
    }

    async fn recheck_token(
        &self,
        caller: &Caller,
        issuer: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let is_live = caller.expires_at.is_some_and(|end| now < end);
        let entry = self.user_entry(caller.user).await?;
        let is_active = entry.is_some_and(|entry| {
            let row = &entry.user.row;
            !row.is_disabled && row.origin == Origin::Issuer(issuer.to_owned()).text()
        });
        if is_live && is_active {
            Ok(())
        } else {
            Err(Error::Unauthenticated)
        }
    }
}
