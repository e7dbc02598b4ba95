//! Compares every row of the tables with the trail.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use toolvault_core::identity::SecretId;
use uuid::Uuid;

use super::expected::Expected;
use super::{PORTION, Verification};
use crate::error::Error;
use crate::key;
use crate::secret::Secret;
use crate::store::secrets::SecretRow;
use crate::store::transaction::Tx;
use crate::store::{api_keys, secrets, users, versions};
use crate::user::{self, Ledger, User};
use crate::vault::Vault;
use crate::version;

/// The users with sound rows, and the ledger computed from their secrets.
type Owners = HashMap<Uuid, Option<(User, Ledger)>>;

impl Vault {
    pub(super) async fn verify_rows(
        &self,
        tx: &mut Tx,
        mut expected: Expected,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        let mut owners = Owners::new();
        self.verify_users(tx, &mut expected, verification, &mut owners)
            .await?;
        self.verify_keys(tx, &mut expected, verification).await?;
        self.verify_secrets(tx, &mut expected, verification, &mut owners)
            .await?;
        for stray in users::list_stray_ledgers(tx).await? {
            let what = "there is a ledger of a user who is not there";
            verification.fault("user", stray.to_string(), what);
        }
        for (user, found) in owners.into_values().flatten() {
            let row = users::find_ledger(tx, user.id()).await?;
            let is_right = row
                .and_then(|row| Ledger::open(&user, row.generation, &row.sealed).ok())
                .is_some_and(|ledger| ledger.agrees_with(&found));
            if !is_right {
                let what = "the ledger does not count the secrets that are there";
                verification.fault("user", user.id().to_string(), what);
            }
        }
        Ok(())
    }

    async fn verify_users(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
        owners: &mut Owners,
    ) -> Result<(), Error> {
        for row in users::list(tx, None).await? {
            let (user, id) = (row.user_id, row.user_id.to_string());
            let state = user::state_text(&row);
            let verified = User::verify(row, &self.shared.keyring).ok();
            let is_sound = verified.is_some();
            owners.insert(user, verified.map(|user| (user, Ledger::default())));
            let wanted = expected.users.remove(&id);
            verification.compare("user", id, wanted, &state, is_sound);
        }
        verification.missing("user", &expected.users);
        Ok(())
    }

    async fn verify_keys(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        for row in api_keys::list(tx, None).await? {
            let id = row.key.key_id.clone();
            let state = key::state_text(&row.key);
            let is_sound = key::KeyRecord::verify(row.key, &self.shared.keyring).is_ok();
            let wanted = expected.keys.remove(&id);
            verification.compare("key", id, wanted, &state, is_sound);
        }
        verification.missing("key", &expected.keys);
        Ok(())
    }

    async fn verify_secrets(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
        owners: &mut Owners,
    ) -> Result<(), Error> {
        let mut after = Uuid::nil();
        loop {
            let rows = secrets::list_after(tx, after, PORTION).await?;
            let Some(last) = rows.last() else { break };
            after = last.secret_id;
            for row in rows {
                let id = SecretId(row.secret_id);
                let kept = expected.versions.remove(&id).unwrap_or_default();
                let opened = self.verify_secret(tx, row, &kept, owners).await?;
                let is_sound = opened.is_some();
                let state = opened.unwrap_or_default();
                let wanted = expected.secrets.remove(&id);
                verification.compare("secret", id.to_string(), wanted, &state, is_sound);
            }
        }
        verification.missing("secret", &expected.secrets);
        for orphan in versions::list_orphans(tx).await? {
            let what = "there are versions of a secret that is not there";
            verification.fault("secret", orphan.to_string(), what);
        }
        Ok(())
    }

    /// The state of the secret; `None` unless its row and exactly the `kept` versions are sound.
    async fn verify_secret(
        &self,
        tx: &mut Tx,
        row: SecretRow,
        kept: &BTreeSet<i64>,
        owners: &mut Owners,
    ) -> Result<Option<String>, Error> {
        let (installation, id) = (self.installation(), SecretId(row.secret_id));
        let Entry::Occupied(mut owner) = owners.entry(row.user_id) else {
            return Ok(None);
        };
        let Some((user, ledger)) = owner.get_mut() else {
            return Ok(None);
        };
        let Ok(secret) = Secret::verify(row, installation, &user.key) else {
            return Ok(None);
        };
        ledger.add(&secret, &self.shared.keyring);
        let mut is_sound = secret.open_value(installation, &user.key).is_ok();
        let mut found = BTreeSet::new();
        for row in versions::list(tx, id).await? {
            found.insert(row.version);
            is_sound &= version::verify(&row, &self.shared.keyring).is_ok();
            if row.version != secret.version {
                is_sound &= self.open_superseded(user, id, row).is_ok();
            }
        }
        is_sound &= found == *kept;
        Ok(is_sound.then(|| secret.state_text(installation)))
    }
}
