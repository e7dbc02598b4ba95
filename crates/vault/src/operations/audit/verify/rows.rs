//! Compares every row of the tables with the trail.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use toolvault_core::identity::SecretId;
use uuid::Uuid;

use super::Verification;
use super::expected::Expected;
use crate::connection::StoredConnection;
use crate::error::Error;
use crate::key;
use crate::secret::Secret;
use crate::store::secrets::SecretRow;
use crate::store::transaction::Tx;
use crate::store::versions::VersionRow;
use crate::store::{api_keys, connections, secrets, users, versions};
use crate::user::{self, Ledger, User};
use crate::vault::Vault;
use crate::version;

/// Secrets read per query, with all their versions.
const PORTION: i64 = 256;

/// The users with sound rows, and the ledger computed from their secrets and connections.
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
        self.verify_connections(tx, &mut expected, verification, &mut owners)
            .await?;
        verify_ledgers(tx, owners, verification).await
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
            let last = last.secret_id;
            let mut versions: HashMap<Uuid, Vec<VersionRow>> = HashMap::new();
            for row in versions::list_between(tx, after, last).await? {
                versions.entry(row.secret_id).or_default().push(row);
            }
            after = last;
            for row in rows {
                let id = SecretId(row.secret_id);
                let kept = expected.versions.remove(&id).unwrap_or_default();
                let found = versions.remove(&id.0).unwrap_or_default();
                let opened = self.verify_secret(row, found, &kept, owners);
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

    async fn verify_connections(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
        owners: &mut Owners,
    ) -> Result<(), Error> {
        let installation = self.installation();
        for row in connections::list(tx, None).await? {
            let id = row.connection_id.to_string();
            let owner = owners.get_mut(&row.user_id).and_then(Option::as_mut);
            let state = owner.and_then(|(user, ledger)| {
                let found = StoredConnection::verify(row, installation, &user.keys).ok()?;
                ledger.add(&found, &self.shared.keyring);
                found.open(installation, &user.keys).ok()?;
                Some(found.state_text(installation))
            });
            let is_sound = state.is_some();
            let wanted = expected.connections.remove(&id);
            let state = state.unwrap_or_default();
            verification.compare("connection", id, wanted, &state, is_sound);
        }
        verification.missing("connection", &expected.connections);
        Ok(())
    }

    /// The state of the secret; `None` unless its row and exactly the `kept` versions are sound.
    fn verify_secret(
        &self,
        row: SecretRow,
        versions: Vec<VersionRow>,
        kept: &BTreeSet<i64>,
        owners: &mut Owners,
    ) -> Option<String> {
        let (installation, id) = (self.installation(), SecretId(row.secret_id));
        let Entry::Occupied(mut owner) = owners.entry(row.user_id) else {
            return None;
        };
        let Some((user, ledger)) = owner.get_mut() else {
            return None;
        };
        let Ok(secret) = Secret::verify(row, installation, &user.keys) else {
            return None;
        };
        ledger.add(&secret, &self.shared.keyring);
        let mut is_sound = secret.open_value(installation, &user.keys).is_ok();
        let mut found = BTreeSet::new();
        for row in versions {
            found.insert(row.version);
            is_sound &= version::verify(&row, &self.shared.keyring).is_ok();
            if row.version != secret.version {
                is_sound &= self.open_superseded(user, id, row).is_ok();
            }
        }
        is_sound &= found == *kept;
        is_sound.then(|| secret.state_text(installation))
    }
}

/// Whether each user's ledger counts the secrets that are there.
async fn verify_ledgers(
    tx: &mut Tx,
    mut owners: Owners,
    verification: &mut Verification,
) -> Result<(), Error> {
    let what = "the ledger does not count the secrets that are there";
    for (id, row) in users::list_ledgers(tx).await? {
        match owners.remove(&id) {
            Some(Some((user, found))) => {
                let ledger = Ledger::open(&user, row.generation, &row.sealed);
                if !ledger.is_ok_and(|ledger| ledger.agrees_with(&found)) {
                    verification.fault("user", id.to_string(), what);
                }
            }
            // The fault of the user's row is told already.
            Some(None) => {}
            None => {
                let what = "there is a ledger of a user who is not there";
                verification.fault("user", id.to_string(), what);
            }
        }
    }
    for (user, _) in owners.into_values().flatten() {
        verification.fault("user", user.id().to_string(), what);
    }
    Ok(())
}
