//! The one HTTP client: key sets of token issuers, MCP upstreams and the command line's own calls.
//!
//! [`policy`] judges a URL, [`resolver`] looks its host up and [`address`] judges the addresses;
//! the connection goes to exactly those addresses. Start with [`GuardedClient::send`], or with
//! [`GuardedClient::open`] for an answer that is read as it comes. [`connection`] opens connections for other protocols
//! under the same rules.

mod address;
mod clients;
mod connection;
mod error;
mod policy;
mod resolver;
#[cfg(test)]
mod tests;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub(crate) use self::connection::connect;
pub use self::error::{HttpError, root_cause};
pub(crate) use self::policy::bare_host;
pub use self::policy::{HttpPolicy, is_on_this_machine};
pub(crate) use self::trust::client_config;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode, Url};

use self::clients::Clients;
use self::resolver::{Lookup, SystemLookup};

/// What came back: never more than the policy's `max_body_bytes`.
#[expect(
    missing_debug_implementations,
    reason = "headers and bodies of upstreams may hold credentials"
)]
pub struct Response {
    /// The status of the last and only answer: redirects are not followed.
    pub status: StatusCode,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The whole body, not decompressed.
    pub body: Bytes,
}

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

/// An HTTP client that connects only where its [`HttpPolicy`] allows.
///
/// It follows no redirect, keeps no cookie, sends no referer, decompresses nothing and ignores the
/// proxy settings of the environment. Cloning is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    clients: Arc<Clients>,
    policy: Arc<HttpPolicy>,
}

impl GuardedClient {
    /// A client under `policy`; reads the policy's CA file and the system's certificates.
    pub fn new(policy: HttpPolicy) -> Result<Self, HttpError> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    fn with_lookup(policy: HttpPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, HttpError> {
        Ok(Self {
            clients: Arc::new(Clients::new(&policy, lookup)?),
            policy: Arc::new(policy),
        })
    }

    /// The answer to a GET without further headers.
    pub async fn get(&self, url: &str) -> Result<Response, HttpError> {
        self.send(Method::GET, url, HeaderMap::new(), Bytes::new())
            .await
    }

    /// The answer to one request, whatever its status; an empty `body` sends none.
    ///
    /// The policy's total timeout covers everything from the look-up of the name to the last byte.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, HttpError> {
        let request = self.request(method, url, headers, body)?;
        let exchange = async {
            let response = request.send().await.map_err(HttpError::from_request)?;
            self.read(response).await
        };
        tokio::time::timeout(self.policy.total_timeout, exchange)
            .await
            .map_err(|_elapsed| HttpError::Timeout)?
    }

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

    fn request(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<reqwest::RequestBuilder, HttpError> {
        let url = self.policy.check(url)?;
        let request = self.clients.here()?.request(method, url).headers(headers);
        Ok(if body.is_empty() {
            request
        } else {
            request.body(body)
        })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, HttpError> {
        let limit = self.policy.max_body_bytes;
        let too_large = || HttpError::TooLarge { limit };
        if response
            .content_length()
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(HttpError::from_request)? {
            if chunk.len() > limit.saturating_sub(body.len()) {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
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
