//! Asks the program that runs the server to reload its configuration.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// How many requests may wait.
const WAITING: usize = 8;

/// The result of a reload. It names settings, without their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// The settings that have changed and are in effect.
    pub applied: Vec<String>,
    /// The settings that have changed and need a restart.
    pub restart: Vec<String>,
    /// Whether the TLS certificate is a different one.
    pub certificate: bool,
}

/// The request of a local command to reload the configuration.
#[derive(Debug)]
pub struct ReloadRequest(oneshot::Sender<Result<ReloadReport, String>>);

impl ReloadRequest {
    /// Answers the command with what has changed, or with the reason for failure.
    pub fn answer(self, outcome: Result<ReloadReport, String>) {
        // The command may have been cancelled.
        let _ = self.0.send(outcome);
    }
}

/// Passes requests from the handlers to the program that runs the server.
#[derive(Default)]
pub(crate) struct Reloads(Mutex<Option<mpsc::Sender<ReloadRequest>>>);

impl Reloads {
    /// The requests from now on.
    pub(crate) fn follow(&self) -> mpsc::Receiver<ReloadRequest> {
        let (sender, receiver) = mpsc::channel(WAITING);
        *self.0.lock() = Some(sender);
        receiver
    }

    /// Requests a reload. Returns `None` if the program does not follow requests.
    pub(crate) async fn ask(&self) -> Option<Result<ReloadReport, String>> {
        let requests = self.0.lock().clone()?;
        let (sender, receiver) = oneshot::channel();
        requests.send(ReloadRequest(sender)).await.ok()?;
        receiver.await.ok()
    }
}
