//! The only writer of this process, with group commit.
//!
//! Records of uses go to the [`journal`](crate::journal), which the writer empties into pages of the audit trail. All
//! changes of the database wait in one queue. The writer takes what is in the queue and runs it in one transaction:
//! each change so that it can be undone alone, then the records of all as one audit page, then the commit. The caches apply
//! the changes before any caller gets an answer. A commit waits for the disk, so one per change would limit throughput
//! to the disk's sync rate. [`change`] is a queued change, [`batch`] runs a group, [`rows`] has what it reads and
//! writes, [`page`] makes its audit page.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod page;
pub(crate) mod rows;
pub(crate) mod sign_in_failures;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Record;
use toolvault_core::timestamp::Timestamp;

use self::batch::Batch;
use self::change::{Change, ErasedChange, Pending};
use crate::error::Error;
use crate::journal::{Appended, Journal};
use crate::shared::Shared;

/// How many entries may wait. With a full queue, callers wait and then get an error.
const QUEUE_LENGTH: usize = 4_096;
/// How many entries one transaction takes.
const BATCH_LENGTH: usize = 256;
/// How long records of uses may be in the journal only. A commit syncs them, so they are on disk within a second.
pub(crate) const FOLD_AFTER: Duration = Duration::from_millis(200);
/// How long the writer waits before it saves again what it could not save.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An entry of the queue.
pub(crate) enum Entry {
    /// A change, which brings its own records.
    Change(Box<dyn ErasedChange>),
    /// Records of uses and refusals that are not in the journal.
    Records(Vec<Record>, oneshot::Sender<Result<(), Error>>),
    /// A key was accepted.
    KeyUsed(KeyId, Timestamp),
    /// A test whether the database accepts writes.
    Probe(oneshot::Sender<Result<(), Error>>),
    /// A reader waits until the records in the journal are saved.
    Fold(oneshot::Sender<Result<(), Error>>),
}

impl Entry {
    /// Whether what a change decides on is read for it; `None` if it is no change.
    fn wants(&self) -> Option<bool> {
        match self {
            Self::Change(change) => Some(change.wants().is_some()),
            _ => None,
        }
    }
}

/// The sending end of the queue.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Entry>,
    wake: Arc<Notify>,
    journal: Option<Arc<Journal>>,
    patience: Duration,
}

/// The receiving end of the queue, before the writer runs.
pub(crate) struct Inbox {
    queue: mpsc::Receiver<Entry>,
    wake: Arc<Notify>,
}

impl Writer {
    pub(crate) fn new(patience: Duration, journal: Option<Arc<Journal>>) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let wake = Arc::new(Notify::new());
        (
            Self {
                queue: sender,
                wake: Arc::clone(&wake),
                journal,
                patience,
            },
            Inbox {
                queue: receiver,
                wake,
            },
        )
    }

    /// Submits a change and waits until it is on disk. It is completed even if the caller stops waiting.
    pub(crate) async fn change<C: Change>(&self, change: C) -> Result<C::Answer, Error> {
        let (pending, answer) = Pending::new(change);
        self.wait(Entry::Change(Box::new(pending)), answer).await
    }

    /// Submits records and waits until the journal or the audit trail has accepted them.
    pub(crate) async fn record(&self, mut records: Vec<Record>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        if let Some(journal) = &self.journal {
            match journal.append(records) {
                Ok(Appended::Accepted { is_first }) => {
                    if is_first {
                        self.wake();
                    }
                    return Ok(());
                }
                Ok(Appended::Declined(declined)) => records = declined,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the journal of uses could not be written to; nothing was used"
                    );
                    return Err(Error::Unavailable(Some(error.into())));
                }
            }
        }
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Records(records, sender), answer).await
    }

    /// Writes without a change, to test whether the database accepts writes.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Probe(sender), answer).await
    }

    /// Waits until every record that was accepted is in a page of the trail.
    pub(crate) async fn fold(&self) -> Result<(), Error> {
        if !self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.is_ahead())
        {
            return Ok(());
        }
        let (sender, answer) = oneshot::channel();
        self.wait(Entry::Fold(sender), answer).await
    }

    /// Notes that a key was used. The note is dropped if the writer is busy.
    pub(crate) fn note_key_use(&self, key: KeyId, at: Timestamp) {
        if self.queue.try_send(Entry::KeyUsed(key, at)).is_err() {
            tracing::debug!("the writer is busy; a key's last use was not noted");
        }
    }

    /// Submits a change that no caller waits for. It is dropped if the writer is busy.
    pub(crate) fn note<C: Change>(&self, change: C) {
        let (pending, _) = Pending::new(change);
        let sent = self.queue.try_send(Entry::Change(Box::new(pending)));
        if sent.is_err() {
            tracing::debug!("the writer is busy; a time of use was not noted");
        }
    }

    /// Makes the writer save, soon, the records that wait outside the queue.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
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
        let is_waiting = || {
            let journal = shared.journal.as_ref();
            shared.sign_in_failures.is_waiting()
                || journal.is_some_and(|journal| journal.is_waiting())
        };
        // If the writer ends in another way than below, the process can do nothing useful and must exit.
        let ended_early = shared.failed.clone().drop_guard();
        let mut entries = Vec::with_capacity(BATCH_LENGTH);
        let mut due: Option<Instant> = None;
        loop {
            if due.is_none() && is_waiting() {
                due = Some(Instant::now() + FOLD_AFTER);
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let failures = shared.sign_in_failures.take(shared.clock.now());
                    let is_saved = Batch::new(std::iter::empty(), failures).run(&shared).await;
                    due = (!is_saved).then(|| Instant::now() + AGAIN_AFTER);
                }
                // The next round sees what waits.
                () = self.wake.notified(), if due.is_none() => {}
                count = self.queue.recv_many(&mut entries, BATCH_LENGTH) => {
                    if count == 0 {
                        break;
                    }
                    // Changes with statements of their own would lengthen the transaction of the others.
                    let mut others = Vec::new();
                    if entries.iter().any(|entry| entry.wants() == Some(false)) {
                        others.extend(entries.extract_if(.., |entry| entry.wants() == Some(true)));
                    }
                    let failures = shared.sign_in_failures.take(shared.clock.now());
                    Batch::new(entries.drain(..), failures).run(&shared).await;
                    if !others.is_empty() {
                        Batch::new(others.into_iter(), Vec::new()).run(&shared).await;
                    }
                }
            }
        }
        if let Some(journal) = &shared.journal {
            journal.close();
        }
        let failures = shared.sign_in_failures.take_all();
        Batch::new(std::iter::empty(), failures).run(&shared).await;
        ended_early.disarm();
    }
}
