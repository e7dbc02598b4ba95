//! Real programs that behave well, and such that do not.

mod exchange;
mod exit;
mod launching;

use std::sync::Arc;
use std::time::Duration;

use super::{GRACE, Launch, Line, OWN_BINARY, Output, Process, StderrChunk, Support};
use crate::settings::Sandbox;

/// What no test should need; a program that hangs shows as a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program without a sandbox.
fn of(command: &[&str]) -> Launch {
    Launch {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        inherited: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
        environment: Vec::new(),
        directory: None,
        sandbox: Sandbox::Off,
        support: Support::None,
        concealed: Arc::default(),
        message_bytes: 4 << 20,
        grace: GRACE / 20,
        helper: OWN_BINARY.into(),
    }
}

/// A script without a sandbox.
async fn script(text: &str) -> (Process, Output) {
    started(of(&["sh", "-c", text])).await
}

async fn started(launch: Launch) -> (Process, Output) {
    in_time(Process::launch(launch))
        .await
        .unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it hangs")
}

impl Output {
    /// The next message as text.
    async fn line(&mut self) -> Option<String> {
        let line = match in_time(self.messages.recv()).await? {
            Line::Message(line) => line,
            Line::TooLong(_) => return Some("too long".to_owned()),
        };
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// The next piece of standard error.
    async fn chunk(&mut self) -> Option<StderrChunk> {
        in_time(self.stderr.recv()).await
    }

    /// All messages that come.
    async fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }
}
