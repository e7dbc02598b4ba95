//! Asking the program that runs the server to read its configuration again.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// How many requests may wait.
const WAITING: usize = 8;

/// What reading the configuration again has changed. Settings are named, their values are not told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// The settings that have changed and are in use now.
    pub applied: Vec<String>,
    /// The settings that have changed and need a restart.
    pub restart: Vec<String>,
    /// Whether TLS has another certificate.
    pub certificate: bool,
}

/// A local command that waits for the configuration to be read again.
#[derive(Debug)]
pub struct ReloadRequest(oneshot::Sender<Result<ReloadReport, String>>);

impl ReloadRequest {
    /// Answers the command: with what has changed, or why nothing has.
    pub fn answer(self, outcome: Result<ReloadReport, String>) {
        // A command that was cancelled hears nothing.
        let _ = self.0.send(outcome);
    }
}

/// The way from the handlers to the program that runs the server.
#[derive(Default)]
pub(crate) struct Reloads(Mutex<Option<mpsc::Sender<ReloadRequest>>>);

impl Reloads {
    /// The requests from now on.
    pub(crate) fn follow(&self) -> mpsc::Receiver<ReloadRequest> {
        let (sender, receiver) = mpsc::channel(WAITING);
        *self.0.lock() = Some(sender);
        receiver
    }

    /// Has the configuration read again. None if the program does not follow requests.
    pub(crate) async fn ask(&self) -> Option<Result<ReloadReport, String>> {
        let requests = self.0.lock().clone()?;
        let (sender, receiver) = oneshot::channel();
        requests.send(ReloadRequest(sender)).await.ok()?;
        receiver.await.ok()
    }
}
