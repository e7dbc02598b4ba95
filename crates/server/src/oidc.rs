//! The issuers at which people sign in to the dashboard (`OpenID` Connect Core, the authorization code flow with PKCE).
//!
//! [`Provider::authorization_url`] sends a person to the issuer, [`answer`] reads what comes back in the URL, and
//! [`Provider::tokens`] exchanges the code. [`metadata`] knows the issuer's endpoints. The token is verified by
//! [`JwtVerifier::verify_sign_in`](crate::jwt::JwtVerifier::verify_sign_in).

pub(crate) mod answer;
mod metadata;

use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::{Semaphore, SemaphorePermit};
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::sha256;
use toolvault_core::json::unambiguous as json;
use toolvault_core::sign_in::Flow;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::http::{HeaderMap, Method, StatusCode, Url};
use toolvault_gateway::oauth::{Form, read_secret};
use toolvault_gateway::{GuardedClient, HttpError};

use self::metadata::{Metadata, MetadataSource};
use crate::jwt::{IssuerConfig, IssuerConfigError};

/// How many codes are exchanged at the same time at one issuer: whoever begins a sign-in can cause an exchange.
const EXCHANGES: usize = 8;
/// How long a person waits until others have exchanged theirs. An exchange takes up to half a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why a person cannot be signed in. No variant holds anything that the issuer or the browser sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The issuer does not accept the code.
    #[error("the issuer does not accept the code")]
    Code,
    /// The issuer cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The issuer answers with this status.
    #[error("the issuer's answer has status {0}")]
    Status(StatusCode),
    /// The issuer refuses this server's client.
    #[error("the issuer refuses the client: check 'client_id' and 'client_secret_file'")]
    Client,
    /// The issuer's description or answer is not what the standard demands.
    #[error("{0}")]
    Malformed(&'static str),
    /// The file with the client's secret cannot be used.
    #[error("'client_secret_file' cannot be used")]
    ClientSecret(#[source] std::io::Error),
    /// The last attempt to read the issuer's description failed a moment ago.
    #[error("the issuer was not available a moment ago")]
    Unavailable,
    /// The issuer answers others so slowly that no other sign-in can be completed.
    #[error("the issuer answers too slowly: {EXCHANGES} exchanges are in progress")]
    Busy,
}

/// What an issuer gives for a code.
pub(crate) struct Tokens {
    /// Who signed in.
    pub(crate) id_token: Wiped<String>,
    /// Only compared with the ID token's `at_hash`.
    pub(crate) access_token: Option<Wiped<String>>,
}

/// An issuer at which people sign in.
#[derive(Debug)]
pub(crate) struct Provider {
    config: IssuerConfig,
    client_id: String,
    client: GuardedClient,
    metadata: MetadataSource,
    exchanges: Semaphore,
}

/// All issuers at which people sign in.
#[derive(Debug)]
pub(crate) struct Providers(Vec<Provider>);

impl Providers {
    /// Those of `issuers`, which are valid.
    pub(crate) fn new(issuers: &[IssuerConfig]) -> Result<Self, IssuerConfigError> {
        let providers = issuers.iter().filter_map(|config| {
            let client_id = config.client_id.clone()?;
            Some(Provider::new(config.clone(), client_id))
        });
        providers.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Provider::name)
    }

    /// The one with this name in the configuration.
    pub(crate) fn named(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name() == name)
    }
}

impl Provider {
    fn new(config: IssuerConfig, client_id: String) -> Result<Self, IssuerConfigError> {
        if let Some(path) = &config.client_secret_file {
            read_secret(path).map_err(|source| IssuerConfigError::ClientSecret {
                name: config.name.clone(),
                path: path.clone(),
                source,
            })?;
        }
        let client =
            GuardedClient::new(config.policy()).map_err(|source| IssuerConfigError::Url {
                name: config.name.clone(),
                source,
            })?;
        Ok(Self {
            client_id,
            client,
            metadata: MetadataSource::default(),
            exchanges: Semaphore::new(EXCHANGES),
            config,
        })
    }

    /// Its name in the configuration.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// The issuer, `iss`.
    pub(crate) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Where the person signs in.
    pub(crate) async fn authorization_url(
        &self,
        flow: &Flow,
        now: Timestamp,
    ) -> Result<String, OidcError> {
        let metadata = self.metadata(now).await?;
        let mut url = metadata.authorization_endpoint.clone();
        let challenge = URL_SAFE_NO_PAD.encode(sha256(flow.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &flow.redirect_url)
            .append_pair("scope", "openid")
            .append_pair("state", &flow.state)
            .append_pair("nonce", &flow.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Whether every answer of the issuer names it (RFC 9207).
    pub(crate) async fn names_itself(&self, now: Timestamp) -> Result<bool, OidcError> {
        Ok(self.metadata(now).await?.names_itself)
    }

    /// The tokens for `code`.
    pub(crate) async fn tokens(
        &self,
        flow: &Flow,
        code: &str,
        now: Timestamp,
    ) -> Result<Tokens, OidcError> {
        let metadata = self.metadata(now).await?;
        let (headers, body) = self.token_request(&metadata, flow, code)?;
        let turn = turn(&self.exchanges, LONGEST_WAIT).await?;
        let url = metadata.token_endpoint.as_str();
        let answer = self.client.send(Method::POST, url, headers, body);
        let answer = answer.await?;
        drop(turn);
        let object = json::object(&answer.body);
        let text = |name: &str| object?.get(name).and_then(json::text);
        match answer.status {
            StatusCode::OK => Ok(Tokens {
                id_token: text("id_token")
                    .map(Wiped::new)
                    .ok_or(OidcError::Malformed("the issuer's answer has no ID token"))?,
                access_token: text("access_token").map(Wiped::new),
            }),
            StatusCode::BAD_REQUEST if text("error").as_deref() == Some("invalid_grant") => {
                Err(OidcError::Code)
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
                if text("error").as_deref() == Some("invalid_client") =>
            {
                Err(OidcError::Client)
            }
            status => Err(OidcError::Status(status)),
        }
    }

    fn token_request(
        &self,
        metadata: &Metadata,
        flow: &Flow,
        code: &str,
    ) -> Result<(HeaderMap, Bytes), OidcError> {
        let secret = match &self.config.client_secret_file {
            Some(path) => Some(read_secret(path).map_err(OidcError::ClientSecret)?),
            None => None,
        };
        let secret = secret
            .as_ref()
            .map(|secret| (metadata.client_authentication, secret.as_str()));
        let (mut form, mut headers) = (Form::default(), Form::headers());
        form.add("grant_type", "authorization_code");
        form.add("code", code);
        form.add("redirect_uri", &flow.redirect_url);
        form.add("code_verifier", &flow.verifier);
        form.add_client(&mut headers, &self.client_id, secret);
        Ok((headers, form.into_body()))
    }

    async fn metadata(&self, now: Timestamp) -> Result<Metadata, OidcError> {
        self.metadata.get(&self.config, &self.client, now).await
    }
}

/// Waits for one of the places, at most so long.
async fn turn(places: &Semaphore, longest: Duration) -> Result<SemaphorePermit<'_>, OidcError> {
    let place = tokio::time::timeout(longest, places.acquire()).await;
    place.ok().and_then(Result::ok).ok_or(OidcError::Busy)
}

/// The URL, if a browser may be sent there.
fn endpoint(config: &IssuerConfig, text: &str) -> Result<Url, HttpError> {
    config
        .policy()
        .check(text)
        .and_then(|url| match url.fragment() {
            Some(_) => Err(HttpError::InvalidUrl),
            None => Ok(url),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_longer_for_a_place_than_the_limit() {
        let places = Semaphore::new(1);
        let first = turn(&places, LONGEST_WAIT).await.unwrap();
        let short = Duration::from_millis(1);
        assert!(matches!(turn(&places, short).await, Err(OidcError::Busy)));
        let (second, ()) = tokio::join!(turn(&places, LONGEST_WAIT), async { drop(first) });
        assert!(second.is_ok());
    }
}
