//! Lists the audit trail. [`verify`] checks the trail and the rows against it; [`proof`] also checks it against
//! evidence kept elsewhere. [`prune`] deletes its oldest pages, and [`ship`] tells which ones a receiver elsewhere does
//! not have yet.

mod proof;
pub(crate) mod prune;
mod ship;
pub(crate) mod verify;

use toolvault_core::audit::record::{Action, Record};
use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::transcript::Transcript;

pub use self::proof::Evidence;
pub use self::prune::Pruned;
pub use self::ship::{ALARMS_KEPT, Reader, RecordedPage, ShippingStatus, Unshipped};
pub use self::verify::{Fault, Progress, PrunedPart, Verification};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::audit;
use crate::vault::Vault;

/// Pages read per query.
const PORTION: i64 = 64;
/// The most pages that one request scans. The cursor continues from there.
const FURTHEST: usize = 2_048;

/// Selects records.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// The latest time.
    pub until: Option<Timestamp>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only this secret.
    pub secret: Option<SecretId>,
    /// Only this tool, or exactly this pattern.
    pub tool: Option<String>,
    /// The most records to return.
    pub limit: usize,
    /// Where the previous page ended.
    pub cursor: Option<String>,
}

/// A page of the trail.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The records, newest first.
    pub records: Vec<Record>,
    /// Where the next page continues; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Vault {
    /// Lists records, newest first. Needs `audit` for the user's own records, `admin` for all.
    pub async fn list_audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
    ) -> Result<AuditPage, Error> {
        let is_administrator = caller.require(Scope::Admin).is_ok();
        if !is_administrator {
            self.note_refusal(caller, caller.require(Scope::Audit))
                .await?;
        }
        let whose = (!is_administrator).then_some(caller.user);
        let before = match &filter.cursor {
            None => i64::MAX,
            Some(cursor) => self.read_cursor(caller.user, cursor)?,
        };
        self.in_time(async {
            self.fold().await;
            self.scan(caller, whose, filter, before).await
        })
        .await
    }

    /// Puts the uses that are in the journal only into the trail. If that takes more than half of a caller's patience,
    /// or is impossible, the trail is read without them.
    pub(super) async fn fold(&self) {
        let patience = self.shared.settings.patience / 2;
        let folded = tokio::time::timeout(patience, self.writer.fold()).await;
        if !matches!(folded, Ok(Ok(()))) {
            tracing::warn!(
                "the audit trail is read without the newest uses: they cannot be saved now"
            );
        }
    }

    async fn scan(
        &self,
        caller: &Caller,
        whose: Option<UserId>,
        filter: &AuditFilter,
        mut before: i64,
    ) -> Result<AuditPage, Error> {
        let since = filter
            .since
            .unwrap_or(Timestamp::from_microseconds(i64::MIN));
        let until = filter
            .until
            .unwrap_or(Timestamp::from_microseconds(i64::MAX));
        let mut tx = self.shared.database.read().await?;
        let mut records = Vec::new();
        let mut looked_at = 0;
        while looked_at < FURTHEST {
            let pages = audit::pages_before(&mut tx, before, since, until, PORTION).await?;
            if pages.is_empty() {
                return Ok(AuditPage {
                    records,
                    next_cursor: None,
                });
            }
            looked_at += pages.len();
            for page in pages {
                let mut found = page.read_records().map_err(|_| Error::Integrity)?;
                found.retain(|record| record.sequence < before);
                for record in found.into_iter().rev() {
                    let sequence = record.sequence;
                    if filter.accepts(&record, since, until) && is_visible(&record, whose, caller) {
                        if records.len() == filter.limit {
                            let cursor = self.write_cursor(caller.user, sequence + 1)?;
                            return Ok(AuditPage {
                                records,
                                next_cursor: Some(cursor),
                            });
                        }
                        records.push(record);
                    }
                }
                before = page.first_sequence;
            }
        }
        let cursor = self.write_cursor(caller.user, before)?;
        Ok(AuditPage {
            records,
            next_cursor: Some(cursor),
        })
    }

    /// A cursor is sealed and bound to the user: it reveals nothing, and other users cannot use it.
    fn write_cursor(&self, user: UserId, before: i64) -> Result<String, Error> {
        let entropy = self.shared.entropy.as_ref();
        let key = self.shared.keyring.cursor();
        let sealed = seal(key, bind(user), &before.to_be_bytes(), entropy)?;
        Ok(toolvault_core::digest::hexadecimal(&sealed))
    }

    fn read_cursor(&self, user: UserId, cursor: &str) -> Result<i64, Error> {
        toolvault_core::digest::from_hexadecimal(cursor)
            .and_then(|sealed| open(self.shared.keyring.cursor(), bind(user), &sealed).ok())
            .and_then(|opened| opened.expose().try_into().ok().map(i64::from_be_bytes))
            .ok_or_else(|| {
                let message = "The cursor is not one of this list.";
                Error::invalid("cursor_invalid", &["query", "cursor"], message)
            })
    }
}

fn bind(user: UserId) -> Transcript {
    Transcript::new("toolvault/audit-cursor/v1").bytes(user.as_bytes())
}

/// Whether the record belongs to the caller's trail and, for a limited key, to its tool patterns.
pub(super) fn is_visible(record: &Record, whose: Option<UserId>, caller: &Caller) -> bool {
    let is_own = whose.is_none_or(|user| record.user_id == Some(user));
    let pattern = || {
        record
            .tool
            .as_deref()
            .and_then(|tool| ToolPattern::parse(tool).ok())
    };
    is_own && (!caller.is_limited() || caller.reaches_pattern(pattern().as_ref()))
}

impl AuditFilter {
    fn accepts(&self, record: &Record, since: Timestamp, until: Timestamp) -> bool {
        record.at >= since
            && record.at <= until
            && self.action.is_none_or(|action| action == record.action)
            && self
                .secret
                .is_none_or(|secret| record.secret_id == Some(secret))
            && self
                .tool
                .as_ref()
                .is_none_or(|tool| record.tool.as_ref() == Some(tool))
    }
}
