//! What tokens for a server have to do with its settings, and what can be discovered about it.

use ::http::header::HeaderMap;

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;

use super::{Server, header_value};
use crate::http::{HttpError, HttpPolicy, Url};
use crate::oauth::issuer::Issuer;
use crate::oauth::resource::{self, covers};
use crate::oauth::{OAuthError, Site};
use crate::settings::{Grant, HttpServer, OAuthSettings, Part, Transport};

/// What was found out about a server and its authorization server.
pub(crate) struct Found {
    pub(crate) issuer: Issuer,
    /// The resource that tokens are for.
    pub(crate) resource: String,
    /// The scopes in the settings.
    configured: Vec<String>,
    /// Those of the challenge.
    challenged: Option<Vec<String>>,
    /// All that the server knows.
    supported: Option<Vec<String>>,
}

impl Found {
    /// The scopes to ask for: those in the settings, then those of the challenge, then all that the server knows.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let configured = Some(&self.configured).filter(|configured| !configured.is_empty());
        let scopes = configured.or(self.challenged.as_ref());
        scopes
            .or(self.supported.as_ref())
            .cloned()
            .unwrap_or_default()
    }
}

/// A token of a server's own client.
pub(crate) struct MachineToken {
    pub(crate) value: Confidential,
    /// Identifies the tokens of the server among secrets, and each of them.
    pub(crate) id: SecretId,
    pub(crate) number: i64,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Server {
    fn http(&self) -> Option<&HttpServer> {
        match &self.settings.transport {
            Transport::Http(server) => Some(server),
            Transport::Stdio(_) | Transport::Elsewhere => None,
        }
    }

    /// Whose tokens are used at it; `None` if none can be.
    pub(crate) fn grant(&self) -> Option<Grant> {
        let server = self.http().filter(|server| server.takes_tokens())?;
        Some(server.oauth.grant)
    }

    /// Whether people sign in at it.
    pub(crate) fn takes_sign_ins(&self) -> bool {
        self.grant() == Some(Grant::AuthorizationCode)
    }

    /// How its tokens are got. Of a program: not at all.
    pub(crate) fn oauth(&self) -> OAuthSettings {
        self.http()
            .map(|server| server.oauth.clone())
            .unwrap_or_default()
    }

    /// Whether the operator said something about its tokens.
    pub(crate) fn has_oauth_settings(&self) -> bool {
        self.http()
            .is_some_and(|server| server.oauth != OAuthSettings::default())
    }

    /// Whether a client with this ID at its authorization server is the one in the settings.
    pub(crate) fn is_own_client(&self, id: &str) -> bool {
        self.http()
            .is_some_and(|server| server.oauth.client_id.as_deref() == Some(id))
    }

    /// Whether tokens of this issuer for this resource are for the server as it is configured now. An operator may have
    /// given it another address since a person signed in.
    pub(crate) fn takes_tokens_of(&self, issuer: &str, resource: &str) -> bool {
        let configured = self.oauth().issuer;
        configured.is_none_or(|configured| configured == issuer)
            && self.url().is_some_and(|url| covers(resource, &url))
    }

    /// The address, if it is the same for everyone.
    fn url(&self) -> Option<Url> {
        let parts = self.http()?.url.parts().iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Reference(_) => None,
        });
        let text: String = parts.collect::<Option<_>>()?;
        Url::parse(&text).ok()
    }

    /// The server, and where its metadata may lead.
    pub(crate) fn site(&self) -> Result<Site, OAuthError> {
        let failed = |source| OAuthError::Http {
            what: "the server",
            source,
        };
        let server = self.http().ok_or(OAuthError::NoIssuer)?;
        let url = self.url().ok_or_else(|| failed(HttpError::InvalidUrl))?;
        let policy = HttpPolicy {
            allow_private_network: server.allow_private_network,
            ca_file: server.ca_file.clone(),
            ..HttpPolicy::default()
        };
        Site::new(url, policy, server.oauth.issuer.is_some()).map_err(failed)
    }

    /// Asks the server for its authorization server, and that one for its endpoints.
    pub(crate) async fn discover(&self, site: &Site, now: Timestamp) -> Result<Found, OAuthError> {
        let challenge = resource::challenge(site, self.literal_headers()).await?;
        let found = resource::find(site, challenge.as_ref()).await?;
        let settings = self.oauth();
        let is_described = settings.issuer.is_some() || found.issuer.is_some();
        let issuer = match settings.issuer.or(found.issuer) {
            Some(identifier) => identifier,
            // Servers of 2025-03-26 are their own authorization server.
            None if challenge.is_some() => site.url.origin().ascii_serialization(),
            None => return Err(OAuthError::NoIssuer),
        };
        let read = self.read_issuer(site, &issuer, now).await;
        let issuer = read.map_err(|error| match error {
            OAuthError::Status { .. } if !is_described => OAuthError::NoIssuer,
            error => error,
        })?;
        Ok(Found {
            issuer,
            resource: found.identifier,
            configured: settings.scopes,
            challenged: challenge.and_then(|challenge| challenge.scopes),
            supported: found.scopes,
        })
    }

    /// The authorization server with this identifier, as it last described itself.
    pub(crate) async fn issuer(
        &self,
        site: &Site,
        identifier: &str,
        now: Timestamp,
    ) -> Result<Issuer, OAuthError> {
        match self.known_issuer(identifier, now) {
            Some(known) => Ok(known),
            None => self.read_issuer(site, identifier, now).await,
        }
    }

    /// Its last description, as long as that may be used again.
    pub(crate) fn known_issuer(&self, identifier: &str, now: Timestamp) -> Option<Issuer> {
        let known = self.known_issuer.lock().clone();
        known.filter(|known| known.identifier == identifier && known.is_fresh(now))
    }

    /// Its description, read anew.
    pub(crate) async fn read_issuer(
        &self,
        site: &Site,
        identifier: &str,
        now: Timestamp,
    ) -> Result<Issuer, OAuthError> {
        let issuer = Issuer::find(site, identifier, now).await?;
        *self.known_issuer.lock() = Some(issuer.clone());
        Ok(issuer)
    }

    /// Has the authorization server asked again: an endpoint may have moved.
    pub(crate) fn forget_issuer(&self) {
        *self.known_issuer.lock() = None;
    }

    /// The headers of each request that hold no secret.
    fn literal_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let configured = self.http().map(|server| server.headers.as_slice());
        for header in configured.unwrap_or_default() {
            if let [Part::Text(text)] = header.value.parts()
                && let Some(value) = header_value(text)
            {
                headers.append(header.name.clone(), value);
            }
        }
        headers
    }
}
