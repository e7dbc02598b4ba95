//! Secrets that are due for rotation, expired, or about to expire.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::http::Method;
use toolvault_vault::SecretInfo;

use super::uses::Use;
use crate::api::{Api, Body, List};
use crate::failure::Failure;

/// Expiries within this many days are reported.
const DAYS_AHEAD: i64 = 14;
const DAY: i64 = 86_400 * SECOND;

/// The relevant fields of a secret with a policy.
#[derive(Deserialize)]
pub(super) struct Standing {
    secret_id: SecretId,
    expires_at: Option<Timestamp>,
    is_due: bool,
    is_expired: bool,
}

/// The status of each secret that has a policy.
pub(super) async fn all(api: &Api<'_>) -> Result<HashMap<SecretId, Standing>, Failure> {
    let url = api.url(&["policies"]);
    let list: List<Standing> = api.fetch(Method::GET, &url, Body::Nothing).await?;
    let standings = list.data.into_iter();
    Ok(standings
        .map(|standing| (standing.secret_id, standing))
        .collect())
}

/// A secret, its use and its status, as JSON.
#[derive(Serialize)]
pub(super) struct WithStatus<'a> {
    #[serde(flatten)]
    pub(super) secret: &'a SecretInfo,
    #[serde(flatten)]
    pub(super) used: Use,
    /// In a few words; empty if nothing needs to be done.
    pub(super) status: String,
}

/// The status of one secret.
pub(super) fn describe(
    standings: &HashMap<SecretId, Standing>,
    secret: &SecretInfo,
    now: Timestamp,
) -> String {
    let standing = standings.get(&secret.secret_id);
    standing
        .map(|standing| standing.describe(now))
        .unwrap_or_default()
}

impl Standing {
    /// The status in a few words; empty if nothing needs to be done.
    pub(super) fn describe(&self, now: Timestamp) -> String {
        let mut words = Vec::new();
        if self.is_expired {
            words.push("expired".to_owned());
        } else if let Some(end) = self.expires_at {
            let left = end.microseconds().saturating_sub(now.microseconds());
            let days = left.div_euclid(DAY) + i64::from(left.rem_euclid(DAY) > 0);
            if days <= DAYS_AHEAD {
                words.push(format!("expires in {} d", days.max(0)));
            }
        }
        if self.is_due {
            words.push("due".to_owned());
        }
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use toolvault_core::identity::SecretId;

    use super::*;

    fn words(expires_in: Option<i64>, is_due: bool, is_expired: bool) -> String {
        let now = Timestamp::from_microseconds(1_767_323_045 * SECOND);
        let standing = Standing {
            secret_id: SecretId(uuid::Uuid::nil()),
            expires_at: expires_in.map(|span| now.plus(span)),
            is_due,
            is_expired,
        };
        standing.describe(now)
    }

    #[test]
    fn days_are_begun_days() {
        assert_eq!(words(None, false, false), "");
        assert_eq!(words(Some(3 * DAY), false, false), "expires in 3 d");
        assert_eq!(
            words(Some(3 * DAY - SECOND), false, false),
            "expires in 3 d"
        );
        assert_eq!(words(Some(SECOND), true, false), "expires in 1 d, due");
        assert_eq!(words(Some(14 * DAY + SECOND), false, false), "");
        assert_eq!(words(Some(-DAY), true, true), "expired, due");
        assert_eq!(words(None, true, false), "due");
    }
}
