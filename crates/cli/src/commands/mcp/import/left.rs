//! What the modules of the import share: a text of the client's file, and why a server stays as it is.

use zeroize::Zeroizing;

/// A text of the client's file, which may be a credential.
pub(super) type Text = Zeroizing<String>;

/// Why a server stays as it is.
#[derive(Clone)]
pub(super) enum Left {
    /// It leads to the gateway already.
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
