//! What the modules of the import share: a text of the client's file, and why a server stays as it is.

use toolvault_core::confidential::Wiped;

/// A text of the client's file, which may be a credential.
pub(super) type Text = Wiped<String>;

/// Why a server stays as it is.
#[derive(Clone)]
pub(super) enum Left {
    /// It already uses the gateway.
    Done,
    /// It cannot be taken over.
    Reason(String),
}

impl From<&str> for Left {
    fn from(reason: &str) -> Self {
        Self::Reason(reason.to_owned())
    }
}

impl From<String> for Left {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}
