//! A tool server's address, and where its metadata may lead.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::OAuthError;
use crate::http::{GuardedClient, HeaderMap, HttpError, HttpPolicy, Method, Response, Url};

/// The longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer, in bytes.
const LARGEST: usize = 256 << 10;

/// A tool server, and how it and its authorization server are reached.
///
/// The tool server says who its authorization server is, and that one where its endpoints are. So a server could have us
/// ask addresses of the private network that it cannot reach itself: even if it may have a private address, other hosts
/// may not, unless the operator names the authorization server.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The tool server's URL.
    pub(crate) url: Url,
    /// As the operator configured.
    own: (GuardedClient, Arc<HttpPolicy>),
    /// Public addresses only.
    public: (GuardedClient, Arc<HttpPolicy>),
    /// Whether the operator named the authorization server.
    is_trusted: bool,
}

impl Site {
    pub(crate) fn new(url: Url, policy: HttpPolicy, is_trusted: bool) -> Result<Self, HttpError> {
        let policy = HttpPolicy {
            total_timeout: TIMEOUT,
            max_body_bytes: LARGEST,
            silence_timeout: None,
            ..policy
        };
        let public = HttpPolicy {
            allow_private_network: false,
            ..policy.clone()
        };
        let own = GuardedClient::new(policy.clone())?;
        let public_client = if policy.allow_private_network {
            GuardedClient::new(public.clone())?
        } else {
            own.clone()
        };
        Ok(Self {
            url,
            own: (own, Arc::new(policy)),
            public: (public_client, Arc::new(public)),
            is_trusted,
        })
    }

    /// The URL, if a request to it could start.
    pub(super) fn check(&self, text: &str) -> Result<Url, HttpError> {
        let url = Url::parse(text).map_err(|_| HttpError::InvalidUrl)?;
        let (_, policy) = self.reach(&url);
        let url = policy.check(text)?;
        match url.fragment() {
            Some(_) => Err(HttpError::InvalidUrl),
            None => Ok(url),
        }
    }

    fn reach(&self, url: &Url) -> &(GuardedClient, Arc<HttpPolicy>) {
        if self.is_trusted || url.host_str() == self.url.host_str() {
            &self.own
        } else {
            &self.public
        }
    }

    pub(super) async fn get(&self, what: &'static str, url: &Url) -> Result<Response, OAuthError> {
        self.send(what, Method::GET, url, HeaderMap::new(), Bytes::new())
            .await
    }

    pub(super) async fn send(
        &self,
        what: &'static str,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, OAuthError> {
        let (client, _) = self.reach(url);
        let answer = client.send(method, url.as_str(), headers, body);
        answer.await.map_err(OAuthError::http(what))
    }
}
