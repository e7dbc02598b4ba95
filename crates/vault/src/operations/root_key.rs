//! Replaces the root key. The keys of the keyring stay the same, so nothing else changes, and processes that have opened
//! the keyring go on.

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::confidential::Key;
use toolvault_core::identity::UserId;
use toolvault_core::keyring::Keyring;
use toolvault_core::scope::Scope;
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::{dialect, installation};
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

impl Vault {
    /// Wraps the keyring with another root key, in one transaction. From then on only that key opens the store. Returns
    /// false if it does so already. Needs `admin`.
    pub async fn rotate_root_key(&self, caller: &Caller, root: Key) -> Result<bool, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let mut record = self.record(caller, Action::RootKeyRotated, Decision::Allowed);
        record.user_id = None;
        self.change(caller, RotateRootKey { root, record }).await
    }

    /// Whether this root key opens the store now, as a server that starts needs it. Needs `admin`.
    pub async fn opens_with(&self, caller: &Caller, root: &Key) -> Result<bool, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let stored = self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            Ok(installation::load_keyring(&mut tx).await?)
        });
        let id = self.shared.keyring.installation();
        Ok(Keyring::open(root, id, &stored.await?).is_ok())
    }
}

struct RotateRootKey {
    root: Key,
    record: Record,
}

impl Change for RotateRootKey {
    type Answer = bool;

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<bool, Error> {
        let keyring = &work.shared.keyring;
        let id = keyring.installation();
        dialect::lock_installation(work.tx).await?;
        let stored = installation::load_keyring(work.tx).await?;
        if Keyring::open(&self.root, id, &stored).is_ok() {
            return Ok(false);
        }
        let wrapped = keyring.rewrap(&self.root, work.shared.entropy.as_ref())?;
        // A key that stayed behind would be lost with the old root key.
        if stored.len() != wrapped.len() {
            return Err(Error::internal(
                "the keyring has keys that this version does not know",
            ));
        }
        for key in &wrapped {
            if !installation::save_key(work.tx, key).await? {
                return Err(Error::Integrity);
            }
        }
        let saved = installation::load_keyring(work.tx).await?;
        Keyring::open(&self.root, id, &saved).map_err(Error::internal)?;
        installation::save_root_key_since(work.tx, self.record.at).await?;
        work.records.push(self.record.clone());
        Ok(true)
    }
}
