//! Sends alarms to a webhook.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use toolvault_core::confidential::Wiped;
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_core::webhook::sign;

use super::Alarm;
use crate::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use crate::http::{GuardedClient, HttpError, HttpPolicy, Method, StatusCode};

/// The lengths that a key may have, in bytes: those of Standard Webhooks.
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A receiver of alarms over HTTP.
#[expect(
    missing_debug_implementations,
    reason = "the URL may hold a credential"
)]
pub struct Webhook {
    client: GuardedClient,
    url: String,
}

/// The key that messages are signed with.
#[expect(missing_debug_implementations, reason = "it is confidential")]
pub struct SigningKey(Wiped<Vec<u8>>);

impl SigningKey {
    /// Reads a key: `whsec_` and the Base64 of 24 to 64 bytes. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix("whsec_")?;
        let key = Wiped::new(BASE64_STANDARD.decode(text).ok()?);
        KEY_LENGTHS.contains(&key.len()).then_some(Self(key))
    }
}

/// Why an alarm was not taken. No variant holds what the receiver said, which may repeat a credential.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The receiver has no answer.
    #[error("the receiver gave no answer")]
    NoAnswer(#[from] HttpError),
    /// The receiver did not take it.
    #[error("the receiver answered with status {status}; check alarms.url, and the receiver's log")]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
}

impl WebhookError {
    /// How long the receiver wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NoAnswer(_) => None,
            Self::Refused { retry_after, .. } => *retry_after,
        }
    }
}

impl Webhook {
    /// The receiver at `url`, reached under `policy`.
    pub fn new(url: String, policy: HttpPolicy) -> Result<Self, HttpError> {
        let client = GuardedClient::new(policy)?;
        Ok(Self { client, url })
    }

    /// Sends an alarm with these headers. Every status 2xx takes it.
    pub async fn send(
        &self,
        alarm: &Alarm,
        installation: Option<InstallationId>,
        key: Option<&SigningKey>,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), WebhookError> {
        let body = alarm.message(installation);
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(standard(&alarm.id, now, key, body.as_bytes()));
        let sent = self
            .client
            .send(Method::POST, &self.url, headers, body.into());
        let response = sent.await?;
        if response.status.is_success() {
            return Ok(());
        }
        let text = response.headers.get(RETRY_AFTER);
        let seconds = text.and_then(|text| text.to_str().ok()?.trim().parse().ok());
        Err(WebhookError::Refused {
            status: response.status,
            retry_after: seconds.map(Duration::from_secs),
        })
    }
}

/// The headers of Standard Webhooks.
fn standard(id: &str, now: Timestamp, key: Option<&SigningKey>, body: &[u8]) -> HeaderMap {
    let signature = key.map(|SigningKey(key)| {
        let signature = sign(key, id, now, body);
        format!("v1,{}", BASE64_STANDARD.encode(signature))
    });
    let headers = [
        ("webhook-id", Some(id.to_owned())),
        ("webhook-timestamp", Some(now.seconds().to_string())),
        ("webhook-signature", signature),
    ];
    let headers = headers.into_iter().filter_map(|(name, text)| {
        let value = HeaderValue::from_str(&text?).ok()?;
        Some((HeaderName::from_static(name), value))
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_prefix_and_enough_bytes() {
        assert!(SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").is_some());
        for text in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI",
        ] {
            assert!(SigningKey::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_headers_are_those_of_the_standard() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = Timestamp::from_microseconds(1_614_265_330_000_000);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let headers = standard(id, now, key.as_ref(), br#"{"test": 2432232314}"#);
        assert_eq!(headers["webhook-id"], id);
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers["webhook-signature"], signature);
        assert!(!standard(id, now, None, b"{}").contains_key("webhook-signature"));
    }
}
