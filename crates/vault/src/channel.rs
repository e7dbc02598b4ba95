//! The notification channel between the processes on one PostgreSQL database.
//!
//! An announcement is part of the transaction that makes the change, so it arrives if and only if the change was
//! committed. Heartbeats show that the channel works: see [`crate::cache::trust`].

mod heard;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use toolvault_core::replica::Address;
use uuid::Uuid;

use self::heard::Heard;
pub use self::heard::Replica;
use crate::cache::Effect;
use crate::cache::trust::{Heartbeat, Trust};
use crate::changes::Changed;
use crate::shared::Shared;

const NAME: &str = "toolvault";
const HEARTBEAT_EVERY: Duration = Duration::from_millis(200);
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// How many IDs one announcement carries; PostgreSQL limits it to 8,000 bytes.
const MOST_IDS: usize = 100;

/// This process's end of the channel.
pub(crate) struct Channel {
    process: Uuid,
    is_shared: bool,
    next_batch: AtomicU64,
    /// The URL at which the others reach this process.
    url: OnceLock<String>,
    /// The other processes.
    pub(crate) heard: Heard,
    /// Batches for which this process does not know whether they were committed.
    unresolved: Mutex<HashSet<u64>>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: Uuid,
    /// Absent from processes that the others cannot reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    /// When it was sent, in microseconds on the sender's own clock.
    Heartbeat(i64),
    Changed {
        batch: u64,
        users: Vec<UserId>,
        keys: Vec<KeyId>,
        /// Too many IDs to list: everything may have changed.
        all: bool,
        /// Whether a pin changed. Absent from processes that have none.
        #[serde(default)]
        pins: bool,
    },
}

/// An announcement that is part of a transaction.
pub(crate) struct Announcement {
    pub(crate) batch: u64,
    pub(crate) payload: String,
}

impl Channel {
    pub(crate) fn new(process: Uuid, is_shared: bool) -> Self {
        Self {
            process,
            is_shared,
            next_batch: AtomicU64::new(0),
            url: OnceLock::new(),
            heard: Heard::default(),
            unresolved: Mutex::new(HashSet::new()),
        }
    }

    /// The announcement for the other processes; `None` if there are none, or if nothing changed.
    pub(crate) fn announce(&self, effects: &[Effect]) -> Option<Announcement> {
        if !self.is_shared || effects.is_empty() {
            return None;
        }
        let mut users = HashSet::new();
        let mut keys = HashSet::new();
        let mut pins = false;
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, _) => _ = users.insert(secret.user),
                Effect::SecretDeleted(user, ..) | Effect::UserChanged(user) => {
                    users.insert(*user);
                }
                Effect::KeyChanged(key) => _ = keys.insert(*key),
                Effect::PinAccepted => pins = true,
            }
        }
        let all = users.len() + keys.len() > MOST_IDS;
        if all {
            users.clear();
            keys.clear();
        }
        let batch = self.next_batch.fetch_add(1, Ordering::Relaxed);
        let content = Content::Changed {
            batch,
            users: users.into_iter().collect(),
            keys: keys.into_iter().collect(),
            all,
            pins,
        };
        self.encode(content, None)
            .map(|payload| Announcement { batch, payload })
    }

    /// Tells the others from now on at which URL they reach this process. Only the first call counts.
    pub(crate) fn announce_url(&self, url: String) {
        let _ = self.url.set(url);
    }

    /// The ID of this process, if the others can reach it.
    pub(crate) fn reachable(&self) -> Option<Uuid> {
        self.url.get().map(|_| self.process)
    }

    /// Notes that a batch may or may not have been committed.
    pub(crate) fn doubt(&self, batch: u64) {
        self.unresolved.lock().insert(batch);
    }

    fn encode(&self, content: Content, address: Option<Address>) -> Option<String> {
        serde_json::to_string(&Message {
            from: self.process,
            address,
            content,
        })
        .ok()
    }

    /// Whether this process's caches have already applied the change in the message: its own, unless the outcome of
    /// that batch was in doubt.
    fn is_known(&self, from: Uuid, batch: u64) -> bool {
        from == self.process && !self.unresolved.lock().remove(&batch)
    }
}

/// Listens and sends heartbeats until `stop` is called. While the channel is down, caches are not used.
///
/// If every use reads the database anyway, heartbeats only tell the address of this process, if the others reach it.
pub(crate) async fn run(
    shared: Arc<Shared>,
    pools: watch::Receiver<PgPool>,
    stop: CancellationToken,
) {
    let heartbeat = match &shared.cache.trust {
        Trust::Heartbeat(heartbeat) => Some(heartbeat),
        Trust::Alone | Trust::Never => None,
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = send(&shared, heartbeat, &pools) => {}
        () = listen(&shared, heartbeat, pools.clone()) => {}
    }
}

async fn send(shared: &Shared, heartbeat: Option<&Heartbeat>, pools: &watch::Receiver<PgPool>) {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let address = shared.channel.url.get().map(|url| {
            let (process, now) = (shared.channel.process, shared.clock.now());
            Address::new(process, url.clone(), now, &shared.keyring)
        });
        if heartbeat.is_none() && address.is_none() {
            continue;
        }
        let content = Content::Heartbeat(heartbeat.map_or(0, Heartbeat::elapsed));
        let Some(payload) = shared.channel.encode(content, address) else {
            return;
        };
        let pool = pools.borrow().clone();
        let sent = sqlx::query("SELECT pg_notify('toolvault', $1)")
            .bind(payload)
            .execute(&pool);
        if let Err(error) = sent.await {
            tracing::debug!(error = %error, "a heartbeat was not sent");
        }
        // A connection that died silently announces nothing, so receivers must check for themselves.
        if heartbeat.is_some() && !shared.cache.trust.is_given() {
            shared.cache.announcements.send(Changed::All);
        }
    }
}

async fn listen(
    shared: &Shared,
    heartbeat: Option<&Heartbeat>,
    mut pools: watch::Receiver<PgPool>,
) {
    loop {
        let pool = pools.borrow_and_update().clone();
        let listened = tokio::select! {
            listened = listen_once(shared, heartbeat, &pool) => listened,
            // The old connection may hang.
            Ok(()) = pools.changed() => Ok(()),
        };
        if let Err(error) = listened {
            tracing::warn!(error = %error, "the notification channel is down; reading the database on each use");
        }
        if let Some(heartbeat) = heartbeat {
            heartbeat.lost();
        }
        shared.cache.clear();
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

async fn listen_once(
    shared: &Shared,
    heartbeat: Option<&Heartbeat>,
    pool: &PgPool,
) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(NAME).await?;
    // Earlier changes may have been missed.
    shared.cache.clear();
    while let Some(notification) = listener.try_recv().await? {
        match serde_json::from_str::<Message>(notification.payload()) {
            Ok(message) => receive(shared, heartbeat, message),
            // A message from a newer version must not be missed just because it cannot be parsed.
            Err(_) => shared.cache.clear(),
        }
    }
    Ok(())
}

fn receive(shared: &Shared, heartbeat: Option<&Heartbeat>, message: Message) {
    match message.content {
        Content::Heartbeat(sent) if message.from == shared.channel.process => {
            if let Some(heartbeat) = heartbeat {
                heartbeat.returned(sent);
            }
        }
        Content::Heartbeat(_) => {
            let (heard, now) = (&shared.channel.heard, shared.clock.now());
            heard.hear(message.from, message.address, now, &shared.keyring);
        }
        Content::Changed {
            batch,
            users,
            keys,
            all,
            pins,
        } => {
            if shared.channel.is_known(message.from, batch) {
                return;
            }
            if all {
                shared.cache.clear();
            }
            if pins {
                shared.cache.forget_pins();
            }
            for user in users {
                shared.cache.forget_user(user);
            }
            for key in keys {
                shared.cache.forget_key(key);
            }
        }
    }
}
