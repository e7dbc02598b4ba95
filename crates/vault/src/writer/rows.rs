//! The rows that the changes of a group decide on and write. They are read at once before the first change, and written
//! at once after the last one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toolvault_core::envelope::key_id;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;

use crate::error::Error;
use crate::shared::Shared;
use crate::store::audit::{self, HeadRow};
use crate::store::given::Statement;
use crate::store::idempotent_answers::{self, AnswerRow};
use crate::store::secrets::{self, SecretRow};
use crate::store::transaction::Tx;
use crate::store::users::{self, LedgerRow};
use crate::store::versions::{self, VersionRow};
use crate::store::wanted::{self, FoundRow, Wanted};
use crate::user::{Ledger, User};

/// A user whose secrets are locked until the commit.
#[derive(Clone)]
pub(crate) struct Locked {
    /// With the keys that are valid now.
    pub(crate) user: User,
    pub(crate) ledger: Ledger,
    /// The generation of the ledger after the change.
    pub(crate) generation: i64,
}

/// What a change writes.
pub(crate) enum Edit {
    /// The ledger with its new generation.
    Ledger(Locked),
    /// A secret without its version.
    Secret(SecretRow),
    SecretDeleted(SecretId),
    /// A new version, which is the current one.
    Version(VersionRow),
    /// Another wrap of a version's data key.
    DataKey(SecretId, i64, Vec<u8>),
    VersionDeleted(SecretId, i64),
    /// An answer, after which those older than this are deleted.
    Answer(AnswerRow, Timestamp),
}

/// The rows as the changes so far leave them.
#[derive(Default)]
pub(crate) struct Rows {
    ledgers: HashMap<UserId, LedgerRow>,
    secrets: HashMap<SecretId, SecretRow>,
    versions: HashMap<SecretId, BTreeSet<i64>>,
    /// By user and the hash of the key; with their times.
    answers: HashMap<(UserId, Vec<u8>), (Vec<u8>, Timestamp)>,
    written: Written,
}

/// What is to be written.
#[derive(Default)]
struct Written {
    ledgers: BTreeMap<UserId, Locked>,
    secrets: BTreeSet<SecretId>,
    deleted: BTreeSet<SecretId>,
    versions: BTreeMap<(SecretId, i64), VersionRow>,
    data_keys: BTreeMap<(SecretId, i64), Vec<u8>>,
    deleted_versions: BTreeSet<(SecretId, i64)>,
    answers: Vec<AnswerRow>,
    oldest_answer: Timestamp,
}

impl Rows {
    /// Reads those that one change decides on.
    pub(crate) async fn read(tx: &mut Tx, wanted: Wanted) -> Result<Self, Error> {
        let found = wanted::find(tx, &[wanted], false).await?;
        Ok(Self::of(found).0)
    }

    /// Reads them, and locks the head of the audit trail.
    pub(crate) async fn read_and_lock_head(
        tx: &mut Tx,
        wanted: &[Wanted],
    ) -> Result<(Self, HeadRow), Error> {
        let (rows, mut head) = Self::of(wanted::find(tx, wanted, true).await?);
        if head.is_none() {
            // No row was found that could hold it.
            head = audit::lock_head(tx).await?;
        }
        Ok((rows, head.ok_or(Error::Integrity)?))
    }

    fn of(found: Vec<FoundRow>) -> (Self, Option<HeadRow>) {
        let (mut rows, mut head) = (Self::default(), None);
        for mut row in found {
            let user = UserId(row.owner_id);
            rows.ledgers.insert(user, row.ledger());
            if let Some((key_hash, sealed, at)) = row.answer() {
                let answer = (sealed, Timestamp::from_microseconds(at));
                rows.answers.insert((user, key_hash), answer);
            }
            let versions = row.versions().collect();
            head = head.or_else(|| row.head());
            if let Some(secret) = row.secret() {
                let id = SecretId(secret.secret_id);
                rows.versions.insert(id, versions);
                rows.secrets.insert(id, secret);
            }
        }
        (rows, head)
    }

    /// Opens the ledger for a change. `user` may be older than the user's newest key.
    pub(crate) async fn lock(
        &self,
        tx: &mut Tx,
        shared: &Shared,
        user: &User,
    ) -> Result<Locked, Error> {
        let id = user.id();
        if let Some(locked) = self.written.ledgers.get(&id) {
            let generation = locked.generation + 1;
            return Ok(Locked {
                generation,
                ..locked.clone()
            });
        }
        let row = self.ledgers.get(&id).ok_or(Error::Unauthenticated)?;
        // The ledger is always sealed with the newest key.
        let user = if key_id(&row.sealed) == Ok(user.keys.newest().id) {
            user.clone()
        } else {
            let row = users::find(tx, id).await?;
            User::verify(row.ok_or(Error::Unauthenticated)?, &shared.keyring)?
        };
        let ledger = Ledger::open(&user, row.generation, &row.sealed)?;
        let generation = row.generation + 1;
        Ok(Locked {
            user,
            ledger,
            generation,
        })
    }

    pub(crate) fn secret(&self, user: UserId, secret: SecretId) -> Option<SecretRow> {
        let row = self.secrets.get(&secret);
        row.filter(|row| row.user_id == user.0).cloned()
    }

    /// The numbers of the secret's versions.
    pub(crate) fn versions(&self, secret: SecretId) -> impl Iterator<Item = i64> {
        self.versions.get(&secret).into_iter().flatten().copied()
    }

    /// The sealed answer to the user's request with this key, unless it is older than `oldest`.
    pub(crate) fn answer(
        &self,
        user: UserId,
        key_hash: [u8; 32],
        oldest: Timestamp,
    ) -> Option<&[u8]> {
        let (sealed, at) = self.answers.get(&(user, key_hash.to_vec()))?;
        (*at >= oldest).then_some(sealed)
    }

    /// All secrets of a user.
    pub(crate) async fn secrets_of(
        &self,
        tx: &mut Tx,
        user: UserId,
    ) -> Result<Vec<SecretRow>, Error> {
        let mut all = HashMap::new();
        secrets::each_of_user(tx, user, |row| {
            all.insert(row.secret_id, row);
        })
        .await?;
        let own = self.secrets.values().filter(|row| row.user_id == user.0);
        all.extend(own.map(|row| (row.secret_id, row.clone())));
        all.retain(|id, _| !self.written.deleted.contains(&SecretId(*id)));
        Ok(all.into_values().collect())
    }

    pub(crate) fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            self.apply_one(edit);
        }
    }

    fn apply_one(&mut self, edit: Edit) {
        let written = &mut self.written;
        match edit {
            Edit::Ledger(locked) => {
                written.ledgers.insert(locked.user.id(), locked);
            }
            Edit::Secret(mut row) => {
                let id = SecretId(row.secret_id);
                if let Some(before) = self.secrets.remove(&id) {
                    row.data_key = before.data_key;
                    row.value = before.value;
                    row.display = before.display;
                }
                self.secrets.insert(id, row);
                written.secrets.insert(id);
            }
            Edit::SecretDeleted(id) => {
                self.secrets.remove(&id);
                written.secrets.remove(&id);
                written.versions.retain(|(secret, _), _| *secret != id);
                written.data_keys.retain(|(secret, _), _| *secret != id);
                written.deleted_versions.retain(|(secret, _)| *secret != id);
                written.deleted.insert(id);
            }
            Edit::Version(row) => {
                let id = SecretId(row.secret_id);
                self.versions.entry(id).or_default().insert(row.version);
                if let Some(secret) = self.secrets.get_mut(&id) {
                    secret.data_key = Some(row.data_key.clone());
                    secret.value = Some(row.value.clone());
                    secret.display = Some(row.display.clone());
                }
                written.versions.insert((id, row.version), row);
            }
            Edit::DataKey(id, version, data_key) => self.wrap(id, version, data_key),
            Edit::VersionDeleted(id, version) => {
                if let Some(versions) = self.versions.get_mut(&id) {
                    versions.remove(&version);
                }
                written.data_keys.remove(&(id, version));
                if written.versions.remove(&(id, version)).is_none() {
                    written.deleted_versions.insert((id, version));
                }
            }
            Edit::Answer(row, oldest) => {
                let key = (row.user_id, row.key_hash.clone());
                let answer = (row.sealed.clone(), row.created_at);
                self.answers.insert(key, answer);
                written.answers.push(row);
                written.oldest_answer = oldest;
            }
        }
    }

    fn wrap(&mut self, id: SecretId, version: i64, data_key: Vec<u8>) {
        if let Some(secret) = self.secrets.get_mut(&id)
            && secret.version == version
        {
            secret.data_key = Some(data_key.clone());
        }
        match self.written.versions.get_mut(&(id, version)) {
            Some(row) => row.data_key = data_key,
            None => {
                self.written.data_keys.insert((id, version), data_key);
            }
        }
    }

    /// The statements that write what the changes left. No two concern the same row.
    pub(crate) fn statements(&self, shared: &Shared) -> Result<Vec<Statement>, Error> {
        let written = &self.written;
        let mut ledgers = Vec::with_capacity(written.ledgers.len());
        for (id, locked) in &written.ledgers {
            let (keys, generation) = (&locked.user.keys, locked.generation);
            let entropy = shared.entropy.as_ref();
            let row = locked.ledger.seal(*id, keys, generation, entropy)?;
            ledgers.push((*id, row));
        }
        let secrets: Vec<_> = written
            .secrets
            .iter()
            .filter_map(|id| self.secrets.get(id))
            .collect();
        let data_keys = written.data_keys.iter();
        let data_keys: Vec<_> = data_keys
            .map(|((id, version), key)| (*id, *version, key.clone()))
            .collect();
        let deleted: Vec<_> = written.deleted.iter().copied().collect();
        let deleted_versions: Vec<_> = written.deleted_versions.iter().copied().collect();
        let versions: Vec<_> = written.versions.values().collect();
        Ok(vec![
            secrets::save(&secrets),
            secrets::delete(&deleted),
            versions::insert(&versions),
            versions::save_data_keys(&data_keys),
            versions::delete(&deleted_versions),
            users::save_ledgers(&ledgers),
            idempotent_answers::delete_old(&written.answers, written.oldest_answer),
            idempotent_answers::insert(&written.answers),
        ])
    }
}
