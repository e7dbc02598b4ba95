//! Keys that a person approves in a browser for a command line.
//!
//! The approval is sealed, and goes through the browser to the command line, which gets the key for it, once, with the
//! verifier whose hash the person approved. So what passes through the browser is of no use to anyone else.

use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::identity::{SignInId, UserId};
use toolvault_core::keyring::is_equal;
use toolvault_core::scope::ScopeSet;
use toolvault_core::sign_in::{self, Approval};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::end::use_up;
use super::{SessionLimits, SignedIn};
use crate::caller::Caller;
use crate::error::Error;
use crate::key::KeyInfo;
use crate::operations::keys::change::InsertKey;
use crate::operations::keys::{IssuedKey, NewKey};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// How long the command line may take to get the key, in microseconds.
const APPROVAL_LASTS: i64 = 120 * SECOND;
/// The reason in the audit record of the key.
const REASON: &str = "login";

impl Vault {
    /// Approves a key for whoever has the verifier with the hash `challenge`: SHA-256 in lower-case hexadecimal. Returns
    /// the approval, sealed.
    ///
    /// The key ends with the session's own key, if that ends earlier. Needs what creating a key needs.
    pub async fn approve_key(
        &self,
        signed_in: &SignedIn,
        challenge: String,
        name: String,
        scopes: ScopeSet,
        expires_at: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let caller = &signed_in.caller;
        let limit = caller.key.and(caller.expires_at);
        let (entropy, now) = (self.shared.entropy.as_ref(), self.shared.clock.now());
        let approval = Approval {
            id: SignInId::generate(entropy, now)?,
            session: signed_in.session.clone(),
            challenge,
            name,
            scopes,
            expires_at: limit.map_or(expires_at, |limit| limit.min(expires_at)),
            until: now.plus(APPROVAL_LASTS),
        };
        // Whoever may not create the key learns it here, and not in the terminal.
        self.prepare_insert(caller, key_of(&approval)).await?;
        Ok(sign_in::seal(&approval, &self.shared.keyring, entropy)?)
    }

    /// Creates the key that a person approved, once, if their session has not ended and they may still create it.
    ///
    /// `identify` adds to the caller what is known of the request.
    pub async fn redeem_approval(
        &self,
        sealed: &[u8],
        verifier: &str,
        limits: SessionLimits,
        scopes_of: impl Fn(&str) -> Option<ScopeSet>,
        identify: impl FnOnce(Caller) -> Caller,
    ) -> Result<IssuedKey, Error> {
        let approval: Approval =
            sign_in::open(sealed, &self.shared.keyring).map_err(|_| Error::Unauthenticated)?;
        let answer = hexadecimal(&sha256(verifier.as_bytes()));
        let is_answered = is_equal(answer.as_bytes(), approval.challenge.as_bytes());
        if !is_answered || self.shared.clock.now() >= approval.until {
            return Err(Error::Unauthenticated);
        }
        let resuming = self.caller_in(&approval.session, limits, scopes_of);
        let caller = identify(resuming.await?);
        let (key, mut insert) = self.prepare_insert(&caller, key_of(&approval)).await?;
        insert.record.reason = Some(REASON.to_owned());
        let redeem = Redeem {
            id: approval.id,
            until: approval.until,
            insert,
        };
        let info = self.change(&caller, redeem).await?;
        Ok(IssuedKey { info, key })
    }
}

fn key_of(approval: &Approval) -> NewKey {
    NewKey {
        name: approval.name.clone(),
        scopes: approval.scopes,
        tools: Vec::new(),
        expires_at: Some(approval.expires_at),
        any_user: false,
        user: None,
    }
}

/// Uses up an approval, and inserts its key.
struct Redeem {
    id: SignInId,
    until: Timestamp,
    insert: InsertKey,
}

impl Change for Redeem {
    type Answer = KeyInfo;

    fn user(&self) -> UserId {
        self.insert.user()
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<KeyInfo, Error> {
        use_up(work, self.id, self.until).await?;
        self.insert.apply(work).await
    }
}
