//! The current version of each secret of a user, and its uses in the last days, as the audit trail says.

use std::collections::HashMap;

use tokio::time::Instant;
use toolvault_core::audit::record::{Action, Record};
use toolvault_core::identity::SecretId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::audit::is_visible;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::audit;
use crate::vault::Vault;

/// How many days are counted, today included.
const DAYS: usize = 30;
/// A day, in microseconds.
const DAY: i64 = 24 * 3_600 * SECOND;
/// Pages read per query.
const PORTION: i64 = 64;
/// The most pages that are read.
const FURTHEST: usize = 4_096;

/// The uses of the caller's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUses {
    /// The secrets that were used, also those deleted since, in the order of their last use, the latest first; then the
    /// others, oldest first.
    pub secrets: Vec<SecretUse>,
    /// The counts are complete from then on.
    pub since: Timestamp,
}

/// The uses of one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The secret.
    pub secret_id: SecretId,
    /// The number of its current version; `None` if it was deleted or lies outside the caller's tool patterns.
    pub version: Option<i64>,
    /// Its last use; `None` if it was not used in this time.
    pub last: Option<LastUse>,
    /// How often it was used on each day in UTC, the oldest first.
    pub days: Vec<i64>,
}

/// The last use of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When it was.
    pub at: Timestamp,
    /// The tool that the secret was used for.
    pub tool: Option<String>,
    /// Who used it, as the audit trail names them.
    pub actor: String,
}

impl Vault {
    /// The uses of the user's secrets in the last 30 days, as far back as the trail can be read in the time that a caller
    /// waits. Needs `manage` or `audit`.
    pub async fn secret_uses(&self, caller: &Caller) -> Result<SecretUses, Error> {
        let may = caller
            .require(Scope::Audit)
            .or_else(|_| caller.require(Scope::Manage));
        self.note_refusal(caller, may).await?;
        let deadline = Instant::now() + self.shared.settings.patience / 2;
        let (counts, since) = self
            .in_time(async {
                self.fold().await;
                self.count_uses(caller, deadline).await
            })
            .await?;
        // Read last, so that a secret that was used has its version.
        let entry = self.caller_entry(caller).await?;
        let versions = entry.intact().map(|index| {
            let reached = index
                .iter()
                .filter(|secret| caller.reaches_pattern(secret.binding.tool.as_ref()));
            reached
                .map(|secret| (secret.id, secret.version))
                .collect::<Vec<_>>()
        });
        let versions = self.note_refusal(caller, versions).await?;
        Ok(SecretUses {
            secrets: counts.into_uses(&versions),
            since,
        })
    }

    async fn count_uses(
        &self,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<(Counts, Timestamp), Error> {
        let now = self.shared.clock.now();
        let today = now.microseconds().div_euclid(DAY);
        let mut counts = Counts {
            first_day: today + 1 - i64::try_from(DAYS).unwrap_or(i64::MAX),
            found: HashMap::new(),
            order: Vec::new(),
        };
        let mut since = Timestamp::from_microseconds(counts.first_day.saturating_mul(DAY));
        let (from, until) = (since, Timestamp::from_microseconds(i64::MAX));
        let mut tx = self.shared.database.read().await?;
        let (mut before, mut read) = (i64::MAX, 0);
        loop {
            let pages = audit::pages_before(&mut tx, before, from, until, PORTION).await?;
            let Some(oldest) = pages.last() else {
                let first = audit::pages_after(&mut tx, 0, 1).await?;
                // What was before it was pruned.
                if let Some((page, (first_at, _))) = first.first()
                    && page.number > 1
                {
                    since = since.max(*first_at);
                }
                break;
            };
            before = oldest.first_sequence;
            read += pages.len();
            let mut oldest_at = None;
            for page in &pages {
                let records = page.read_records().map_err(|_| Error::Integrity)?;
                oldest_at = records.first().map(|record| record.at);
                for record in records.iter().rev() {
                    if is_visible(record, Some(caller.user), caller) {
                        counts.add(record);
                    }
                }
            }
            if read >= FURTHEST || Instant::now() >= deadline {
                since = oldest_at.map_or(since, |at| at.max(since));
                break;
            }
        }
        Ok((counts, since))
    }
}

struct Counts {
    /// The number of the first day, from 1970-01-01 on.
    first_day: i64,
    found: HashMap<SecretId, SecretUse>,
    order: Vec<SecretId>,
}

impl Counts {
    /// Counts a record. Later records must come first.
    fn add(&mut self, record: &Record) {
        let (Action::SecretUsed, Some(secret_id)) = (record.action, record.secret_id) else {
            return;
        };
        let day = record.at.microseconds().div_euclid(DAY) - self.first_day;
        let Ok(day) = usize::try_from(day) else {
            return;
        };
        let used = self.found.entry(secret_id).or_insert_with(|| {
            self.order.push(secret_id);
            SecretUse {
                secret_id,
                version: None,
                last: Some(LastUse {
                    at: record.at,
                    tool: record.tool.clone(),
                    actor: record.actor.clone(),
                }),
                days: vec![0; DAYS],
            }
        });
        // A clock that was set back leaves records of tomorrow, which count as today's.
        if let Some(count) = used.days.get_mut(day.min(DAYS - 1)) {
            *count += record.count.unwrap_or(1);
        }
    }

    /// The uses, with the current version of each secret in `versions`, oldest first.
    fn into_uses(mut self, versions: &[(SecretId, i64)]) -> Vec<SecretUse> {
        for &(secret_id, version) in versions {
            let used = self.found.entry(secret_id).or_insert_with(|| {
                self.order.push(secret_id);
                SecretUse {
                    secret_id,
                    version: None,
                    last: None,
                    days: vec![0; DAYS],
                }
            });
            used.version = Some(version);
        }
        self.order
            .iter()
            .filter_map(|id| self.found.remove(id))
            .collect()
    }
}
