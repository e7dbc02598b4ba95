//! Polls a connection again at once when it woke itself.
//!
//! Hyper runs a handler in the task of its connection, and a handler that reads a body wakes that task: itself. The runtime
//! would put the task into its queue and wake another thread for it, which takes longer than many a request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How many times in a row. Then it is the turn of other tasks.
const MOST: usize = 4;

const IDLE: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

/// What polls one connection.
pub(super) struct Repoll {
    signal: Arc<Signal>,
    /// Of the signal.
    waker: Waker,
}

/// The waker that the connection gets.
struct Signal {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Repoll {
    pub(super) fn new() -> Self {
        let signal = Arc::new(Signal {
            state: AtomicU8::new(IDLE),
            task: AtomicWaker::new(),
        });
        let waker = Waker::from(Arc::clone(&signal));
        Self { signal, waker }
    }

    /// Polls `connection` until nothing woke it meanwhile.
    pub(super) fn poll<F: Future>(
        &self,
        context: &mut Context<'_>,
        mut connection: Pin<&mut F>,
    ) -> Poll<F::Output> {
        let Signal { state, task } = self.signal.as_ref();
        task.register(context.waker());
        for _ in 0..MOST {
            state.swap(POLLING, Ordering::AcqRel);
            let mut own = Context::from_waker(&self.waker);
            let polled = connection.as_mut().poll(&mut own);
            let was_woken = state.swap(IDLE, Ordering::AcqRel) == WOKEN;
            if polled.is_ready() || !was_woken {
                return polled;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // While the connection is polled, who polls it sees that. If it was woken already, its task knows.
        if self.state.swap(WOKEN, Ordering::AcqRel) == IDLE {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests;
