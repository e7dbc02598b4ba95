//! An answer that is read as it comes: event streams, and bodies too large to keep in memory.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use super::GuardedClient;
use super::error::HttpError;

/// An answer whose head has arrived. Dropping it abandons the rest.
#[expect(
    missing_debug_implementations,
    reason = "headers and bodies of upstreams may hold credentials"
)]
pub struct Opening {
    /// The status of the last and only answer: redirects are not followed.
    pub status: StatusCode,
    /// The headers as received.
    pub headers: HeaderMap,
    response: reqwest::Response,
    silence: Option<Duration>,
}

impl GuardedClient {
    /// The answer to one request as soon as its head has arrived; an empty `body` sends none.
    ///
    /// The policy's total timeout covers everything from the look-up of the name to the head. The body
    /// has no limit of its own, neither in bytes nor in time: the reader must count.
    pub async fn open(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Opening, HttpError> {
        let request = self.request(method, url, headers, body)?;
        let mut response = tokio::time::timeout(self.policy.total_timeout, request.send())
            .await
            .map_err(|_elapsed| HttpError::Timeout)?
            .map_err(HttpError::from_request)?;
        Ok(Opening {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            response,
            silence: self.policy.silence_timeout,
        })
    }
}

impl Opening {
    /// The next bytes of the body, not decompressed; none at its end.
    ///
    /// Bytes that take longer than the policy's silence timeout are [`HttpError::Timeout`]. A call that is
    /// abandoned loses nothing: the next one goes on where the last one that ended stopped.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = self.response.chunk();
        let chunk = match self.silence {
            Some(silence) => tokio::time::timeout(silence, chunk)
                .await
                .map_err(|_elapsed| HttpError::Timeout)?,
            None => chunk.await,
        };
        chunk.map_err(HttpError::from_request)
    }
}
