//! What an issuer says about itself (`OpenID` Connect Discovery 1.0): read when a person signs in, and kept for a while.

use tokio::sync::Mutex;
use toolvault_core::json::{Object, unambiguous as json};
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_gateway::GuardedClient;
use toolvault_gateway::http::{StatusCode, Url};
use toolvault_gateway::oauth::ClientAuthentication;

use super::{OidcError, endpoint};
use crate::jwt::IssuerConfig;

/// A description of this age is read again, in microseconds.
const MAX_AGE: i64 = 10 * 60 * SECOND;
/// The time after a failure before the next attempt, in microseconds.
const RETRY_INTERVAL: i64 = 5 * SECOND;

/// The description of an issuer.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) client_authentication: ClientAuthentication,
    /// Whether its answers have `iss` (RFC 9207).
    pub(super) names_itself: bool,
}

/// The last description of an issuer, or that there was none, and when.
#[derive(Debug, Default)]
pub(super) struct MetadataSource(Mutex<Option<(Timestamp, Option<Metadata>)>>);

impl MetadataSource {
    /// The issuer's description. One request runs at a time; others wait for it.
    pub(super) async fn get(
        &self,
        config: &IssuerConfig,
        client: &GuardedClient,
        now: Timestamp,
    ) -> Result<Metadata, OidcError> {
        let mut kept = self.0.lock().await;
        match &*kept {
            Some((at, Some(metadata))) if now.since(*at).abs() < MAX_AGE => {
                return Ok(metadata.clone());
            }
            Some((at, None)) if now.since(*at).abs() < RETRY_INTERVAL => {
                return Err(OidcError::Unavailable);
            }
            _ => {}
        }
        let found = discover(config, client).await;
        *kept = Some((now, found.as_ref().ok().cloned()));
        found
    }
}

async fn discover(config: &IssuerConfig, client: &GuardedClient) -> Result<Metadata, OidcError> {
    let answer = client.get(&config.discovery_url()).await?;
    if answer.status != StatusCode::OK {
        return Err(OidcError::Status(answer.status));
    }
    let document = json::object(&answer.body);
    let document = document.ok_or(OidcError::Malformed(
        "the issuer's metadata is not a JSON object",
    ))?;
    read(config, document)
}

fn read(config: &IssuerConfig, document: Object<'_>) -> Result<Metadata, OidcError> {
    let text = |name: &str| document.get(name).and_then(json::text);
    if text("issuer").as_deref() != Some(config.issuer.as_str()) {
        return Err(OidcError::Malformed(
            "the issuer's metadata names another issuer",
        ));
    }
    let url = |name: &str| {
        let text =
            text(name).ok_or(OidcError::Malformed("an endpoint of the issuer is missing"))?;
        Ok::<_, OidcError>(endpoint(config, &text)?)
    };
    let methods = document.get("token_endpoint_auth_methods_supported");
    let methods = methods.and_then(|methods| json::array(methods, json::text));
    let names_itself = document.get("authorization_response_iss_parameter_supported");
    Ok(Metadata {
        authorization_endpoint: url("authorization_endpoint")?,
        token_endpoint: url("token_endpoint")?,
        client_authentication: ClientAuthentication::of(methods.as_deref()),
        names_itself: names_itself.is_some_and(|value| value.as_bool() == Some(true)),
    })
}
