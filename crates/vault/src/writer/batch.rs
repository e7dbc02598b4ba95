//! One group: begin, changes, the audit page, commit, caches, answers. [`commit`] is the transaction.

mod commit;

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::Timestamp;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::Entry;
use super::change::ErasedChange;
use crate::SPANS;
use crate::cache::Effect;
use crate::error::Error;
use crate::shared::Shared;
use crate::store::disk;

/// The entries of one transaction.
pub(crate) struct Batch {
    changes: Vec<Box<dyn ErasedChange>>,
    replies: Vec<oneshot::Sender<Result<(), Error>>>,
    is_probe: bool,
    sign_in_failures: Vec<Record>,
    records: Vec<Record>,
    /// In this order, which every process uses, so that two of them cannot deadlock.
    key_uses: BTreeMap<KeyId, Timestamp>,
}

/// What remains to be done after the commit of a transaction.
#[derive(Default)]
struct Outcome {
    /// First those of the journal, whose number is `uses`, then those of failed sign-ins. These wait again if the
    /// transaction fails. All others have a caller who hears of it.
    records: Vec<Record>,
    uses: usize,
    sign_in_failures: usize,
    /// Whether a change without a record has written.
    has_written: bool,
    /// The number of the last page written.
    page: Option<i64>,
    effects: Vec<Effect>,
    /// The number of its announcement to other processes.
    announced: Option<u64>,
}

impl Batch {
    pub(crate) fn new(entries: impl Iterator<Item = Entry>, sign_in_failures: Vec<Record>) -> Self {
        let mut batch = Self {
            changes: Vec::new(),
            replies: Vec::new(),
            is_probe: false,
            sign_in_failures,
            records: Vec::new(),
            key_uses: BTreeMap::new(),
        };
        for entry in entries {
            match entry {
                Entry::Change(change) => batch.changes.push(change),
                Entry::Records(records, reply) => {
                    batch.records.extend(records);
                    batch.replies.push(reply);
                }
                Entry::Probe(reply) => {
                    batch.is_probe = true;
                    batch.replies.push(reply);
                }
                Entry::Fold(reply) => batch.replies.push(reply),
                Entry::KeyUsed(key, at) => {
                    let last = batch.key_uses.entry(key).or_insert(at);
                    *last = at.max(*last);
                }
            }
        }
        // A stable sort, so that the changes of one user keep their order.
        batch.changes.sort_by_key(|change| change.user());
        batch
    }

    /// Commits, unless the database is given up. It belongs to no request's trace: those that wait for it may be many.
    async fn commit_or_abandon(
        &mut self,
        shared: &Shared,
        outcome: &mut Outcome,
    ) -> Result<bool, Error> {
        let span = tracing::trace_span!(
            target: SPANS, parent: None, "database.group",
            toolvault.changes = self.changes.len(),
            toolvault.records = outcome.records.len(),
            error.type = Empty,
        );
        let abandoned = shared.database.abandoned();
        let committing = async {
            tokio::select! {
                biased;
                committed = self.commit(shared, outcome) => committed,
                cause = abandoned => Err(Error::Unavailable(Some(cause.into()))),
            }
        };
        let committed = committing.instrument(span.clone()).await;
        if committed.is_err() {
            span.record("error.type", "not_committed");
        }
        committed
    }

    /// Runs everything, with the records that wait in the journal, and answers all callers. Returns whether it is on
    /// disk.
    pub(crate) async fn run(mut self, shared: &Shared) -> bool {
        let mut outcome = Outcome::default();
        if let Some(journal) = &shared.journal {
            outcome.records = journal.take();
            outcome.uses = outcome.records.len();
        }
        outcome.sign_in_failures = self.sign_in_failures.len();
        outcome.records.append(&mut self.sign_in_failures);
        outcome.records.append(&mut self.records);
        if self.is_empty() && outcome.records.is_empty() {
            return true;
        }
        let committed = self.commit_or_abandon(shared, &mut outcome).await;
        let failure = note(shared, committed);
        let is_committed = failure.is_none();
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
            outcome
                .records
                .truncate(outcome.uses + outcome.sign_in_failures);
            let failures = outcome.records.split_off(outcome.uses);
            shared.sign_in_failures.put_back(failures);
        }
        if let Some(journal) = &shared.journal {
            match outcome.page {
                Some(page) if is_committed => journal.note_saved(page),
                _ if is_committed => {}
                _ => journal.note_unsaved(outcome.records),
            }
        }
        for change in self.changes {
            change.settle(is_committed);
        }
        for reply in self.replies {
            let _ = reply.send(if is_committed {
                Ok(())
            } else {
                Err(Error::Unavailable(None))
            });
        }
        // Last: a disk that hangs also stops the search for the cause.
        if let Some(error) = failure {
            report(shared, &error).await;
        }
        is_committed
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.replies.is_empty() && self.key_uses.is_empty()
    }
}

/// Notes what became of a transaction, and returns why it was not committed. Stops the process if the storage lost data.
fn note(shared: &Shared, committed: Result<bool, Error>) -> Option<Error> {
    let error = match committed {
        Ok(is_written) => {
            if is_written {
                shared.note_write(true);
            }
            return None;
        }
        Err(error) => error,
    };
    shared.note_write(false);
    shared.database.reconnect();
    shared.watch(&error);
    Some(error)
}

/// Logs why a group was not committed.
async fn report(shared: &Shared, error: &Error) {
    let obstacle = obstacle(shared).await;
    // JSON logs omit the sources of an error, so log the cause separately.
    let cause = std::error::Error::source(error).map(tracing::field::display);
    tracing::error!(
        error = error as &dyn std::error::Error,
        cause,
        database.code = error.database_code(),
        disk = obstacle.as_ref().map(tracing::field::display),
        "the database could not be written to; nothing was changed or used"
    );
}

/// Why the directory of the embedded database cannot be written to.
async fn obstacle(shared: &Shared) -> Option<disk::Obstacle> {
    let directory = shared.database.directory()?.to_owned();
    tokio::task::spawn_blocking(move || disk::obstacle(&directory))
        .await
        .ok()?
}
