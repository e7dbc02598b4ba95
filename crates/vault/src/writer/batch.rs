//! One group: begin, each change behind a savepoint, the audit page, commit, caches, answers.

use std::time::Duration;

use tokio::sync::oneshot;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::Timestamp;

use super::change::{Applied, ErasedChange, Work};
use super::{Entry, page};
use crate::cache::Effect;
use crate::error::Error;
use crate::settings::Durability;
use crate::shared::Shared;
use crate::store::database::Database;
use crate::store::transaction::Tx;
use crate::store::{api_keys, dialect, installation};

/// How long a group may take on a database server before its connection is abandoned: longer than callers wait, so that
/// the outcome is nearly always known. There is no limit for the embedded database: it cannot be abandoned, because it
/// may still commit what it has begun.
const LIMIT: Duration = Duration::from_secs(10);

/// The entries of one transaction.
pub(crate) struct Batch {
    changes: Vec<Box<dyn ErasedChange>>,
    uses: Vec<oneshot::Sender<Result<(), Error>>>,
    is_probe: bool,
    records: Vec<Record>,
    key_uses: Vec<(KeyId, Timestamp)>,
}

/// What remains to be done after the commit of a transaction.
#[derive(Default)]
struct Outcome {
    records: Vec<Record>,
    effects: Vec<Effect>,
    /// The number of its announcement to other processes.
    announced: Option<u64>,
}

impl Batch {
    pub(crate) fn new(entries: impl Iterator<Item = Entry>, records: Vec<Record>) -> Self {
        let mut batch = Self {
            changes: Vec::new(),
            uses: Vec::new(),
            is_probe: false,
            records,
            key_uses: Vec::new(),
        };
        for entry in entries {
            match entry {
                Entry::Change(change) => batch.changes.push(change),
                Entry::Records(records, reply) => {
                    batch.records.extend(records);
                    batch.uses.push(reply);
                }
                Entry::Probe(reply) => {
                    batch.is_probe = true;
                    batch.uses.push(reply);
                }
                Entry::KeyUsed(key, at) => batch.key_uses.push((key, at)),
                Entry::Wake => {}
            }
        }
        // A stable sort, so that the changes of one user keep their order.
        batch.changes.sort_by_key(|change| change.user());
        // Every process uses this order, so that two of them cannot deadlock.
        batch.key_uses.sort_unstable();
        batch
    }

    /// Runs everything and answers all callers. Returns true if some of it is not on disk yet.
    pub(crate) async fn run(mut self, shared: &Shared) -> bool {
        if self.is_empty() {
            return false;
        }
        // A change must be on disk before it is acknowledged. A use may be in the operating system's cache for a
        // moment: waiting for the disk would limit calls to the disk's sync rate.
        let durability = if self.changes.is_empty() {
            shared.settings.audit_uses
        } else {
            Durability::Disk
        };
        let mut outcome = Outcome::default();
        let limit = match shared.database {
            Database::Sqlite(_) => Duration::MAX,
            Database::Postgres(_) => LIMIT,
        };
        let committed =
            tokio::time::timeout(limit, self.commit(shared, durability, &mut outcome)).await;
        let is_committed = match committed {
            Ok(Ok(is_written)) => {
                if is_written {
                    shared.note_write(true);
                }
                true
            }
            Ok(Err(error)) => {
                shared.note_write(false);
                report(shared, &error);
                false
            }
            Err(_) => {
                shared.note_write(false);
                tracing::error!("the database did not answer for {LIMIT:?}");
                false
            }
        };
        if is_committed {
            // Before any caller gets an answer, so that a change applies to that caller's next request.
            shared.cache.apply(outcome.effects);
        } else {
            // PostgreSQL may have committed although the answer was lost. The caches must then follow the announcement,
            // which they otherwise ignore for their own changes.
            if let Some(batch) = outcome.announced {
                shared.channel.doubt(batch);
            }
            shared.cache.evict(&outcome.effects);
        }
        for change in self.changes {
            change.settle(is_committed);
        }
        for reply in self.uses {
            let _ = reply.send(if is_committed {
                Ok(())
            } else {
                Err(Error::Unavailable(None))
            });
        }
        is_committed && durability == Durability::System
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.uses.is_empty()
            && self.records.is_empty()
            && self.key_uses.is_empty()
    }

    /// Runs everything in one transaction; returns whether anything was written.
    async fn commit(
        &mut self,
        shared: &Shared,
        durability: Durability,
        outcome: &mut Outcome,
    ) -> Result<bool, Error> {
        let mut tx = shared.database.write(durability).await?;
        for change in &mut self.changes {
            apply(shared, &mut tx, change.as_mut(), outcome).await?;
        }
        outcome.records.append(&mut self.records);
        if !self.key_uses.is_empty() {
            save_key_uses(&mut tx, &self.key_uses).await?;
        }
        if outcome.records.is_empty() && self.key_uses.is_empty() {
            if !self.is_probe {
                tx.rollback().await?;
                return Ok(false);
            }
            // A transaction without a write would also succeed on a full disk.
            installation::rewrite(&mut tx).await?;
        }
        if let Some(announcement) = shared.channel.announce(&outcome.effects) {
            outcome.announced = Some(announcement.batch);
            dialect::notify(&mut tx, &announcement.payload).await?;
        }
        // Last, because it locks the head of the chain, which every process on the database needs for its own commit.
        if !outcome.records.is_empty() {
            page::append(shared, &mut tx, &mut outcome.records).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Saves when keys were last used. A failure is not worth losing the group, so it is ignored.
async fn save_key_uses(tx: &mut Tx, uses: &[(KeyId, Timestamp)]) -> Result<(), Error> {
    tx.begin_change().await?;
    for (key, at) in uses {
        let saved = api_keys::save_use(tx, key.as_str(), at.microseconds()).await;
        if let Err(error) = saved {
            tracing::warn!(error = %error, "when keys were last used was not saved");
            return Ok(tx.undo_change().await?);
        }
    }
    Ok(tx.keep_change().await?)
}

/// Runs one change, and undoes it if it is refused. An error here comes from the database.
async fn apply(
    shared: &Shared,
    tx: &mut Tx,
    change: &mut dyn ErasedChange,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    tx.begin_change().await?;
    let mut work = Work {
        tx,
        shared,
        now: shared.clock.now(),
        records: Vec::new(),
        effects: Vec::new(),
    };
    let applied = change.apply(&mut work).await;
    let Work {
        mut records,
        effects,
        now,
        ..
    } = work;
    match applied {
        Applied::Done => {
            // The time of the change, not of the request: the request may have waited in the queue.
            for record in &mut records {
                record.at = now;
            }
            tx.keep_change().await?;
            outcome.records.extend(records);
            outcome.effects.extend(effects);
            Ok(())
        }
        Applied::Refused => Ok(tx.undo_change().await?),
        Applied::Failed => {
            shared.distrust();
            Err(Error::Unavailable(None))
        }
    }
}

/// Logs why a group was not committed, and stops the process if the storage lost data.
fn report(shared: &Shared, error: &Error) {
    // JSON logs omit the sources of an error, so log the cause separately.
    let cause = std::error::Error::source(error).map(tracing::field::display);
    tracing::error!(
        error = error as &dyn std::error::Error,
        cause,
        database.code = error.database_code(),
        "the database could not be written to; nothing was changed or used"
    );
    shared.watch(error);
}
