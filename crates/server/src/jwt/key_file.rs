//! Keys from a file, read again when it has changed.
//!
//! A file that is gone or broken serves no keys from the moment that is noticed: it is the
//! operator's own, and taking a key away must work.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::error::JwtError;
use super::key_set::{KeySet, KeySetError, MAX_KEY_SET_BYTES};

/// Time between two looks at the file, in microseconds.
const CHECK_INTERVAL: i64 = 2 * SECOND;

/// Why a key file serves no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    /// What it holds is refused.
    #[error(transparent)]
    Refused(#[from] KeySetError),
}

/// A file that holds a key set.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    checked_at: Option<Timestamp>,
    stamp: Option<Stamp>,
    keys: Option<Arc<KeySet>>,
}

/// What tells one state of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl KeyFile {
    /// The key file at `path`, after one look at what it holds.
    pub(super) fn open(path: &Path) -> Result<Self, KeyFileError> {
        KeySet::parse(&std::fs::read(path)?)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::default(),
        })
    }

    /// The keys in the file, as of at most two seconds before `now`.
    pub(super) async fn keys(&self, now: Timestamp) -> Result<Arc<KeySet>, JwtError> {
        let mut state = self.state.lock().await;
        let is_due = state
            .checked_at
            .is_none_or(|checked_at| now.since(checked_at).abs() >= CHECK_INTERVAL);
        if is_due {
            if let Err(error) = self.check(&mut state).await {
                let path = self.path.display();
                tracing::error!(jwks.file = %path, error = %error, "no keys in the key file");
                state.stamp = None;
                state.keys = None;
            }
            state.checked_at = Some(now);
        }
        state.keys.clone().ok_or(JwtError::Unavailable)
    }

    async fn check(&self, state: &mut State) -> Result<(), KeyFileError> {
        let mut file = tokio::fs::File::open(&self.path).await?;
        let metadata = file.metadata().await?;
        let stamp = Some(Stamp {
            modified: metadata.modified()?,
            length: metadata.len(),
        });
        if state.stamp == stamp {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let one_more = MAX_KEY_SET_BYTES as u64 + 1;
        (&mut file).take(one_more).read_to_end(&mut bytes).await?;
        state.keys = Some(Arc::new(KeySet::parse(&bytes)?));
        state.stamp = stamp;
        Ok(())
    }
}
