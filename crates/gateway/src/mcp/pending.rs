//! A secret that a call needed and nobody has set: told in words that help and, where the client can open a URL, with a
//! page of ours on which the very user whose call asked can set it.

mod explain;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use toolvault_core::confidential::Confidential;
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::UserId;
use toolvault_core::json::Value;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{Caller, NewSecret, SecretInfo};
use zeroize::Zeroizing;

pub(crate) use self::explain::{Missing, in_words, is_own_input};
use super::session::random_id;
use super::shared::Shared;
use crate::settings::ServerName;

/// For how long a pending secret can be set, in microseconds.
const LASTS: i64 = 600 * SECOND;
/// How many are kept of one user; the oldest make room.
const MOST_PER_USER: usize = 32;

/// A secret that a call needed and nobody has set. All of it comes from the configuration, none of it from a tool.
#[derive(Clone, Debug)]
pub struct PendingSecret {
    /// The server whose tool was called.
    pub server: String,
    /// The argument that wants it.
    pub argument: String,
    /// The name that the secret will have.
    pub secret_name: String,
    /// For how long it can still be set.
    pub expires_in: Duration,
}

/// Why a pending secret was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// Unknown, used up, expired, or another user's.
    #[error("not found")]
    Unknown,
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] toolvault_vault::Error),
}

/// What is to be made, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) server: ServerName,
    pub(crate) argument: String,
    pub(crate) secret_name: String,
    pub(crate) is_default: bool,
}

struct Entry {
    user: UserId,
    wish: Wish,
    made_at: Timestamp,
}

/// All that is pending in this process.
#[derive(Default)]
pub(crate) struct PendingSecrets {
    by_id: Mutex<HashMap<String, Entry>>,
}

impl Wish {
    /// The pattern that the secret will be bound to.
    pub(crate) fn pattern(&self) -> String {
        format!("{}*", self.server.prefix())
    }
}

impl Entry {
    fn left(&self, now: Timestamp) -> Option<Duration> {
        let end = self.made_at.plus(LASTS);
        let left = end.microseconds().saturating_sub(now.microseconds());
        u64::try_from(left)
            .ok()
            .filter(|left| *left > 0)
            .map(Duration::from_micros)
    }
}

impl PendingSecrets {
    /// The id under which a wish of this user can be fulfilled; the same one as long as it is good.
    pub(crate) fn ask(
        &self,
        user: UserId,
        wish: Wish,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Option<String> {
        let id = random_id(entropy).ok()?;
        let mut by_id = self.lock();
        by_id.retain(|_, entry| entry.left(now).is_some());
        let known = by_id
            .iter()
            .find(|(_, entry)| entry.user == user && entry.wish == wish);
        if let Some((id, _)) = known {
            return Some(id.clone());
        }
        let own = by_id.iter().filter(|(_, entry)| entry.user == user);
        let mut own: Vec<(Timestamp, String)> =
            own.map(|(id, entry)| (entry.made_at, id.clone())).collect();
        if own.len() >= MOST_PER_USER {
            own.sort();
            if let Some((_, oldest)) = own.first() {
                by_id.remove(oldest);
            }
        }
        let entry = Entry {
            user,
            wish,
            made_at: now,
        };
        by_id.insert(id.clone(), entry);
        Some(id)
    }

    pub(crate) fn find(&self, caller: &Caller, id: &str, now: Timestamp) -> Option<PendingSecret> {
        let by_id = self.lock();
        let entry = by_id.get(id).filter(|entry| entry.user == caller.user())?;
        Some(PendingSecret {
            server: entry.wish.server.to_string(),
            argument: entry.wish.argument.clone(),
            secret_name: entry.wish.secret_name.clone(),
            expires_in: entry.left(now)?,
        })
    }

    /// Makes the secret. It is taken out first, so that of two who try at once only one can.
    pub(crate) async fn set(
        &self,
        shared: &Shared,
        caller: &Caller,
        id: &str,
        value: Zeroizing<String>,
    ) -> Result<SecretInfo, SetError> {
        let now = shared.clock.now();
        self.find(caller, id, now).ok_or(SetError::Unknown)?;
        let entry = self.lock().remove(id).ok_or(SetError::Unknown)?;
        let tool = ToolPattern::parse(&entry.wish.pattern()).map_err(|_| SetError::Unknown)?;
        let new = NewSecret {
            name: entry.wish.secret_name.clone(),
            value: Confidential::from(value),
            tool: Some(tool),
            argument: Some(entry.wish.argument.clone()),
            is_default: entry.wish.is_default,
        };
        match shared.vault.create_secret(caller, new, None).await {
            Ok(answer) => Ok(answer.info),
            Err(error) => {
                // Nothing was made: it can be tried again, with a key that may.
                self.lock().insert(id.to_owned(), entry);
                Err(error.into())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client with these capabilities can send its user to a URL.
pub(crate) fn offers_urls(capabilities: Value<'_>) -> bool {
    capabilities
        .as_object()
        .and_then(|capabilities| capabilities.get("elicitation")?.as_object())
        .is_some_and(|elicitation| elicitation.get("url").is_some())
}
