//! The handle to a running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::concealed::Concealed;
use super::ending::{Ended, Ending};
use super::group::Group;
use super::input::{self, Written};
use super::place::Place;

/// A running program. Cloning is cheap; when the last clone is dropped the program is killed.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    group: Arc<Group>,
    /// None once it is being stopped.
    queue: Mutex<Option<mpsc::Sender<Written>>>,
    ending: watch::Receiver<Option<Ending>>,
    is_too_large: Arc<AtomicBool>,
    grace: Duration,
    concealed: Concealed,
    _place: Option<Place>,
}

impl Process {
    pub(super) fn new(
        group: Arc<Group>,
        queue: mpsc::Sender<Written>,
        ending: watch::Receiver<Option<Ending>>,
        is_too_large: Arc<AtomicBool>,
        grace: Duration,
        concealed: Concealed,
        place: Option<Place>,
    ) -> Self {
        Self(Arc::new(Inner {
            group,
            queue: Mutex::new(Some(queue)),
            ending,
            is_too_large,
            grace,
            concealed,
            _place: place,
        }))
    }

    /// Queues one message, a JSON text, and waits while there is no room. A message is written whole or, if the program
    /// ends before, not at all; who waits for an answer hears of that end from the output.
    pub(crate) async fn send(&self, message: &[u8]) -> Result<(), Ended> {
        let queue = self.0.queue.lock().as_ref().cloned();
        let queue = queue.filter(|_| self.is_running()).ok_or(Ended)?;
        let line = input::on_one_line(message);
        queue.send(line).await.map_err(|_closed| Ended)
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.0.ending.borrow().is_none()
    }

    /// Whether what it must not read is still what was concealed from it. Where that was replaced, as editors replace a file, the
    /// program can read what took its place, and should be stopped before anything is sent to it. Looks at each path.
    pub(crate) fn is_shut_in(&self) -> bool {
        self.0.concealed.is_unchanged()
    }

    /// Waits for its end and says how that came.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ending = self.0.ending.clone();
        let seen = ending.wait_for(Option::is_some).await;
        let how = seen.ok().and_then(|how| *how).unwrap_or(Ending::Unknown);
        if self.0.is_too_large.load(Ordering::Acquire) {
            return Ending::TooLarge;
        }
        how
    }

    /// Ends it: its standard input is closed once what was queued is written; after two seconds (`grace`) it is asked to end, and
    /// after two more it is killed with all that it started. Returns when it has ended; may be called again, or by several.
    pub(crate) async fn stop(&self) {
        drop(self.0.queue.lock().take());
        let mut ending = self.0.ending.clone();
        wind_down(&self.0.group, &mut ending, self.0.grace).await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.group.signal(Signal::KILL);
    }
}

/// Gives a program time to end, asks it to, and kills it.
pub(super) async fn wind_down(
    group: &Group,
    ending: &mut watch::Receiver<Option<Ending>>,
    grace: Duration,
) {
    for signal in [Signal::TERM, Signal::KILL] {
        if timeout(grace, ending.wait_for(Option::is_some))
            .await
            .is_ok()
        {
            return;
        }
        group.signal(signal);
    }
    let _ = ending.wait_for(Option::is_some).await;
}
