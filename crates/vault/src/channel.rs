//! The notification channel between the processes on one PostgreSQL database.
//!
//! An announcement is part of the transaction that makes the change, so it arrives if and only if the change was
//! committed. Heartbeats show that the channel works: see [`crate::cache::trust`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toolvault_core::api_key::KeyId;
use toolvault_core::identity::UserId;
use uuid::Uuid;

use crate::cache::Effect;
use crate::cache::trust::{Heartbeat, Trust};
use crate::changes::Changed;
use crate::shared::Shared;

const NAME: &str = "toolvault";
const HEARTBEAT_EVERY: Duration = Duration::from_millis(200);
/// For how long one that is silent is remembered.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// How many IDs one announcement carries; PostgreSQL limits it to 8,000 bytes.
const MOST_IDS: usize = 100;

/// This process's end of the channel.
pub(crate) struct Channel {
    process: Uuid,
    is_shared: bool,
    next_batch: AtomicU64,
    /// The other processes, and when each was last heard of.
    heard: Mutex<HashMap<Uuid, Instant>>,
    /// Batches for which this process does not know whether they were committed.
    unresolved: Mutex<HashSet<u64>>,
}

/// Another process on the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The random ID that it has as long as it runs.
    pub process: Uuid,
    /// How long ago it was last heard of, in milliseconds. It sends five heartbeats a second.
    pub silent_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: Uuid,
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
            heard: Mutex::default(),
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
        for effect in effects {
            match effect {
                Effect::SecretStored(secret, _) => users.insert(secret.user),
                Effect::SecretDeleted(user, ..) | Effect::UserChanged(user) => users.insert(*user),
                Effect::KeyChanged(key) => keys.insert(*key),
            };
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
        };
        self.encode(content)
            .map(|payload| Announcement { batch, payload })
    }

    /// The other processes on the database that were heard of lately.
    pub(crate) fn replicas(&self) -> Vec<Replica> {
        let heard = self.heard.lock();
        let mut replicas: Vec<_> = heard
            .iter()
            .map(|(process, at)| Replica {
                process: *process,
                silent_ms: u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX),
            })
            .collect();
        replicas.sort_by_key(|replica| replica.process);
        replicas
    }

    fn hear(&self, process: Uuid) {
        let mut heard = self.heard.lock();
        heard.retain(|_, at| at.elapsed() < FORGOTTEN_AFTER);
        if process != self.process {
            heard.insert(process, Instant::now());
        }
    }

    /// Notes that a batch may or may not have been committed.
    pub(crate) fn doubt(&self, batch: u64) {
        self.unresolved.lock().insert(batch);
    }

    fn encode(&self, content: Content) -> Option<String> {
        serde_json::to_string(&Message {
            from: self.process,
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
/// If every use reads the database anyway, it only listens: heartbeats would have no purpose.
pub(crate) async fn run(
    shared: Arc<Shared>,
    pools: watch::Receiver<PgPool>,
    stop: CancellationToken,
) {
    let heartbeat = match &shared.cache.trust {
        Trust::Heartbeat(heartbeat) => Some(heartbeat),
        Trust::Alone | Trust::Never => None,
    };
    let sending = async {
        match heartbeat {
            Some(heartbeat) => send(&shared, heartbeat, &pools).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = sending => {}
        () = listen(&shared, heartbeat, pools.clone()) => {}
    }
}

async fn send(shared: &Shared, heartbeat: &Heartbeat, pools: &watch::Receiver<PgPool>) {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(payload) = shared
            .channel
            .encode(Content::Heartbeat(heartbeat.elapsed()))
        else {
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
        if !shared.cache.trust.is_given() {
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
        Content::Heartbeat(sent) => {
            shared.channel.hear(message.from);
            if let Some(heartbeat) = heartbeat
                && message.from == shared.channel.process
            {
                heartbeat.returned(sent);
            }
        }
        Content::Changed {
            batch,
            users,
            keys,
            all,
        } => {
            if shared.channel.is_known(message.from, batch) {
                return;
            }
            if all {
                shared.cache.clear();
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
