//! One group: begin, each change behind a savepoint, the audit page, commit, caches, answers.

use std::time::Duration;

use tokio::sync::oneshot;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::Timestamp;

use super::change::{ErasedChange, Work};
use super::{Entry, page};
use crate::cache::Effect;
use crate::error::Error;
use crate::settings::Durability;
use crate::shared::Shared;
use crate::store::transaction::Tx;
use crate::store::{api_keys, dialect};

/// How long a group may take before its connection is given up: longer than callers wait, so that the
/// outcome is nearly always known.
const LIMIT: Duration = Duration::from_secs(10);

/// What is done in one transaction.
pub(crate) struct Batch {
    changes: Vec<Box<dyn ErasedChange>>,
    uses: Vec<oneshot::Sender<Result<(), Error>>>,
    records: Vec<Record>,
    key_uses: Vec<(KeyId, Timestamp)>,
}

/// What a transaction left to do with its commit.
#[derive(Default)]
struct Outcome {
    records: Vec<Record>,
    effects: Vec<Effect>,
    /// The number under which other processes hear of it.
    announced: Option<u64>,
}

impl Batch {
    pub(crate) fn new(entries: impl Iterator<Item = Entry>, records: Vec<Record>) -> Self {
        let mut batch = Self {
            changes: Vec::new(),
            uses: Vec::new(),
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
                Entry::KeyUsed(key, at) => batch.key_uses.push((key, at)),
            }
        }
        // Stable, so that the changes of one user keep their order.
        batch.changes.sort_by_key(|change| change.user());
        batch
    }

    /// Does everything and answers everybody. True if something is with the operating system only.
    pub(crate) async fn run(mut self, shared: &Shared) -> bool {
        if self.is_empty() {
            return false;
        }
        let durability = if self.changes.is_empty() {
            shared.settings.audit_uses
        } else {
            Durability::Disk
        };
        let mut outcome = Outcome::default();
        let committed =
            tokio::time::timeout(LIMIT, self.commit(shared, durability, &mut outcome)).await;
        let is_committed = match committed {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                report(shared, &error);
                false
            }
            Err(_) => {
                tracing::error!("the database did not answer for {LIMIT:?}");
                false
            }
        };
        if is_committed {
            shared.cache.apply(outcome.effects);
        } else {
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

    async fn commit(
        &mut self,
        shared: &Shared,
        durability: Durability,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let mut tx = shared.database.write(durability).await?;
        for change in &mut self.changes {
            apply(shared, &mut tx, change.as_mut(), outcome).await?;
        }
        outcome.records.append(&mut self.records);
        for (key, at) in &self.key_uses {
            api_keys::save_use(&mut tx, key.as_str(), at.microseconds()).await?;
        }
        if outcome.records.is_empty() && self.key_uses.is_empty() {
            tx.rollback().await?;
            return Ok(());
        }
        if let Some(announcement) = shared.channel.announce(&outcome.effects) {
            outcome.announced = Some(announcement.batch);
            dialect::notify(&mut tx, &announcement.payload).await?;
        }
        if !outcome.records.is_empty() {
            page::append(shared, &mut tx, &mut outcome.records).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Does one change, or takes back what it did. An error here is one of the database's.
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
        records, effects, ..
    } = work;
    if applied.is_ok() {
        tx.keep_change().await?;
        outcome.records.extend(records);
        outcome.effects.extend(effects);
    } else {
        tx.undo_change().await?;
    }
    Ok(())
}

/// Logs why a group was not committed, and stops trusting storage that says it lost data.
fn report(shared: &Shared, error: &Error) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a group was not committed"
    );
    if let Error::Unavailable(Some(source)) = error
        && source
            .downcast_ref::<sqlx::Error>()
            .is_some_and(dialect::is_fatal)
    {
        tracing::error!("the storage reports lost or damaged data; stopping");
        shared.failed.cancel();
    }
}
