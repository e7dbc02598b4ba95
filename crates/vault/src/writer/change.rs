//! One change: what an operation wants done inside the writer's transaction.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot;
use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;

use crate::cache::Effect;
use crate::error::Error;
use crate::shared::Shared;
use crate::store::transaction::Tx;

/// A change of the database. It sees the changes before it in the same group.
pub(crate) trait Change: Send + 'static {
    /// What the caller gets once it is on disk.
    type Answer: Send + 'static;

    /// Whose rows it locks. Groups are done in this order, so that two processes never wait for each other.
    fn user(&self) -> UserId;

    /// Does it. On an error everything it did is taken back.
    fn apply(
        &mut self,
        work: &mut Work<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// What a change works with, and what it leaves to be done with the commit.
pub(crate) struct Work<'a> {
    pub(crate) tx: &'a mut Tx,
    pub(crate) shared: &'a Shared,
    pub(crate) now: Timestamp,
    /// What the audit trail records of it.
    pub(crate) records: Vec<Record>,
    /// What caches must learn.
    pub(crate) effects: Vec<Effect>,
}

type Applying<'a> = Pin<Box<dyn Future<Output = Applied> + Send + 'a>>;

/// How a change went.
pub(crate) enum Applied {
    /// It is in the transaction.
    Done,
    /// Undo it; the rest of its group goes on.
    Refused,
    /// The storage reports lost or damaged data.
    Failed,
}

/// A change whose answer has no type, so that all kinds wait in one queue.
pub(crate) trait ErasedChange: Send {
    fn user(&self) -> UserId;
    /// Does the change and keeps its answer.
    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a>;
    /// Sends the answer: the kept one, or that the commit failed.
    fn settle(self: Box<Self>, is_committed: bool);
}

/// A change that waits, with the way back to its caller.
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

    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a> {
        Box::pin(async move {
            let answer = self.change.apply(work).await;
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
        // An error may come from what another of the group did, and stands only together with that.
        let answer = self
            .answer
            .filter(|_| is_committed)
            .unwrap_or(Err(Error::Unavailable(None)));
        // The caller may have left; the change is done all the same.
        let _ = self.reply.send(answer);
    }
}
