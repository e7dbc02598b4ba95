//! Keys from a file, which is read again after it changed.
//!
//! If the file is missing or broken, no keys are used as soon as that is noticed. The file belongs to the operator, who
//! must be able to withdraw a key.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::error::JwtError;
use super::key_set::{KeySet, KeySetError, MAX_KEY_SET_BYTES};

/// The time between two checks of the file, in microseconds.
const CHECK_INTERVAL: i64 = 2 * SECOND;

/// Why a key file has no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    /// Its content is refused.
    #[error(transparent)]
    Refused(#[from] KeySetError),
}

/// A file with a key set.
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

/// Differs between two states of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl KeyFile {
    /// The key file at `path`, after reading it once.
    pub(super) fn open(path: &Path) -> Result<Self, KeyFileError> {
        KeySet::parse(&std::fs::read(path)?)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::default(),
        })
    }

    /// The keys in the file, at most two seconds old at `now`.
    pub(super) async fn keys(&self, now: Timestamp) -> Result<Arc<KeySet>, JwtError> {
        let mut state = self.state.lock().await;
        let is_due = state
            .checked_at
            .is_none_or(|checked_at| now.since(checked_at).abs() >= CHECK_INTERVAL);
        if is_due {
            if let Err(error) = self.check(&mut state).await {
                let path = self.path.display();
                tracing::error!(jwks.file = %path, error = %error, "the key file has no usable keys");
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
