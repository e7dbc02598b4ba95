//! Keys from a URL: fetched at first use, when they are old, and when a token names an unknown key.
//!
//! One fetch runs at a time and continues even if the request that started it is cancelled, so a client that
//! disconnects cannot prevent the arrival of a new key. Start with [`KeyUrl::keys`].

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, OwnedMutexGuard};
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::http::StatusCode;
use toolvault_gateway::{GuardedClient, HttpError};

use super::error::JwtError;
use super::key_set::{KeySet, KeySetError};

/// Keys of this age are fetched again when they are used, in microseconds.
const REFRESH_AGE: i64 = 10 * 60 * SECOND;

/// Keys beyond this age are not used, in microseconds.
const MAX_AGE: i64 = 60 * 60 * SECOND;

/// The shortest time between two fetches while there are keys, in microseconds.
const REFRESH_INTERVAL: i64 = 30 * SECOND;

/// The shortest time between two fetches while there are no keys, in microseconds.
const RETRY_INTERVAL: i64 = 5 * SECOND;

/// Why a fetch returned no keys.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Refused(#[from] KeySetError),
}

/// The keys behind one URL.
#[derive(Debug)]
pub(super) struct KeyUrl {
    shared: Arc<Shared>,
    fetching: Arc<Mutex<()>>,
}

#[derive(Debug)]
struct Shared {
    issuer_name: String,
    client: GuardedClient,
    url: String,
    state: RwLock<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    fetched: Option<(Arc<KeySet>, Timestamp)>,
    attempted_at: Option<Timestamp>,
}

impl State {
    /// The keys that may still be used at `now`, with their age.
    fn usable(&self, now: Timestamp) -> Option<(Arc<KeySet>, i64)> {
        let (keys, fetched_at) = self.fetched.as_ref()?;
        // After the clock was set back, keys count as old too, instead of fresh for ever.
        let age = now.since(*fetched_at).abs();
        (age <= MAX_AGE).then(|| (Arc::clone(keys), age))
    }
}

impl KeyUrl {
    pub(super) fn new(issuer_name: &str, client: GuardedClient, url: &str) -> Self {
        Self {
            shared: Arc::new(Shared {
                issuer_name: issuer_name.to_owned(),
                client,
                url: url.to_owned(),
                state: RwLock::default(),
            }),
            fetching: Arc::default(),
        }
    }

    /// The issuer's keys, at most one hour old at `now`.
    pub(super) async fn keys(&self, now: Timestamp) -> Result<Arc<KeySet>, JwtError> {
        match self.shared.state().usable(now) {
            Some((keys, age)) if age < REFRESH_AGE => return Ok(keys),
            // If a fetch is running, use the keys that are there instead of waiting.
            Some(_) => {
                if let Ok(turn) = Arc::clone(&self.fetching).try_lock_owned() {
                    self.fetch(turn, now, REFRESH_INTERVAL).await;
                }
            }
            None => {
                let turn = Arc::clone(&self.fetching).lock_owned().await;
                self.fetch(turn, now, RETRY_INTERVAL).await;
            }
        }
        self.usable(now)
    }

    /// The issuer's keys after a token named an unknown one: fetched once more, unless that was tried within the last
    /// 30 seconds.
    pub(super) async fn keys_after_unknown(&self, now: Timestamp) -> Result<Arc<KeySet>, JwtError> {
        let turn = Arc::clone(&self.fetching).lock_owned().await;
        self.fetch(turn, now, REFRESH_INTERVAL).await;
        self.usable(now)
    }

    fn usable(&self, now: Timestamp) -> Result<Arc<KeySet>, JwtError> {
        let usable = self.shared.state().usable(now);
        usable.map(|(keys, _)| keys).ok_or(JwtError::Unavailable)
    }

    /// Fetches once in a separate task, unless the last attempt is less than `interval` ago.
    async fn fetch(&self, turn: OwnedMutexGuard<()>, now: Timestamp, interval: i64) {
        let attempted_at = self.shared.state().attempted_at;
        if attempted_at.is_some_and(|at| now.since(at).abs() < interval) {
            return;
        }
        self.shared.change(|state| state.attempted_at = Some(now));
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let _turn = turn;
            shared.fetch(now).await;
        });
        if let Err(error) = task.await {
            tracing::error!(error = %error, "the fetch of an issuer's keys ended early");
        }
    }
}

impl Shared {
    fn state(&self) -> State {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    async fn fetch(&self, now: Timestamp) {
        match self.download().await {
            Ok(keys) => self.change(|state| state.fetched = Some((Arc::new(keys), now))),
            Err(error) => {
                let name = self.issuer_name.as_str();
                tracing::error!(issuer.name = name, error = %error, "cannot fetch the issuer's keys");
            }
        }
    }

    async fn download(&self) -> Result<KeySet, FetchError> {
        let response = self.client.get(&self.url).await?;
        if response.status != StatusCode::OK {
            return Err(FetchError::Status(response.status));
        }
        Ok(KeySet::parse(&response.body)?)
    }
}
