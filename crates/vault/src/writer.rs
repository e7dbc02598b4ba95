//! The one writer of this process: group commit.
//!
//! Everything that changes the database waits in one queue. What waits is done in one transaction: each
//! change behind its own savepoint, then the records of all as one audit page, then the commit. Caches
//! follow before any caller gets the answer. [`change`] is what waits, [`batch`] does it, [`page`] seals it.

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

/// How many entries may wait. A full queue makes callers wait, and then answers that we are busy.
const QUEUE_LENGTH: usize = 4_096;
/// How many entries one transaction takes.
const BATCH_LENGTH: usize = 256;
/// How long records of uses may be with the operating system only.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// What waits for the writer.
pub(crate) enum Entry {
    /// A change, which brings its own records.
    Change(Box<dyn ErasedChange>),
    /// Records of uses and refusals; nothing else changes.
    Records(Vec<Record>, oneshot::Sender<Result<(), Error>>),
    /// A key was accepted.
    KeyUsed(KeyId, Timestamp),
    /// A question whether the database can be written to.
    Probe(oneshot::Sender<Result<(), Error>>),
    /// Something waits elsewhere.
    Wake,
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Entry>,
    patience: Duration,
}

/// The writer's end of the queue, before it runs.
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

    /// Makes a change and waits until it is on disk. It is completed even if the caller stops waiting.
    pub(crate) async fn change<C: Change>(&self, change: C) -> Result<C::Answer, Error> {
        let (pending, answer) = Pending::new(change);
        self.wait(Entry::Change(Box::new(pending)), answer).await
    }

    /// Hands records to the audit trail and waits until it has accepted them.
    pub(crate) async fn record(&self, records: Vec<Record>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Records(records, sender), answer).await
    }

    /// Writes something that changes nothing, to find out whether the database can be written to.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Probe(sender), answer).await
    }

    /// Notes that a key was accepted. It may be forgotten if the writer is busy.
    pub(crate) fn note_key_use(&self, key: KeyId, at: Timestamp) {
        if self.queue.try_send(Entry::KeyUsed(key, at)).is_err() {
            tracing::debug!("the writer is busy; a key's last use was not noted");
        }
    }

    /// Lets the writer look at the sign-ins that failed.
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
    /// Writes until every [`Writer`] is gone, or `stop` is called and all that waits is done.
    pub(crate) async fn run(mut self, shared: Arc<Shared>, stop: CancellationToken) {
        // A writer that ends in any other way than below leaves a process that can do nothing.
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

/// Records sign-ins that failed, and forces everything to the disk.
async fn settle(shared: &Arc<Shared>, failures: Vec<Record>) {
    Batch::new(std::iter::empty(), failures).run(shared).await;
    flush(shared).await;
}

/// Forces records of uses to the disk. A disk that fails here may have lost them without telling again,
/// so the process ends.
async fn flush(shared: &Arc<Shared>) {
    let flushing = Arc::clone(shared);
    let flushed = tokio::task::spawn_blocking(move || flushing.database.flush()).await;
    if let Ok(Err(error)) = flushed {
        tracing::error!(error = %error, "the audit trail could not be forced to disk");
        shared.failed.cancel();
    }
}
