//! Changes that a client has not seen in its list of tools.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;
use toolvault_vault::{Caller, Changed, Vault};

/// What changed in the vault since a client asked for its tools. If it had no stream then, it was not told.
pub(super) struct Unseen {
    changes: broadcast::Receiver<Changed>,
    is_found: bool,
}

impl Unseen {
    /// All changes from now on.
    pub(super) fn from_now(vault: &Vault) -> Self {
        Self {
            changes: vault.changes(),
            is_found: false,
        }
    }

    /// Whether one of them may show in this caller's tools.
    pub(super) fn shows_in_tools(&mut self, caller: &Caller) -> bool {
        while !self.is_found {
            self.is_found = match self.changes.try_recv() {
                Ok(changed) => shows_in_tools(changed, caller),
                Err(TryRecvError::Lagged(_)) => true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
            };
        }
        true
    }
}

/// Whether a change may show in a caller's tools. A change of a key may end streams, but hides no argument.
pub(crate) fn shows_in_tools(changed: Changed, caller: &Caller) -> bool {
    caller.is_concerned_by(changed) && !matches!(changed, Changed::Key(_))
}
