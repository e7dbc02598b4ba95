//! Sets up an empty store: keyring, audit trail, first user and two first keys.

use toolvault_core::api_key::ApiKey;
use toolvault_core::audit::epoch::Signer;
use toolvault_core::audit::page::{Head, Page};
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::{InstallationId, UserId};
use toolvault_core::keyring::{Keyring, KeyringError};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;

use crate::clock::Clock;
use crate::error::Error;
use crate::key::{KeyRights, prepare_key};
use crate::root_key::{RootKeyError, RootKeySource, SALT_LENGTH};
use crate::store::audit::HeadRow;
use crate::store::database::Database;
use crate::store::installation::Installation;
use crate::store::open_database_error::OpenDatabaseError;
use crate::store::transaction::Tx;
use crate::store::{api_keys, audit, dialect, given, installation};
use crate::user::{Origin, insert_user};

/// Why a vault could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenDatabaseError),
    /// The root key is not available.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The store's keyring is not wrapped by this root key.
    #[error("the root key does not open this store; nothing was changed")]
    WrongRootKey,
    /// The keyring is incomplete.
    #[error("the store's keyring cannot be used")]
    Keyring(#[source] KeyringError),
    /// The journal of uses cannot be opened.
    #[error(
        "cannot open the journal of uses, uses.journal in the data directory; make it readable and writable, or move it away to start without the uses in it"
    )]
    Journal(#[source] std::io::Error),
    /// Reading or setting up failed.
    #[error("cannot read or set up the store")]
    Store(#[source] Error),
    /// The store is empty, and the caller required an existing one.
    #[error("there is no store here yet; start one with: toolvault serve")]
    Empty,
}

/// What a new store must show its operator, once.
pub struct FirstKeys {
    /// The first user, named `default`.
    pub user: UserId,
    /// For the operator: `manage`, `use`, `resolve`, `audit`, `admin`.
    pub operator: ApiKey,
    /// For the operator's agent: `use`.
    pub agent: ApiKey,
    /// The audit trail's first public key, in hexadecimal. Kept elsewhere, it proves that the trail is genuine.
    pub audit_public_key: String,
}

impl std::fmt::Debug for FirstKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FirstKeys")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Sets the store up if it is empty. If several processes try, one does it.
pub(crate) async fn ensure(
    database: &Database,
    root_key: &RootKeySource,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Option<FirstKeys>, OpenError> {
    let failed = |error: sqlx::Error| OpenError::Store(error.into());
    let mut tx = database.read().await.map_err(failed)?;
    let existing = installation::find(&mut tx).await.map_err(failed)?;
    tx.rollback().await.map_err(failed)?;
    if existing.is_some() {
        return Ok(None);
    }
    let now = clock.now();
    let mut salt = vec![0; SALT_LENGTH];
    entropy
        .fill(&mut salt)
        .map_err(|error| OpenError::Store(error.into()))?;
    let mut tx = database.write(&[]).await.map_err(failed)?;
    dialect::take_time(&mut tx).await.map_err(failed)?;
    dialect::lock_installation(&mut tx).await.map_err(failed)?;
    if installation::find(&mut tx).await.map_err(failed)?.is_some() {
        tx.rollback().await.map_err(failed)?;
        return Ok(None);
    }
    // Under the lock, so that a second process finds the store and does not generate a key that opens nothing.
    let root = root_key.load_or_create(&salt, entropy, None).await?;
    let store = |error: Error| OpenError::Store(error);
    let id = InstallationId::generate(entropy, now).map_err(|error| store(error.into()))?;
    let installation = Installation {
        id,
        root_key_salt: salt,
    };
    if !installation::insert(&mut tx, &installation, now)
        .await
        .map_err(failed)?
    {
        tx.rollback().await.map_err(failed)?;
        return Ok(None);
    }
    let wrapped = Keyring::create(&root, id, entropy).map_err(|error| store(error.into()))?;
    for key in &wrapped {
        installation::insert_key(&mut tx, key)
            .await
            .map_err(failed)?;
    }
    let keyring = Keyring::open(&root, id, &wrapped).map_err(OpenError::Keyring)?;
    let first_keys = populate(&mut tx, &keyring, now, entropy)
        .await
        .map_err(store)?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(first_keys))
}

async fn populate(
    tx: &mut Tx,
    keyring: &Keyring,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<FirstKeys, Error> {
    let user = UserId::generate(entropy, now)?;
    let row = insert_user(tx, keyring, entropy, now, user, "default", &Origin::Local)
        .await?
        .ok_or(Error::Integrity)?;
    let mut records = vec![
        record(now, Action::StoreCreated),
        about(
            record(now, Action::UserCreated),
            user,
            &user.to_string(),
            crate::user::state_text(&row),
        ),
    ];
    let make = |name: &str, scopes: &[Scope]| {
        let rights = KeyRights {
            name: name.to_owned(),
            user,
            scopes: scopes.iter().copied().collect::<ScopeSet>(),
            tools: Vec::<ToolPattern>::new(),
            is_any_user: false,
            creator: None,
            expires_at: None,
        };
        prepare_key(keyring, entropy, now, &rights)
    };
    let (operator, operator_row) = make("operator", &Scope::ALL)?;
    let (agent, agent_row) = make("agent", &[Scope::Use])?;
    for row in [&operator_row, &agent_row] {
        api_keys::insert(tx, row).await?;
        let state = crate::key::state_text(row);
        records.push(about(
            record(now, Action::KeyCreated),
            user,
            &row.key_id,
            state,
        ));
    }
    let audit_public_key = begin_trail(tx, keyring, now, entropy, &mut records).await?;
    Ok(FirstKeys {
        user,
        operator,
        agent,
        audit_public_key,
    })
}

/// Begins the first epoch and writes the first page.
async fn begin_trail(
    tx: &mut Tx,
    keyring: &Keyring,
    now: Timestamp,
    entropy: &dyn Entropy,
    records: &mut [Record],
) -> Result<String, Error> {
    let id = keyring.installation();
    let first = Signer::begin(id, keyring.audit(), None, &Head::EMPTY, entropy)?;
    let page = Page::append(
        id,
        &Head::EMPTY,
        first.epoch.number,
        first.signer.pair(),
        records,
    )
    .map_err(Error::internal)?;
    let head = page.head();
    let key = hexadecimal(&first.epoch.public_key);
    let statements = vec![
        audit::insert_epochs(&[first.epoch]),
        audit::insert_pages(&[(page, (now, now))]),
    ];
    given::run(tx, statements, None).await?;
    audit::insert_head(
        tx,
        &HeadRow {
            page: head.page,
            sequence: head.sequence,
            hash: head.hash.to_vec(),
            epoch: first.signer.number,
            epoch_began_at: now.microseconds(),
            signing_key: first.wrapped,
        },
    )
    .await?;
    Ok(key)
}

fn record(now: Timestamp, action: Action) -> Record {
    Record::new(
        now,
        &Actor::Local(rustix::process::geteuid().as_raw()),
        None,
        action,
        Decision::Allowed,
    )
}

fn about(mut record: Record, user: UserId, subject: &str, state: String) -> Record {
    record.user_id = Some(user);
    record.subject = Some(subject.to_owned());
    record.state = Some(state);
    record
}
