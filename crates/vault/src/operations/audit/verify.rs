//! `audit verify`: the chain from its first public key, and every row against the trail.
//!
//! The chain proves the trail. The trail then says in which state each secret, key and user was left; a row
//! that is missing, was put back, or stands in another state is a fault.

use std::collections::HashMap;

use serde::Serialize;
use toolvault_core::audit::chain::{ChainError, ChainVerifier};
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::{SecretId, UserId};
use uuid::Uuid;

use crate::error::Error;
use crate::key;
use crate::secret::Secret;
use crate::store::transaction::Tx;
use crate::store::{api_keys, audit, secrets, users};
use crate::user::{self, User};
use crate::vault::Vault;

const PORTION: i64 = 256;

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Whether there is no fault.
    pub ok: bool,
    /// How many pages were verified.
    pub pages: i64,
    /// How many records they hold.
    pub records: i64,
    /// The hash of the newest page, in hexadecimal.
    pub head: String,
    /// The first public key that the trail was verified with, in hexadecimal.
    pub public_key: String,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// `trail`, `secret`, `key` or `user`.
    pub kind: &'static str,
    /// The page or the id concerned.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

/// In which state the trail left something: the hash of its row.
type States<K> = HashMap<K, String>;

#[derive(Default)]
struct Expected {
    secrets: States<SecretId>,
    owners: HashMap<SecretId, UserId>,
    keys: States<String>,
    key_owners: HashMap<String, UserId>,
    users: States<String>,
}

impl Vault {
    /// Verifies the whole trail and every row against it. `first_key` is the public key printed at set-up;
    /// `progress` hears how many pages are done.
    pub async fn verify_audit(
        &self,
        first_key: Option<&[u8]>,
        progress: &mut (dyn FnMut(i64) + Send),
    ) -> Result<Verification, Error> {
        let mut tx = self.shared.database.read().await?;
        let epochs = audit::list_epochs(&mut tx).await?;
        let public_key = first_key
            .map(<[u8]>::to_vec)
            .or_else(|| epochs.first().map(|epoch| epoch.public_key.clone()))
            .unwrap_or_default();
        let mut verification = Verification {
            ok: false,
            pages: 0,
            records: 0,
            head: String::new(),
            public_key: hexadecimal(&public_key),
            faults: Vec::new(),
        };
        let mut expected = Expected::default();
        let chain = ChainVerifier::new(self.installation(), first_key, epochs);
        let verified = match chain {
            Ok(chain) => {
                verify_chain(&mut tx, chain, &mut expected, &mut verification, progress).await?
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(()) => {
                self.verify_users(&mut tx, &mut expected, &mut verification)
                    .await?;
                self.verify_keys(&mut tx, &mut expected, &mut verification)
                    .await?;
                self.verify_secrets(&mut tx, &mut expected, &mut verification)
                    .await?;
            }
            Err(error) => {
                let page = (verification.pages + 1).to_string();
                verification.fault("trail", page, &error.to_string());
            }
        }
        verification.ok = verification.faults.is_empty();
        Ok(verification)
    }

    async fn verify_users(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        for row in users::list(tx, None).await? {
            let id = row.user_id.to_string();
            let state = user::state_text(&row);
            let is_sound = User::verify(row, &self.shared.keyring).is_ok();
            verification.compare(
                "user",
                id.clone(),
                expected.users.remove(&id),
                &state,
                is_sound,
            );
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
            verification.compare(
                "key",
                id.clone(),
                expected.keys.remove(&id),
                &state,
                is_sound,
            );
        }
        verification.missing("key", &expected.keys);
        Ok(())
    }

    async fn verify_secrets(
        &self,
        tx: &mut Tx,
        expected: &mut Expected,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        let installation = self.installation();
        let mut keys: HashMap<Uuid, Option<User>> = HashMap::new();
        let mut after = Uuid::nil();
        loop {
            let rows = secrets::list_after(tx, after, PORTION).await?;
            let Some(last) = rows.last() else { break };
            after = last.secret_id;
            for row in rows {
                if let std::collections::hash_map::Entry::Vacant(slot) = keys.entry(row.user_id) {
                    let owner = users::find(tx, UserId(row.user_id)).await?;
                    let owner = owner.and_then(|row| User::verify(row, &self.shared.keyring).ok());
                    slot.insert(owner);
                }
                let id = SecretId(row.secret_id);
                let owner = keys.get(&row.user_id).and_then(Option::as_ref);
                let opened = owner.map(|owner| {
                    let secret = Secret::verify(row, installation, &owner.key)?;
                    secret.open_value(installation, &owner.key)?;
                    Ok::<_, Error>(secret.state_text(installation))
                });
                let state = opened.and_then(Result::ok);
                let is_sound = state.is_some();
                let wanted = expected.secrets.remove(&id);
                let state = state.unwrap_or_default();
                verification.compare("secret", id.to_string(), wanted, &state, is_sound);
            }
        }
        verification.missing("secret", &expected.secrets);
        Ok(())
    }
}

async fn verify_chain(
    tx: &mut Tx,
    mut chain: ChainVerifier,
    expected: &mut Expected,
    verification: &mut Verification,
    progress: &mut (dyn FnMut(i64) + Send),
) -> Result<Result<(), ChainError>, Error> {
    loop {
        let pages = audit::pages_after(tx, verification.pages, PORTION).await?;
        if pages.is_empty() {
            break;
        }
        for page in pages {
            let records = match chain.page(&page) {
                Ok(records) => records,
                Err(error) => return Ok(Err(error)),
            };
            verification.pages = page.number;
            verification.records = page.last_sequence;
            for record in records {
                expected.follow(record);
            }
        }
        progress(verification.pages);
    }
    let stored = audit::find_head(tx).await?.and_then(|row| row.head());
    let head = match chain.finish() {
        Ok(head) => head,
        Err(error) => return Ok(Err(error)),
    };
    verification.head = hexadecimal(&head.hash);
    if stored.as_ref() == Some(&head) {
        Ok(Ok(()))
    } else {
        Ok(Err(ChainError::Truncated(
            stored.map_or(0, |stored| stored.page),
        )))
    }
}

impl Expected {
    fn follow(&mut self, record: Record) {
        match record.action {
            Action::SecretDeleted => {
                if let Some(id) = record.secret_id {
                    self.secrets.remove(&id);
                    self.owners.remove(&id);
                }
            }
            Action::UserDeleted => {
                if let Some(user) = record.user_id {
                    self.forget(user);
                }
            }
            _ => self.keep(record),
        }
    }

    fn keep(&mut self, record: Record) {
        let Some(state) = record.state else { return };
        if let (Some(secret), Some(user)) = (record.secret_id, record.user_id) {
            self.secrets.insert(secret, state);
            self.owners.insert(secret, user);
        } else if let Some(subject) = record.subject {
            if matches!(record.action, Action::UserCreated | Action::UserChanged) {
                self.users.insert(subject, state);
            } else {
                if let Some(user) = record.user_id {
                    self.key_owners.insert(subject.clone(), user);
                }
                self.keys.insert(subject, state);
            }
        }
    }

    /// All that was a deleted user's is gone with them.
    fn forget(&mut self, user: UserId) {
        self.users.remove(&user.to_string());
        self.owners.retain(|_, owner| *owner != user);
        self.key_owners.retain(|_, owner| *owner != user);
        self.secrets.retain(|id, _| self.owners.contains_key(id));
        self.keys.retain(|id, _| self.key_owners.contains_key(id));
    }
}

impl Verification {
    fn compare(
        &mut self,
        kind: &'static str,
        subject: String,
        expected: Option<String>,
        state: &str,
        is_sound: bool,
    ) {
        let what = match expected {
            _ if !is_sound => "its row was changed",
            None => "its row was put back or inserted: the trail does not leave it here",
            Some(expected) if expected != state => {
                "its row is not in the state in which the trail leaves it"
            }
            Some(_) => return,
        };
        self.fault(kind, subject, what);
    }

    fn missing<K: ToString>(&mut self, kind: &'static str, expected: &States<K>) {
        let mut subjects: Vec<String> = expected.keys().map(ToString::to_string).collect();
        subjects.sort();
        for subject in subjects {
            self.fault(kind, subject, "its row is missing");
        }
    }

    fn fault(&mut self, kind: &'static str, subject: String, what: &str) {
        self.faults.push(Fault {
            kind,
            subject,
            what: what.to_owned(),
        });
    }
}
