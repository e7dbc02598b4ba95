//! A change: the part of an operation that runs inside the writer's transaction.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot;
use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use super::rows::{Edit, Locked, Rows};
use crate::cache::Effect;
use crate::error::Error;
use crate::shared::Shared;
use crate::store::given;
use crate::store::transaction::Tx;
use crate::store::wanted::Wanted;
use crate::user::User;

/// A change of the database. It sees the earlier changes of the same group.
pub(crate) trait Change: Send + 'static {
    /// The caller's answer when the change is on disk.
    type Answer: Send + 'static;

    /// The user whose rows it locks. Groups run in this order, so that two processes cannot deadlock.
    fn user(&self) -> UserId;

    /// What it decides on, which is read at once for the whole group; it then writes with [`Work::edits`]. `None` for a
    /// change that runs statements of its own.
    fn wants(&self) -> Option<Wanted> {
        None
    }

    /// Runs the change. If it fails, everything it did is undone.
    fn apply(
        &mut self,
        work: &mut Work<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// The transaction of a change, and what remains to be done after the commit.
pub(crate) struct Work<'a> {
    pub(crate) tx: &'a mut Tx,
    pub(crate) shared: &'a Shared,
    pub(crate) now: Timestamp,
    /// The rows that it decides on.
    pub(crate) rows: &'a mut Rows,
    /// What it writes.
    pub(crate) edits: Vec<Edit>,
    /// Whether its rows are read and written for it alone.
    is_alone: bool,
    /// The audit records of the change.
    pub(crate) records: Vec<Record>,
    /// Whether it wrote although it has no record.
    pub(crate) has_written: bool,
    /// The effects that the caches must apply.
    pub(crate) effects: Vec<Effect>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        tx: &'a mut Tx,
        rows: &'a mut Rows,
        is_alone: bool,
    ) -> Self {
        Self {
            tx,
            shared,
            now: shared.clock.now(),
            rows,
            edits: Vec::new(),
            is_alone,
            records: Vec::new(),
            has_written: false,
            effects: Vec::new(),
        }
    }

    /// Opens the user's ledger. `user` may be older than the user's newest key.
    pub(crate) async fn lock(&mut self, user: &User) -> Result<Locked, Error> {
        self.rows.lock(self.tx, self.shared, user).await
    }
}

type Applying<'a> = Pin<Box<dyn Future<Output = Applied> + Send + 'a>>;

/// The outcome of a change.
pub(crate) enum Applied {
    /// It is in the transaction.
    Done,
    /// Undo it; the rest of its group goes on.
    Refused,
    /// The storage reports lost or damaged data.
    Failed,
}

/// A change with its answer type erased, so that all kinds fit in one queue.
pub(crate) trait ErasedChange: Send {
    fn user(&self) -> UserId;
    fn wants(&self) -> Option<Wanted>;
    /// Runs the change and keeps its answer.
    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a>;
    /// Sends the answer: the kept one, or that the commit failed.
    fn settle(self: Box<Self>, is_committed: bool);
}

/// A queued change with the channel to its caller.
pub(crate) struct Pending<C: Change> {
    change: C,
    answer: Option<Result<C::Answer, Error>>,
    reply: oneshot::Sender<Result<C::Answer, Error>>,
}

impl<C: Change> Pending<C> {
    pub(crate) fn new(change: C) -> (Self, oneshot::Receiver<Result<C::Answer, Error>>) {
        let (reply, receiver) = oneshot::channel();
        (
            Self {
                change,
                answer: None,
                reply,
            },
            receiver,
        )
    }
}

impl<C: Change> ErasedChange for Pending<C> {
    fn user(&self) -> UserId {
        self.change.user()
    }

    fn wants(&self) -> Option<Wanted> {
        self.change.wants()
    }

    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a> {
        Box::pin(async move {
            let answer = run(&mut self.change, work).await;
            let outcome = match &answer {
                Ok(_) => Applied::Done,
                Err(error) if error.is_fatal() => Applied::Failed,
                Err(_) => Applied::Refused,
            };
            self.answer = Some(answer);
            outcome
        })
    }

    fn settle(self: Box<Self>, is_committed: bool) {
        // The error may depend on another change of the group, so it is only true if the group was committed.
        let answer = self
            .answer
            .filter(|_| is_committed)
            .unwrap_or(Err(Error::Unavailable(None)));
        // The caller may be gone; the change is committed all the same.
        let _ = self.reply.send(answer);
    }
}

async fn run<C: Change>(change: &mut C, work: &mut Work<'_>) -> Result<C::Answer, Error> {
    let wanted = change.wants().filter(|_| work.is_alone);
    if let Some(wanted) = wanted {
        *work.rows = Rows::read(work.tx, wanted).await?;
    }
    let answer = change.apply(work).await?;
    work.rows.apply(std::mem::take(&mut work.edits));
    if wanted.is_some() {
        let statements = work.rows.statements(work.shared)?;
        given::run(work.tx, statements, None).await?;
    }
    Ok(answer)
}
