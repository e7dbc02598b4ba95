//! The handle to a running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::concealed::Snapshot;
use super::exit::{Ended, Exit};
use super::group::Group;
use super::input::{self, Written};

/// A running program. Cloning is cheap; when the last clone is dropped the program is killed.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    group: Arc<Group>,
    /// None once it is being stopped.
    queue: Mutex<Option<mpsc::Sender<Written>>>,
    exit: watch::Receiver<Option<Exit>>,
    is_too_large: Arc<AtomicBool>,
    grace: Duration,
    concealed: Snapshot,
    _directory: Option<TempDir>,
}

impl Process {
    pub(super) fn new(
        group: Arc<Group>,
        queue: mpsc::Sender<Written>,
        exit: watch::Receiver<Option<Exit>>,
        is_too_large: Arc<AtomicBool>,
        grace: Duration,
        concealed: Snapshot,
        directory: Option<TempDir>,
    ) -> Self {
        Self(Arc::new(Inner {
            group,
            queue: Mutex::new(Some(queue)),
            exit,
            is_too_large,
            grace,
            concealed,
            _directory: directory,
        }))
    }

    /// Queues one message, a JSON text, and waits while there is no room. A message is written whole or, if the program
    /// ends before, not at all; the output then ends too.
    pub(crate) async fn send(&self, message: &[u8]) -> Result<(), Ended> {
        let queue = self.0.queue.lock().as_ref().cloned();
        let queue = queue.filter(|_| self.is_running()).ok_or(Ended)?;
        let line = input::on_one_line(message);
        queue.send(line).await.map_err(|_closed| Ended)
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.0.exit.borrow().is_none()
    }

    /// Whether what it must not read is still what was concealed from it. If not, stop it before anything more is sent to
    /// it: another directory may have taken the place of a closed one. Looks at each path.
    pub(crate) fn is_confined(&self) -> bool {
        self.0.concealed.is_unchanged()
    }

    /// Waits for its end and says how that came.
    pub(crate) async fn ended(&self) -> Exit {
        let mut exit = self.0.exit.clone();
        let seen = exit.wait_for(Option::is_some).await;
        let how = seen.ok().and_then(|how| *how).unwrap_or(Exit::Unknown);
        if self.0.is_too_large.load(Ordering::Acquire) {
            return Exit::TooLarge;
        }
        how
    }

    /// Ends it: its standard input is closed once what was queued is written; after two seconds (`grace`) it is asked to end, and
    /// after two more it is killed with all that it started. Returns when it has ended; may be called again, or by several.
    pub(crate) async fn stop(&self) {
        drop(self.0.queue.lock().take());
        let mut exit = self.0.exit.clone();
        wind_down(&self.0.group, &mut exit, self.0.grace).await;
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
    exit: &mut watch::Receiver<Option<Exit>>,
    grace: Duration,
) {
    for signal in [Signal::TERM, Signal::KILL] {
        if timeout(grace, exit.wait_for(Option::is_some)).await.is_ok() {
            return;
        }
        group.signal(signal);
    }
    let _ = exit.wait_for(Option::is_some).await;
}
