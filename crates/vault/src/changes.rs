//! Announcements of changes, for code that acts on behalf of a caller for longer than one request.

use tokio::sync::broadcast;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;

/// How many announcements a receiver may be behind before it misses some.
const CAPACITY: usize = 1_024;

/// What changed, or may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A user, or one of their secrets.
    User(UserId),
    /// A key. Keys that descend from it may have changed with it.
    Key(KeyId),
    /// Possibly anything: announcements were missed.
    All,
}

/// Sends the announcements.
pub(crate) struct Announcements(broadcast::Sender<Changed>);

impl Announcements {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Sends to all receivers. Update the caches first, because a receiver may read them at once.
    pub(crate) fn send(&self, changed: Changed) {
        // An error means that there is no receiver.
        let _ = self.0.send(changed);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Changed> {
        self.0.subscribe()
    }
}
