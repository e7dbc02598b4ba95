//! News of changes, for whoever acts on behalf of a caller for longer than one request.

use tokio::sync::broadcast;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;

use crate::vault::Vault;

/// How many news a receiver may be behind before it is told that it missed some.
const CAPACITY: usize = 1_024;

/// What changed, or may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A user, or one of their secrets.
    User(UserId),
    /// A key. What descends from it may have changed with it.
    Key(KeyId),
    /// Perhaps anything: news were missed.
    All,
}

/// Where news are told.
pub(crate) struct News(broadcast::Sender<Changed>);

impl News {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Tells everybody who listens. Caches have followed before.
    pub(crate) fn tell(&self, changed: Changed) {
        // Nobody listens, then.
        let _ = self.0.send(changed);
    }
}

impl Vault {
    /// News of changes of this process and, on PostgreSQL, of all others on the database.
    ///
    /// What is heard of already holds for the next operation. A receiver that is told it lagged has missed news
    /// and treats that as [`Changed::All`], which is also told again and again while the other processes cannot
    /// be heard. News only say when to ask: [`recheck`](Vault::recheck) answers whether a caller still may act
    /// ([`Caller::is_concerned_by`](crate::Caller::is_concerned_by) says which callers), and
    /// [`credential_stamp`](Vault::credential_stamp) whether credentials are still the same. What ends by itself,
    /// because its time is over, is not in the news.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.shared.cache.news.0.subscribe()
    }
}
