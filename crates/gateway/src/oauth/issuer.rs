//! The endpoints of an authorization server (RFC 8414, and `OpenID` Connect Discovery 1.0).

use toolvault_core::json::{Object, unambiguous as json};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::client::ClientAuthentication;
use super::error::OAuthError;
use super::freshness::lifetime;
use super::resource::scopes;
use super::site::Site;
use crate::http::{Response, StatusCode, Url};

pub(crate) const WHAT: &str = "the description of the authorization server";

/// What an authorization server says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// Its identifier, exactly as it writes it.
    pub(crate) identifier: String,
    pub(super) authorization_endpoint: Option<Url>,
    pub(super) token_endpoint: Url,
    pub(super) registration_endpoint: Option<Url>,
    pub(super) revocation_endpoint: Option<Url>,
    /// The methods of client authentication that it lists.
    authentication_methods: Option<Vec<String>>,
    has_pkce: bool,
    /// Whether its answers in the browser have `iss` (RFC 9207).
    pub(crate) names_itself: bool,
    /// Whether a client's ID may be the URL of its metadata.
    pub(crate) reads_client_metadata: bool,
    /// The scopes that it knows, if it says so.
    pub(super) scopes: Vec<String>,
    /// When it was read, and for how many microseconds it may be used.
    read_at: Timestamp,
    lifetime: i64,
}

impl Issuer {
    /// Reads the description of the authorization server with this identifier, and checks that it is of that one.
    pub(crate) async fn find(
        site: &Site,
        identifier: &str,
        now: Timestamp,
    ) -> Result<Self, OAuthError> {
        let url = site.check(identifier).map_err(OAuthError::http(WHAT))?;
        if url.query().is_some() {
            return Err(OAuthError::Malformed(
                "the identifier of the authorization server has a query",
            ));
        }
        let mut refused = StatusCode::NOT_FOUND;
        for place in well_known(&url) {
            let answer = site.get(WHAT, &place).await?;
            if answer.status == StatusCode::OK {
                return Self::read(site, identifier, &answer, now);
            }
            refused = answer.status;
        }
        Err(OAuthError::Status {
            what: WHAT,
            status: refused,
        })
    }

    fn read(
        site: &Site,
        identifier: &str,
        answer: &Response,
        now: Timestamp,
    ) -> Result<Self, OAuthError> {
        let document = json::object(&answer.body);
        let document = document.ok_or(OAuthError::Malformed(
            "the authorization server's description is no object",
        ))?;
        let text = |name: &str| document.get(name).and_then(json::text);
        if text("issuer").as_deref() != Some(identifier) {
            return Err(OAuthError::Malformed(
                "the authorization server's description is of another one",
            ));
        }
        let endpoint = |name: &str| {
            let url = text(name).map(|url| site.check(&url)).transpose();
            url.map_err(OAuthError::http("an endpoint of the authorization server"))
        };
        let methods = list(document, "code_challenge_methods_supported").unwrap_or_default();
        Ok(Self {
            identifier: identifier.to_owned(),
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?.ok_or(OAuthError::Malformed(
                "the authorization server has no token endpoint",
            ))?,
            registration_endpoint: endpoint("registration_endpoint")?,
            revocation_endpoint: endpoint("revocation_endpoint")?,
            authentication_methods: list(document, "token_endpoint_auth_methods_supported"),
            has_pkce: methods.iter().any(|method| method == "S256"),
            names_itself: is_true(document, "authorization_response_iss_parameter_supported"),
            reads_client_metadata: is_true(document, "client_id_metadata_document_supported"),
            scopes: scopes(document, "scopes_supported").unwrap_or_default(),
            read_at: now,
            lifetime: lifetime(&answer.headers) * SECOND,
        })
    }

    /// Whether the description may be used again.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        (0..self.lifetime).contains(&now.since(self.read_at))
    }

    /// Where a person signs in. Refused if the server does not promise PKCE with S256: a code could be injected.
    pub(crate) fn sign_in(&self) -> Result<&Url, OAuthError> {
        if !self.has_pkce {
            return Err(OAuthError::Malformed(
                "the authorization server does not promise PKCE (code_challenge_methods_supported with S256)",
            ));
        }
        let endpoint = self.authorization_endpoint.as_ref();
        endpoint.ok_or(OAuthError::Malformed(
            "the authorization server has no authorization endpoint",
        ))
    }

    /// How a client with a secret shows it.
    pub(crate) fn authentication(&self) -> ClientAuthentication {
        ClientAuthentication::of(self.authentication_methods.as_deref())
    }

    /// How a client that registers itself shows who it is: without a secret, if the server accepts that. The secret in the
    /// form comes before the header, in which servers of the official Python SDK do not find the client's ID.
    pub(super) fn registered_authentication(&self) -> &'static str {
        let methods = self.authentication_methods.as_deref().unwrap_or_default();
        let preferred = ["none", ClientAuthentication::Post.name()];
        let is_listed = |name: &&str| methods.iter().any(|method| method == name);
        let found = preferred.into_iter().find(is_listed);
        found.unwrap_or(ClientAuthentication::Basic.name())
    }

    /// Its host, for people.
    pub(crate) fn host(&self) -> String {
        let url = Url::parse(&self.identifier).ok();
        let host = url.and_then(|url| {
            let host = url.host_str()?;
            Some(match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            })
        });
        host.unwrap_or_default()
    }
}

/// Where the description of an authorization server is, in the order in which clients must look.
fn well_known(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut places = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{path}/.well-known/openid-configuration"));
    }
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    places.into_iter().map(at).collect()
}

fn list(document: Object<'_>, name: &str) -> Option<Vec<String>> {
    json::array(document.get(name)?, json::text)
}

fn is_true(document: Object<'_>, name: &str) -> bool {
    let value = document.get(name);
    value.is_some_and(|value| value.as_bool() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_places_are_those_of_the_specification() {
        let places = |text| {
            let places = well_known(&Url::parse(text).unwrap()).into_iter();
            places.map(String::from).collect::<Vec<_>>()
        };
        let tenant = [
            "https://auth.test/.well-known/oauth-authorization-server/tenant1",
            "https://auth.test/.well-known/openid-configuration/tenant1",
            "https://auth.test/tenant1/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://auth.test/tenant1"), tenant);
        assert_eq!(places("https://auth.test/tenant1/"), tenant);
        assert_eq!(
            places("https://auth.test"),
            [
                "https://auth.test/.well-known/oauth-authorization-server",
                "https://auth.test/.well-known/openid-configuration"
            ]
        );
    }
}
