//! A vault, and what operations start from. [`opening`] opens it.

mod opening;

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::identity::{InstallationId, UserId};

use crate::cache::UserEntry;
use crate::cache::index::Index;
use crate::cache::slots::{Slots, Weigh};
use crate::cache::watch::Watch;
use crate::caller::Caller;
use crate::changes::Changed;
use crate::clock::Clock;
use crate::connection::StoredConnection;
use crate::error::{Denial, Error};
use crate::key::KeyRecord;
use crate::secret::Secret;
use crate::settings::Consistency;
use crate::setup::FirstKeys;
use crate::shared::Shared;
use crate::store::lead::Lead;
use crate::store::{api_keys, connections, disk, installation, secrets, users};
use crate::user::{Ledger, User};
use crate::writer::Writer;
use crate::writer::change::Change;

/// For how long the outcome of a write shows whether the database accepts writes.
const WRITES_KNOWN_FOR: Duration = Duration::from_secs(1);

/// The open store of one installation.
///
/// Cloning is cheap; all clones are the same vault.
#[derive(Clone)]
pub struct Vault {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// A vault that was opened, and its first keys if it was empty.
#[derive(Debug)]
pub struct Opened {
    /// The vault.
    pub vault: Vault,
    /// Present if the store was empty and has just been set up.
    pub first_keys: Option<FirstKeys>,
}

impl Vault {
    /// Finishes everything in the queue, forces it to disk and closes the database.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.shared.database.close().await;
    }

    /// Runs a task that [`close`](Self::close) waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Cancelled when the storage reports lost or damaged data: the process must exit.
    pub fn failed(&self) -> CancellationToken {
        self.shared.failed.clone()
    }

    /// The installation that this store belongs to.
    pub fn installation(&self) -> InstallationId {
        self.shared.keyring.installation()
    }

    /// Whether the database can be read and written.
    pub async fn is_ready(&self) -> bool {
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            installation::find(&mut tx).await?;
            Ok(())
        };
        self.in_time(reading).await.is_ok()
            && self.can_write().await
            && !self.shared.failed.is_cancelled()
    }

    /// Whether the last write succeeded. If it is too old, this makes a new one: a server that is not ready gets no
    /// requests from its load balancer, and otherwise would never notice that writes work again.
    async fn can_write(&self) -> bool {
        let last = *self.shared.last_write.lock();
        match last {
            Some((at, has_succeeded)) if at.elapsed() < WRITES_KNOWN_FOR => has_succeeded,
            // The probe itself may fit where there is no space for anything else.
            _ => self.writer.probe().await.is_ok() && self.has_space().await,
        }
    }

    async fn has_space(&self) -> bool {
        let Some(directory) = self.shared.database.directory() else {
            return true;
        };
        let directory = directory.to_owned();
        let found = tokio::task::spawn_blocking(move || disk::has_space(&directory));
        found.await.unwrap_or(false)
    }

    /// Subscribes to changes by this process and, on PostgreSQL, by all others on the same database.
    ///
    /// A change takes effect before it is announced. A receiver that lagged must treat that as [`Changed::All`], which
    /// is also sent repeatedly while the notification channel is down. An announcement only says that something may
    /// have changed. [`recheck`](Vault::recheck) tests whether a caller may still act
    /// ([`Caller::is_concerned_by`](crate::Caller::is_concerned_by) selects the callers), and
    /// [`credential_stamp`](Vault::credential_stamp) whether credentials are still the same. Expiry is not announced.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.shared.cache.announcements.subscribe()
    }

    /// For work that only one of the processes on this database does.
    pub fn lead(&self, work: &str) -> Lead {
        let pools = self.shared.database.pools();
        let patience = self.shared.settings.patience;
        Lead::new(pools, self.installation(), work, patience)
    }

    /// How long a caller waits for the database.
    pub fn patience(&self) -> Duration {
        self.shared.settings.patience
    }

    /// The clock that times are taken from.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.clock)
    }

    /// The user and their secrets, verified.
    pub(crate) async fn user_entry(&self, user: UserId) -> Result<Option<Arc<UserEntry>>, Error> {
        let users = &self.shared.cache.users;
        self.cached(users, user, || self.load_user(user)).await
    }

    /// The entry of the caller's user. Authentication found that the user exists, except for a local caller.
    pub(crate) async fn caller_entry(&self, caller: &Caller) -> Result<Arc<UserEntry>, Error> {
        let entry = self.user_entry(caller.user).await;
        let entry = self.note_refusal(caller, entry).await?;
        entry.ok_or_else(|| match (caller.is_local, caller.is_user_named) {
            (true, false) => Denial::UserNotNamed.into(),
            (true, true) => Denial::UserUnavailable.into(),
            (false, _) => Error::Unauthenticated,
        })
    }

    /// The key, verified.
    pub(crate) async fn key_record(&self, id: KeyId) -> Result<Option<Arc<KeyRecord>>, Error> {
        let keys = &self.shared.cache.keys;
        self.cached(keys, id, || self.load_key(id)).await
    }

    /// What `slots` has under this key, or else what `load` reads.
    async fn cached<K, V, L>(
        &self,
        slots: &Slots<K, V>,
        key: K,
        load: impl FnOnce() -> L,
    ) -> Result<Option<Arc<V>>, Error>
    where
        K: Hash + Eq + Clone,
        V: Weigh,
        L: Future<Output = Result<Option<V>, Error>>,
    {
        let find = || {
            let is_trusted = self.shared.cache.trust.is_given();
            is_trusted.then(|| slots.get(&key)).flatten()
        };
        if let Some(entry) = find() {
            return Ok(Some(entry));
        }
        // Boxed, as few requests get here and all of them would move the future.
        Box::pin(self.in_time(slots.loads.share(&key, async {
            // Another caller may have loaded it meanwhile.
            if let Some(entry) = find() {
                return Ok(Some(entry));
            }
            let fill = slots.begin_fill(key.clone());
            let entry = load().await?.map(Arc::new);
            if let Some(entry) = &entry
                && self.shared.settings.consistency == Consistency::Bounded
            {
                fill.finish(entry);
            }
            Ok(entry)
        })))
        .await
    }

    /// Submits a change to the writer. A refusal is recorded.
    pub(crate) async fn change<C: Change>(
        &self,
        caller: &Caller,
        change: C,
    ) -> Result<C::Answer, Error> {
        let answer = self.writer.change(change).await;
        self.note_refusal(caller, answer).await
    }

    /// Records a refusal or a sign of tampering; returns the answer unchanged.
    pub(crate) async fn note_refusal<T>(
        &self,
        caller: &Caller,
        answer: Result<T, Error>,
    ) -> Result<T, Error> {
        let (action, reason) = match &answer {
            Err(Error::Denied(denial)) => (Action::AccessDenied, denial.code()),
            Err(Error::QuotaExceeded(_)) => (Action::AccessDenied, "quota_exceeded"),
            Err(Error::Integrity) => (Action::TamperingDetected, "integrity"),
            _ => return answer,
        };
        let mut record = self.record(caller, action, Decision::Denied);
        record.reason = Some(reason.to_owned());
        if let Err(error) = self.writer.record(vec![record]).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a refusal was not recorded"
            );
        }
        answer
    }

    /// A record of an action by `caller`, with the current time.
    pub(crate) fn record(&self, caller: &Caller, action: Action, decision: Decision) -> Record {
        let now = self.shared.clock.now();
        let user = (caller.actor != Actor::Anonymous).then_some(caller.user);
        let mut record = Record::new(now, &caller.actor, user, action, decision);
        record.request_id.clone_from(&caller.request_id);
        record
    }

    /// Limits a read to the time that a caller waits.
    pub(crate) async fn in_time<T>(
        &self,
        reading: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let read = tokio::time::timeout(self.shared.settings.patience, reading)
            .await
            .unwrap_or(Err(Error::Unavailable(None)));
        if let Err(error) = &read {
            self.shared.watch(error);
        }
        read
    }

    async fn load_key(&self, id: KeyId) -> Result<Option<KeyRecord>, Error> {
        let mut tx = self.shared.database.read().await?;
        let row = api_keys::find(&mut tx, id.as_str()).await?;
        let verify = |row| KeyRecord::verify(row, &self.shared.keyring);
        row.map(verify).transpose()
    }

    async fn load_user(&self, user: UserId) -> Result<Option<UserEntry>, Error> {
        let mut tx = self.shared.database.read().await?;
        let Some(row) = users::find(&mut tx, user).await? else {
            return Ok(None);
        };
        let ledger = users::find_ledger(&mut tx, user).await?;
        let keyring = &self.shared.keyring;
        let user = User::verify(row, keyring)?;
        let (mut secrets, mut found, mut is_sound) = (Vec::new(), Ledger::default(), true);
        // Each is verified while the database reads the next ones.
        secrets::each_of_user(&mut tx, user.id(), |row| {
            match Secret::verify(row, keyring.installation(), &user.keys) {
                Ok(secret) => {
                    found.add(&secret, keyring);
                    secrets.push(Arc::new(secret));
                }
                Err(_) => is_sound = false,
            }
        })
        .await?;
        let mut connections = Vec::new();
        for row in connections::list(&mut tx, Some(user.id())).await? {
            match StoredConnection::verify(row, keyring.installation(), &user.keys) {
                Ok(connection) => {
                    found.add(&connection, keyring);
                    connections.push(Arc::new(connection));
                }
                Err(_) => is_sound = false,
            }
        }
        // The rollback that this queues need not be waited for.
        drop(tx);
        let generation = ledger.as_ref().map_or(0, |row| row.generation);
        let mut index = Index::new(secrets, generation);
        let is_counted = ledger
            .and_then(|row| Ledger::open(&user, row.generation, &row.sealed).ok())
            .is_some_and(|ledger| ledger.agrees_with(&found));
        // The index is broken unless the ledger counts exactly these rows.
        if !is_sound || !is_counted {
            index.mark_broken();
        }
        Ok(Some(UserEntry {
            user,
            index: RwLock::new(index),
            connections,
            watch: Watch::default(),
        }))
    }
}
