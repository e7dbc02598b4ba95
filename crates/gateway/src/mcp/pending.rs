//! Secrets that a call needed and that are not set. The user whose call it was can set each on a page of ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use toolvault_core::confidential::{Confidential, Wiped};
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{Caller, Clock, NewSecret, SecretInfo, Vault};

use super::session::new_id;
use crate::settings::ServerName;

/// For how long a pending secret can be set, in microseconds.
const LASTS: i64 = 600 * SECOND;
/// How many are kept of one user; the oldest make room.
const MOST_PER_USER: usize = 32;

/// A secret that a call needed and that is not set. All of it comes from the configuration, nothing from a tool.
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

/// The secret that would have served a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissingSecret {
    pub(crate) server: ServerName,
    pub(crate) argument: String,
    pub(crate) secret_name: String,
    pub(crate) is_default: bool,
}

struct Entry {
    user: UserId,
    secret: MissingSecret,
    made_at: Timestamp,
}

/// All that are pending in this process.
pub(crate) struct PendingSecrets {
    vault: Vault,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    by_id: Mutex<HashMap<String, Entry>>,
}

impl MissingSecret {
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
    pub(crate) fn new(vault: Vault, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            vault,
            clock,
            entropy,
            by_id: Mutex::default(),
        }
    }

    /// The ID under which this user can set the secret; the same one as long as it is valid.
    pub(crate) fn ask(&self, user: UserId, secret: MissingSecret) -> Option<String> {
        let now = self.clock.now();
        let id = new_id(&self.vault, self.entropy.as_ref()).ok()?;
        let mut by_id = self.by_id.lock();
        by_id.retain(|_, entry| entry.left(now).is_some());
        let known = by_id
            .iter()
            .find(|(_, entry)| entry.user == user && entry.secret == secret);
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
            secret,
            made_at: now,
        };
        by_id.insert(id.clone(), entry);
        Some(id)
    }

    pub(crate) fn find(&self, caller: &Caller, id: &str) -> Option<PendingSecret> {
        let by_id = self.by_id.lock();
        let entry = by_id.get(id).filter(|entry| entry.user == caller.user())?;
        Some(PendingSecret {
            server: entry.secret.server.to_string(),
            argument: entry.secret.argument.clone(),
            secret_name: entry.secret.secret_name.clone(),
            expires_in: entry.left(self.clock.now())?,
        })
    }

    /// Creates the secret. It is removed first, so that of two attempts at once only one succeeds.
    pub(crate) async fn set(
        &self,
        caller: &Caller,
        id: &str,
        value: Wiped<String>,
    ) -> Result<SecretInfo, SetError> {
        self.find(caller, id).ok_or(SetError::Unknown)?;
        let entry = self.by_id.lock().remove(id).ok_or(SetError::Unknown)?;
        let tool = ToolPattern::parse(&entry.secret.pattern()).map_err(|_| SetError::Unknown)?;
        let new = NewSecret {
            name: entry.secret.secret_name.clone(),
            value: Confidential::from(value),
            tool: Some(tool),
            argument: Some(entry.secret.argument.clone()),
            is_default: entry.secret.is_default,
        };
        match self.vault.create_secret(caller, new, None).await {
            Ok(answer) => Ok(answer.info),
            Err(error) => {
                // Nothing was created: it can be tried again, with a key that may.
                self.by_id.lock().insert(id.to_owned(), entry);
                Err(error.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::Principal;
    use super::*;

    #[test]
    fn a_secret_can_be_set_for_ten_minutes() {
        let made_at = Timestamp::from_microseconds(1_767_323_045 * SECOND);
        let entry = Entry {
            user: Principal::test(1).user,
            secret: MissingSecret {
                server: "issues".parse().unwrap(),
                argument: "api_token".to_owned(),
                secret_name: "issues-api_token".to_owned(),
                is_default: true,
            },
            made_at,
        };
        let left = |seconds| entry.left(made_at.plus(seconds * SECOND));
        assert_eq!(left(0), Some(Duration::from_mins(10)));
        assert_eq!(left(599), Some(Duration::from_secs(1)));
        assert_eq!(left(600), None);
        assert_eq!(left(601), None);
    }
}
