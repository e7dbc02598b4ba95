//! Makes a store from a backup: all of it in one transaction, or nothing.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use toolvault_core::audit::epoch::Signer;
use toolvault_core::audit::record::{Action, Actor, Decision, Record};
use toolvault_core::backup::FormatError;
use toolvault_core::backup::row::Value;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::UserId;
use toolvault_core::keyring::Keyring;
use toolvault_core::timestamp::Timestamp;

use super::read::{self, Reader};
use super::{Contents, Table};
use crate::clock::Clock;
use crate::error::Error;
use crate::journal;
use crate::key::{self, KeyRecord};
use crate::operations::audit::Verification;
use crate::operations::audit::verify::trail::states_of_keys;
use crate::root_key::{RootKeyError, RootKeySource};
use crate::settings::Settings;
use crate::setup::OpenError;
use crate::store::database::{self, Database};
use crate::store::open_database_error::OpenDatabaseError;
use crate::store::transaction::Tx;
use crate::store::{api_keys, audit, backup, dialect, given, installation, session_generations};
use crate::vault::Vault;
use crate::writer::page::Press;

/// How many rows are inserted together.
const PORTION: usize = 64;
/// Fewer are, if they have so many bytes.
const PORTION_BYTES: usize = 8 << 20;

/// What becomes of the API keys in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They are revoked: who had the store since, or had the backup, may have them.
    Revoke,
    /// They stay as they are.
    Keep,
}

/// A store that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup contained. The store had exactly that before anything was added to it.
    pub contents: Contents,
    /// How many keys were revoked.
    pub revoked_keys: i64,
    /// The verification of the restored store: its trail, and every row.
    pub verification: Verification,
}

/// Why nothing was restored. If the store cannot be opened afterwards, it is restored all the same.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file cannot be read.
    #[error("cannot read the backup")]
    File(#[source] std::io::Error),
    /// The file is not a whole backup.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The root key is not that of the store when it was backed up.
    #[error("the root key is not the one of this backup, or the beginning of the file was changed")]
    WrongRootKey,
    /// The root key is not available.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// A newer version made the backup.
    #[error(
        "the backup was made by version {0}, which is newer; restore it with that version or a later one"
    )]
    Newer(String),
    /// It lacks tables of its schema: an older version made it after a newer one had changed the database.
    #[error(
        "the backup does not have the tables of its schema, because version {0} made it of a newer store; use \
         a backup that the newer version made"
    )]
    OtherTables(String),
    /// There is a store already.
    #[error("there is a store already; a backup is restored only where there is none")]
    NotEmpty,
    /// The empty database has the tables of a newer version.
    #[error(
        "the database has no store, but tables of a newer schema than the backup; use a new database"
    )]
    NewerTables,
    /// Uses of an earlier store were left behind.
    #[error("{0} has uses of an earlier store; move it away")]
    JournalLeft(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenDatabaseError),
    /// The database did not take the rows.
    #[error("cannot write to the database")]
    Store(#[from] Error),
    /// What was written is not what the backup contains.
    #[error("the database does not have what the backup contains; nothing was restored")]
    Differs,
    /// The store was restored, but cannot be opened.
    #[error("the store was restored, but cannot be opened")]
    Open(#[source] OpenError),
    /// The store was restored, but cannot be verified.
    #[error("the store was restored, but could not be verified; run: toolvault audit verify")]
    Verify(#[source] Error),
}

impl From<sqlx::Error> for RestoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Restores `file` to the empty place that `settings` name. `progress` is called with the number of rows that were read
/// and the number of all rows.
pub async fn restore(
    settings: Settings,
    root_key: &RootKeySource,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    file: impl Read + Send,
    keys: Keys,
    progress: &mut (dyn FnMut(i64, i64) + Send),
) -> Result<Restored, RestoreError> {
    let read::Opened {
        reader,
        keyring,
        contents,
    } = read::open(file, root_key).await?;
    let opened = Database::open_empty(&settings.database, settings.patience, contents.schema);
    let database = opened.await.map_err(|error| match error {
        OpenDatabaseError::HasStore => RestoreError::NotEmpty,
        error => error.into(),
    })?;
    let mut filling = Filling {
        keyring: &keyring,
        contents: &contents,
        now: clock.now(),
        entropy: entropy.as_ref(),
        progress,
    };
    let filled = filling.run(&database, reader, keys).await;
    database.close().await;
    let revoked_keys = filled?;
    let vault = Vault::open_existing(settings, root_key, clock, entropy)
        .await
        .map_err(RestoreError::Open)?;
    let verification = vault.verify_audit(None).await;
    vault.close().await;
    Ok(Restored {
        contents,
        revoked_keys,
        verification: verification.map_err(RestoreError::Verify)?,
    })
}

struct Filling<'a> {
    keyring: &'a Keyring,
    contents: &'a Contents,
    now: Timestamp,
    entropy: &'a dyn Entropy,
    progress: &'a mut (dyn FnMut(i64, i64) + Send),
}

impl Filling<'_> {
    /// Fills the empty database in one transaction, and returns how many keys were revoked.
    async fn run<R: Read + Send>(
        &mut self,
        database: &Database,
        mut reader: Reader<R>,
        keys: Keys,
    ) -> Result<i64, RestoreError> {
        let mut tx = database.write(&[]).await?;
        dialect::take_time(&mut tx).await?;
        dialect::lock_installation(&mut tx).await?;
        if installation::find(&mut tx).await?.is_some() {
            return Err(RestoreError::NotEmpty);
        }
        let journal = database
            .directory()
            .map(|path| path.join(journal::FILE_NAME));
        if let Some(journal) = journal.filter(|path| path.exists()) {
            return Err(RestoreError::JournalLeft(journal));
        }
        if backup::schema(&mut tx).await? != self.contents.schema {
            return Err(RestoreError::NewerTables);
        }
        let mut done = 0;
        for table in &self.contents.tables {
            done = self.fill(&mut tx, &mut reader, table, done).await?;
        }
        reader.finish()?;
        self.compare(&mut tx).await?;
        let migrated = database::migrate(&mut tx).await;
        migrated.map_err(OpenDatabaseError::Migrate)?;
        let mut records = vec![self.record(Action::StoreRestored)];
        let revoked = match keys {
            Keys::Revoke => self.revoke_keys(&mut tx, &mut records).await?,
            Keys::Keep => 0,
        };
        let what = match keys {
            Keys::Revoke => "keys_revoked",
            Keys::Keep => "keys_kept",
        };
        if let Some(record) = records.first_mut() {
            record.reason = Some(what.to_owned());
        }
        self.append(&mut tx, &mut records).await?;
        tx.commit().await?;
        Ok(revoked)
    }

    /// Copies one table, and returns how many rows were copied by now.
    async fn fill<R: Read + Send>(
        &mut self,
        tx: &mut Tx,
        reader: &mut Reader<R>,
        table: &Table,
        mut done: i64,
    ) -> Result<i64, RestoreError> {
        let name = backup::tables(self.contents.schema).find(|name| *name == table.name);
        let name = name.ok_or(FormatError::Damaged)?;
        let known = backup::columns(tx, name).await?;
        let column = |name: &String| known.iter().find(|column| column.name == *name).cloned();
        let columns: Option<Vec<_>> = table.columns.iter().map(column).collect();
        let columns = columns
            .filter(|columns| columns.len() == known.len())
            .ok_or(FormatError::Damaged)?;
        let mut portion = Vec::with_capacity(PORTION);
        let mut bytes = 0;
        for number in 1..=table.rows {
            let row = reader.row(columns.len())?;
            bytes += row.iter().map(Value::length).sum::<usize>();
            portion.push(row);
            if portion.len() == PORTION || bytes >= PORTION_BYTES || number == table.rows {
                backup::insert(tx, name, &columns, &portion).await?;
                done += i64::try_from(portion.len()).unwrap_or_default();
                portion.clear();
                bytes = 0;
                (self.progress)(done, self.contents.total());
            }
        }
        Ok(done)
    }

    /// Whether the database has as many rows as the backup, and the same end of the trail.
    async fn compare(&self, tx: &mut Tx) -> Result<(), RestoreError> {
        for table in backup::tables(self.contents.schema) {
            if backup::count(tx, table).await? != self.contents.rows(table) {
                return Err(RestoreError::Differs);
            }
        }
        let head = audit::find_head(tx).await?.and_then(|row| row.head());
        let is_equal = head.is_some_and(|head| {
            head.page == self.contents.audit_pages
                && head.sequence == self.contents.audit_records
                && hexadecimal(&head.hash) == self.contents.audit_head
        });
        if is_equal {
            Ok(())
        } else {
            Err(RestoreError::Differs)
        }
    }

    /// Revokes every key that is not revoked, adds a record of each, and returns how many there were. Sessions end, too.
    async fn revoke_keys(&self, tx: &mut Tx, records: &mut Vec<Record>) -> Result<i64, Error> {
        session_generations::advance_all(tx, self.now).await?;
        let mut revoked = 0;
        let states = states_of_keys(tx, self.keyring).await?;
        for row in api_keys::list(tx, None).await? {
            // A row that was changed opens nothing. A new MAC would make it genuine.
            let Ok(KeyRecord { mut row, .. }) = KeyRecord::verify(row.key, self.keyring) else {
                continue;
            };
            if row.revoked_at.is_some() {
                continue;
            }
            let is_as_recorded = states.get(&row.key_id) == Some(&key::state_text(&row));
            row.revoked_at = Some(self.now.microseconds());
            key::authenticate(&mut row, self.keyring);
            api_keys::update(tx, &row).await?;
            revoked += 1;
            // A record would say that this is how the row should be, and hide that an older one was put back.
            if !is_as_recorded {
                continue;
            }
            let mut record = self.record(Action::KeyRevoked);
            record.user_id = Some(UserId(row.user_id));
            record.subject = Some(row.key_id.clone());
            record.reason = Some("restored".to_owned());
            record.state = Some(key::state_text(&row));
            records.push(record);
        }
        Ok(revoked)
    }

    async fn append(&self, tx: &mut Tx, records: &mut [Record]) -> Result<(), Error> {
        let row = audit::lock_head(tx).await?.ok_or(Error::Integrity)?;
        let (installation, wrap) = (self.keyring.installation(), self.keyring.audit());
        let signer = Signer::open(installation, wrap, row.epoch, &row.signing_key)?;
        let press = Press {
            keyring: self.keyring,
            entropy: self.entropy,
            now: self.now,
        };
        let (pages, _) = press.run(row, Arc::new(signer), records)?;
        Ok(given::run(tx, pages, None).await?)
    }

    fn record(&self, action: Action) -> Record {
        let actor = Actor::Local(rustix::process::geteuid().as_raw());
        Record::new(self.now, &actor, None, action, Decision::Allowed)
    }
}
