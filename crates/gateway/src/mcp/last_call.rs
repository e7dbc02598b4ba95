//! What the last call to each server showed of it.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use toolvault_core::timestamp::Timestamp;

/// A configured server, and how the last call to it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerState {
    /// Its name.
    pub name: String,
    /// Whether it is a program on this machine.
    pub is_program: bool,
    /// Whether it asked a user to sign in since the server started or its settings changed.
    #[serde(default)]
    pub wants_sign_in: bool,
    /// How the last call ended; `None` if there was none since the server started or its settings changed.
    pub last_call: Option<LastCall>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCall {
    /// When.
    pub at: Timestamp,
    /// The reason in the audit trail, if the server failed.
    pub failure: Option<String>,
}

/// The last call to one server.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<Option<LastCall>>);

impl Noted {
    /// Notes how a call ended. One that was refused before it reached the server says nothing of it.
    pub(crate) fn note(&self, at: Timestamp, reason: Option<&str>) {
        let failure = match reason {
            None => None,
            Some("server_failed" | "server_busy") => reason.map(str::to_owned),
            Some(_) => return,
        };
        *self.0.lock() = Some(LastCall { at, failure });
    }

    pub(crate) fn last(&self) -> Option<LastCall> {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reached_the_server_counts() {
        let noted = Noted::default();
        let at = Timestamp::from_microseconds;
        noted.note(at(1), Some("secret_not_available"));
        assert_eq!(noted.last(), None);
        noted.note(at(2), Some("server_failed"));
        noted.note(at(3), Some("abandoned"));
        let failure = Some("server_failed".to_owned());
        assert_eq!(noted.last(), Some(LastCall { at: at(2), failure }));
        noted.note(at(4), None);
        assert_eq!(
            noted.last(),
            Some(LastCall {
                at: at(4),
                failure: None
            })
        );
    }
}
