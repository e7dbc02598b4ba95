//! Ships audit records to a receiver elsewhere, by OTLP over HTTP with JSON.
//!
//! [`otlp`] writes the requests. Each is answered before the next one is sent, so records arrive in their order. What was
//! not acknowledged is sent again, so a record may arrive twice.

mod otlp;
#[cfg(test)]
mod tests;

use std::time::Duration;

use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::RecordedPage;

use crate::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use crate::http::{GuardedClient, HttpError, HttpPolicy, Method, Response, StatusCode};

/// A receiver of records.
#[derive(Debug)]
pub struct Receiver {
    client: GuardedClient,
    url: ReceiverUrl,
}

/// An URL, which may hold a credential and is therefore not printed.
struct ReceiverUrl(String);

impl std::fmt::Debug for ReceiverUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ReceiverUrl")
    }
}

/// Why records were not acknowledged. No variant holds what the receiver said, which may repeat a credential.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The receiver has no answer.
    #[error("the receiver gave no answer")]
    NoAnswer(#[source] HttpError),
    /// The receiver cannot take records now: 429, 502, 503 or 504.
    #[error("the receiver cannot take records now: it answered with status {status}")]
    Busy {
        /// The status of its answer.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
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

    /// Whether the same records will fail again until somebody changes something.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NotOtlp)
    }
}

impl Receiver {
    /// The receiver at `url`, reached under `policy`.
    pub fn new(url: String, policy: HttpPolicy) -> Result<Self, HttpError> {
        policy.check(&url)?;
        Ok(Self {
            client: GuardedClient::new(policy)?,
            url: ReceiverUrl(url),
        })
    }

    /// Sends the records of these pages with `headers`, in requests of at most 512 records or 1 MiB.
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
        for body in otlp::requests(installation, pages, now) {
            let mut headers = headers.clone();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let url = &self.url.0;
            let sent = self.client.send(Method::POST, url, headers, body.into());
            let response = sent.await.map_err(DeliveryError::NoAnswer)?;
            rejected += read(&response)?;
        }
        Ok(rejected)
    }
}

fn read(response: &Response) -> Result<u64, DeliveryError> {
    let status = response.status;
    if status.is_success() {
        return otlp::rejected(&response.body).ok_or(DeliveryError::NotOtlp);
    }
    // https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
    if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return Err(DeliveryError::Refused(status));
    }
    let text = response.headers.get(RETRY_AFTER);
    let seconds = text.and_then(|text| text.to_str().ok()?.trim().parse().ok());
    Err(DeliveryError::Busy {
        status,
        retry_after: seconds.map(Duration::from_secs),
    })
}
