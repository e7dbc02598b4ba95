//! Where the gateway is asked, and with which key.

use std::time::Duration;

use bytes::Bytes;
use toolvault_gateway::http::{HeaderMap, HeaderValue, Method, Opening, Url, header};
use toolvault_gateway::{GuardedClient, HttpError, HttpPolicy};

use crate::api::connection::{ConnectionOptions, Role, Server, client, refused_key};
use crate::context::Context;
use crate::failure::Failure;

/// A call may take as long as the tool does; a client that has had enough cancels it.
const LONGEST_CALL: Duration = Duration::from_hours(24);

/// One server behind the gateway, or all of them.
pub(crate) struct Endpoint {
    client: GuardedClient,
    url: Url,
    authorization: HeaderValue,
    /// The profile whose key it uses.
    profile: Option<String>,
}

impl Endpoint {
    /// The gateway of the server in the environment or in the profile, at `/mcp/<server>` or `/mcp`.
    pub(crate) async fn connect(
        options: &ConnectionOptions,
        context: &Context<'_>,
        server: Option<&str>,
    ) -> Result<Self, Failure> {
        let at = Server::of(options, &context.environment)?;
        let policy = HttpPolicy {
            total_timeout: LONGEST_CALL,
            ..at.policy()
        };
        let mut url = at.url(&policy)?;
        let authorization = at.authorization(&url, Role::Agent).await?;
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("mcp").extend(server);
        }
        Ok(Self {
            client: client(policy)?,
            url,
            authorization,
            profile: at.profile_name().map(str::to_owned),
        })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// What to do about a key that the gateway does not accept.
    pub(crate) fn refused_key(&self) -> String {
        refused_key(self.profile.as_deref())
    }

    /// Sends one message.
    pub(crate) async fn post(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Opening, HttpError> {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let both = HeaderValue::from_static("application/json, text/event-stream");
        headers.insert(header::ACCEPT, both);
        self.open(Method::POST, headers, body).await
    }

    /// Asks for what the server sends by itself, as far as sessions have that.
    pub(crate) async fn listen(&self, mut headers: HeaderMap) -> Result<Opening, HttpError> {
        let events = HeaderValue::from_static("text/event-stream");
        headers.insert(header::ACCEPT, events);
        self.open(Method::GET, headers, Bytes::new()).await
    }

    /// Ends a session.
    pub(crate) async fn end(&self, headers: HeaderMap) -> Result<Opening, HttpError> {
        self.open(Method::DELETE, headers, Bytes::new()).await
    }

    async fn open(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Opening, HttpError> {
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        let url = self.url.as_str();
        self.client.open(method, url, headers, body).await
    }
}
