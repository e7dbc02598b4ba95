//! The only writer of this process, with group commit.
//!
//! All changes of the database wait in one queue. The writer takes what is in the queue and runs it in one transaction:
//! each change behind its own savepoint, then the records of all as one audit page, then the commit. The caches apply
//! the changes before any caller gets an answer. A commit waits for the disk, so one per change would limit throughput
//! to the disk's sync rate. [`change`] is a queued change, [`batch`] runs a group, [`page`] writes its audit page.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod page;
pub(crate) mod sign_in_failures;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::Timestamp;

use self::batch::Batch;
use self::change::{Change, ErasedChange, Pending};
use crate::error::Error;
use crate::shared::Shared;

/// How many entries may wait. With a full queue, callers wait and then get an error.
const QUEUE_LENGTH: usize = 4_096;
/// How many entries one transaction takes.
const BATCH_LENGTH: usize = 256;
/// How long records of uses may be in the operating system's cache only.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// An entry of the queue.
pub(crate) enum Entry {
    /// A change, which brings its own records.
    Change(Box<dyn ErasedChange>),
    /// Records of uses and refusals, without a change.
    Records(Vec<Record>, oneshot::Sender<Result<(), Error>>),
    /// A key was accepted.
    KeyUsed(KeyId, Timestamp),
    /// A test whether the database accepts writes.
    Probe(oneshot::Sender<Result<(), Error>>),
    /// Entries wait outside the queue.
    Wake,
}

/// The sending end of the queue.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Entry>,
    patience: Duration,
}

/// The receiving end of the queue, before the writer runs.
pub(crate) struct Inbox {
    queue: mpsc::Receiver<Entry>,
}

impl Writer {
    pub(crate) fn new(patience: Duration) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        (
            Self {
                queue: sender,
                patience,
            },
            Inbox { queue: receiver },
        )
    }

    /// Submits a change and waits until it is on disk. It is completed even if the caller stops waiting.
    pub(crate) async fn change<C: Change>(&self, change: C) -> Result<C::Answer, Error> {
        let (pending, answer) = Pending::new(change);
        self.wait(Entry::Change(Box::new(pending)), answer).await
    }

    /// Submits records and waits until the audit trail has accepted them.
    pub(crate) async fn record(&self, records: Vec<Record>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Records(records, sender), answer).await
    }

    /// Writes without a change, to test whether the database accepts writes.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Probe(sender), answer).await
    }

    /// Notes that a key was used. The note is dropped if the writer is busy.
    pub(crate) fn note_key_use(&self, key: KeyId, at: Timestamp) {
        if self.queue.try_send(Entry::KeyUsed(key, at)).is_err() {
            tracing::debug!("the writer is busy; a key's last use was not noted");
        }
    }

    /// Makes the writer record the failed sign-ins.
    pub(crate) fn wake(&self) {
        // A full queue wakes it anyway.
        let _ = self.queue.try_send(Entry::Wake);
    }

    async fn wait<T>(
        &self,
        entry: Entry,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        let whole = async {
            self.queue
                .send(entry)
                .await
                .map_err(|_| Error::Unavailable(None))?;
            answer.await.map_err(|_| Error::Unavailable(None))?
        };
        tokio::time::timeout(self.patience, whole)
            .await
            .unwrap_or(Err(Error::Unavailable(None)))
    }
}

impl Inbox {
    /// Writes until every [`Writer`] is dropped, or `stop` is called and the queue is empty.
    pub(crate) async fn run(mut self, shared: Arc<Shared>, stop: CancellationToken) {
        // If the writer ends in another way than below, the process can do nothing useful and must exit.
        let ended_early = shared.failed.clone().drop_guard();
        let mut entries = Vec::with_capacity(BATCH_LENGTH);
        let mut due: Option<Instant> = None;
        loop {
            if due.is_none() && shared.sign_in_failures.is_waiting() {
                due = Some(Instant::now() + FLUSH_AFTER);
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    let failures = shared.sign_in_failures.take(shared.clock.now());
                    settle(&shared, failures).await;
                }
                count = self.queue.recv_many(&mut entries, BATCH_LENGTH) => {
                    if count == 0 {
                        break;
                    }
                    let failures = shared.sign_in_failures.take(shared.clock.now());
                    if Batch::new(entries.drain(..), failures).run(&shared).await {
                        due.get_or_insert_with(|| Instant::now() + FLUSH_AFTER);
                    }
                }
            }
        }
        let failures = shared.sign_in_failures.take_all();
        settle(&shared, failures).await;
        ended_early.disarm();
    }
}

/// Records failed sign-ins, and forces everything to disk.
async fn settle(shared: &Arc<Shared>, failures: Vec<Record>) {
    Batch::new(std::iter::empty(), failures).run(shared).await;
    flush(shared).await;
}

/// Forces records of uses to disk. After a failed flush the kernel may have dropped the pages, and a second flush
/// would succeed without them, so the process exits.
async fn flush(shared: &Arc<Shared>) {
    let flushing = Arc::clone(shared);
    let flushed = tokio::task::spawn_blocking(move || flushing.database.flush()).await;
    if let Ok(Err(error)) = flushed {
        tracing::error!(error = %error, "the audit trail could not be forced to disk");
        shared.failed.cancel();
    }
}
