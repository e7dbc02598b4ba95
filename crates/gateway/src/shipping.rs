//! Ships audit records to a receiver elsewhere: by OTLP over HTTP with JSON, or by syslog.
//!
//! [`otlp`] and [`syslog`] write the records and know what acknowledges them. A request is acknowledged before the next
//! one is sent, so records arrive in their order. What was not acknowledged is sent again, so a record may arrive twice.

mod otlp;
mod syslog;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::RecordedPage;

use self::syslog::Address;
use crate::http::header::HeaderMap;
use crate::http::{GuardedClient, HttpError, HttpPolicy, StatusCode};

/// The most records in a request.
const MOST_RECORDS: usize = 512;
/// The most bytes of records in a request, unless one record alone has more.
const MOST_BYTES: usize = 1 << 20;

/// A receiver of records.
#[expect(
    missing_debug_implementations,
    reason = "the URL may hold a credential"
)]
pub struct Receiver {
    channel: Channel,
}

enum Channel {
    Otlp(GuardedClient, String),
    Syslog(syslog::Target),
}

/// Why records were not acknowledged. No variant holds what the receiver said, which may repeat a credential.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The receiver has no answer.
    #[error("the receiver gave no answer")]
    NoAnswer(#[from] HttpError),
    /// The connection for syslog failed, or the receiver did not end it properly.
    #[error("the connection to the receiver failed")]
    Broken(#[from] io::Error),
    /// The receiver cannot take records now: 429, 502, 503 or 504.
    #[error("the receiver cannot take records now: it answered with status {status}")]
    Busy {
        /// The status of its answer.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The TLS connection for syslog ended without `close_notify` (RFC 5425, section 4.4), so it may have been cut.
    #[error(
        "the connection to the receiver ended without close_notify, so it may have been cut; if the receiver always \
         ends connections so, set audit.ship.allow_unclean_end"
    )]
    UncleanEnd,
    /// The receiver does not accept what was sent. The same request will fail again.
    #[error(
        "the receiver refused the records with status {0}; check audit.ship.url and the headers, and its own log"
    )]
    Refused(StatusCode),
    /// The answer is not the one of a receiver, so it acknowledges nothing.
    #[error(
        "the answer is not one of an OTLP receiver; audit.ship.url must name its path for logs, as in /v1/logs"
    )]
    NotOtlp,
}

impl DeliveryError {
    /// How long the receiver wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same records will fail again until an operator changes something.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NotOtlp)
    }
}

impl Receiver {
    /// Whether `url` is one of a receiver to which a connection could start under `policy`.
    pub fn check(url: &str, policy: &HttpPolicy) -> Result<(), HttpError> {
        if Address::of(url, policy)?.is_none() {
            policy.check(url)?;
        }
        Ok(())
    }

    /// The receiver at `url`, reached under `policy`. With `allows_unclean_end`, a TLS connection of syslog may end
    /// without `close_notify`.
    pub fn new(
        url: String,
        policy: HttpPolicy,
        allows_unclean_end: bool,
    ) -> Result<Self, HttpError> {
        let channel = match Address::of(&url, &policy)? {
            Some(address) => {
                let target = syslog::Target::new(address, policy, allows_unclean_end)?;
                Channel::Syslog(target)
            }
            None => Channel::Otlp(GuardedClient::new(policy)?, url),
        };
        Ok(Self { channel })
    }

    /// Sends the records of these pages, in requests of at most 512 records or 1 MiB. Over OTLP, each has these headers.
    ///
    /// Returns how many of them the receiver took over and rejected. It must not get those again.
    pub async fn deliver(
        &self,
        installation: InstallationId,
        pages: &[RecordedPage],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<u64, DeliveryError> {
        let mut rejected = 0;
        match &self.channel {
            Channel::Otlp(client, url) => {
                for body in otlp::requests(installation, pages, now) {
                    rejected += otlp::send(client, url, headers, body).await?;
                }
            }
            Channel::Syslog(target) => {
                for messages in batches(syslog::messages(installation, pages)) {
                    target.send(&messages).await?;
                }
            }
        }
        Ok(rejected)
    }
}

/// Groups of encoded records for a request each, in their order.
fn batches(records: impl Iterator<Item = String>) -> impl Iterator<Item = Vec<String>> {
    let mut records = records.peekable();
    std::iter::from_fn(move || {
        let first = records.next()?;
        let mut bytes = first.len();
        let mut batch = vec![first];
        while batch.len() < MOST_RECORDS
            && let Some(next) = records.next_if(|next| bytes + next.len() <= MOST_BYTES)
        {
            bytes += next.len();
            batch.push(next);
        }
        Some(batch)
    })
}

enum Severity {
    Error,
    Warning,
    Information,
}

impl Severity {
    fn of(record: &Record) -> Self {
        match (record.action, record.decision) {
            (Action::TamperingDetected | Action::ValueRepeated, _) => Self::Error,
            (_, Decision::Denied) => Self::Warning,
            (_, Decision::Allowed) => Self::Information,
        }
    }
}

/// What two copies of a record have in common, and no other record: the page's hash tells those apart that have the same
/// sequence in a store that was restored.
fn uid(page: &RecordedPage, record: &Record) -> String {
    format!("{}-{}", hexadecimal(&page.hash), record.sequence)
}
