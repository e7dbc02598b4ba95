//! Opens a store: its database, keyring and journal, and the tasks that serve it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolvault_core::audit::journal::Contents;
use toolvault_core::entropy::Entropy;
use toolvault_core::keyring::{Keyring, KeyringError};
use uuid::Uuid;

use super::{Opened, Vault};
use crate::cache::Cache;
use crate::cache::trust::{Heartbeat, Trust};
use crate::channel::{self, Channel};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::journal::replay::replay;
use crate::root_key::RootKeySource;
use crate::settings::{Consistency, DatabaseLocation, Durability, Settings};
use crate::setup::{self, FirstKeys, OpenError};
use crate::shared::Shared;
use crate::store::database::Database;
use crate::store::installation;
use crate::writer::Writer;
use crate::writer::sign_in_failures::SignInFailures;

impl Vault {
    /// Opens the store, and sets it up if it is empty.
    pub async fn open(
        settings: Settings,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Opened, OpenError> {
        let database = Database::open(&settings.database, settings.patience).await?;
        let set_up = setup::ensure(&database, root_key, clock.as_ref(), entropy.as_ref()).await?;
        Self::assemble(database, settings, root_key, clock, entropy, set_up).await
    }

    /// Opens the store; fails if it is empty.
    pub async fn open_existing(
        settings: Settings,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let database = Database::open(&settings.database, settings.patience).await?;
        let opened = Self::assemble(database, settings, root_key, clock, entropy, None).await?;
        Ok(opened.vault)
    }

    async fn assemble(
        database: Database,
        settings: Settings,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        first_keys: Option<FirstKeys>,
    ) -> Result<Opened, OpenError> {
        let keyring = open_keyring(&database, root_key).await?;
        let mut process = [0; 16];
        entropy
            .fill(&mut process)
            .map_err(|error| OpenError::Store(error.into()))?;
        let is_shared = database.pools().is_some();
        let (journal, left) = open_journal(&settings, &keyring, &clock)?.unzip();
        let trust = match (settings.consistency, is_shared) {
            (Consistency::Strict, _) => Trust::Never,
            (Consistency::Bounded, false) => Trust::Alone,
            (Consistency::Bounded, true) => Trust::Heartbeat(Heartbeat::new()),
        };
        let patience = settings.patience;
        let shared = Arc::new(Shared {
            database,
            keyring,
            clock,
            entropy,
            cache: Cache::new(settings.cache_bytes, trust),
            settings,
            channel: Channel::new(Uuid::from_bytes(process), is_shared),
            accepted: Mutex::default(),
            sign_in_failures: SignInFailures::default(),
            journal,
            failed: CancellationToken::new(),
            signer: Mutex::new(None),
            key_uses: Mutex::new(HashMap::new()),
            verifying: Mutex::default(),
            last_write: Mutex::new(None),
        });
        if let (Some(journal), Some(left)) = (&shared.journal, left) {
            replay(&shared, journal, left)
                .await
                .map_err(OpenError::Store)?;
        }
        let is_journaled = shared.settings.audit_uses == Durability::System;
        let journal = shared.journal.clone().filter(|_| is_journaled);
        let (writer, inbox) = Writer::new(patience, journal);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(inbox.run(Arc::clone(&shared), stop.clone()));
        if let Some(following) = shared.database.follow(stop.clone()) {
            tasks.spawn(following);
        }
        if let Some(pools) = shared.database.pools() {
            tasks.spawn(channel::run(Arc::clone(&shared), pools, stop.clone()));
        }
        Ok(Opened {
            vault: Self {
                shared,
                writer,
                tasks,
                stop,
            },
            first_keys,
        })
    }
}

/// The journal of uses and what is left in it. `None` on PostgreSQL, where every use waits for the database.
fn open_journal(
    settings: &Settings,
    keyring: &Keyring,
    clock: &Arc<dyn Clock>,
) -> Result<Option<(Arc<Journal>, Contents)>, OpenError> {
    let DatabaseLocation::Directory(directory) = &settings.database else {
        return Ok(None);
    };
    let (journal, left) = Journal::open(directory, keyring.journal(), Arc::clone(clock))
        .map_err(OpenError::Journal)?;
    Ok(Some((Arc::new(journal), left)))
}

async fn open_keyring(database: &Database, root_key: &RootKeySource) -> Result<Keyring, OpenError> {
    let failed = |error: sqlx::Error| OpenError::Store(error.into());
    let mut tx = database.read().await.map_err(failed)?;
    let installation = installation::find(&mut tx)
        .await
        .map_err(failed)?
        .ok_or(OpenError::Empty)?;
    let rows = installation::load_keyring(&mut tx).await.map_err(failed)?;
    tx.rollback().await.map_err(failed)?;
    let root = root_key.load(&installation.root_key_salt).await?;
    Keyring::open(&root, installation.id, &rows).map_err(|error| match error {
        KeyringError::WrongRootKey => OpenError::WrongRootKey,
        KeyringError::Missing(_) => OpenError::Keyring(error),
    })
}
