//! Becoming a client of an authorization server (RFC 7591).

use bytes::Bytes;
use serde_json::json;
use toolvault_core::confidential::Wiped;
use toolvault_core::json::unambiguous as json_of;

use super::client::ClientAuthentication;
use super::error::OAuthError;
use super::issuer::Issuer;
use super::site::Site;
use crate::http::{HeaderMap, HeaderValue, Method, Url, header, is_on_this_machine};

/// The most bytes of a client's ID or secret.
const LONGEST: usize = 4 << 10;
/// The name of the client, for the people who sign in.
pub(crate) const CLIENT_NAME: &str = "Toolvault";

/// A client that an authorization server registered.
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) secret: Option<Wiped<String>>,
    /// How it proves who it is, as RFC 7591 names it: `none`, `client_secret_basic` or `client_secret_post`.
    pub(crate) auth_method: String,
}

/// Registers a client for sign-ins that end at `redirect_uri`.
pub(crate) async fn register(
    site: &Site,
    issuer: &Issuer,
    redirect_uri: &str,
) -> Result<Registered, OAuthError> {
    let endpoint = issuer.registration_endpoint.as_ref();
    let endpoint = endpoint.ok_or(OAuthError::NoClient)?;
    let auth_method = issuer.registered_authentication();
    // Without it, servers that know OpenID Connect would refuse a redirect to this machine.
    let is_native = Url::parse(redirect_uri).is_ok_and(|url| is_on_this_machine(&url));
    let body = json!({
        "client_name": CLIENT_NAME,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": auth_method,
        "application_type": if is_native { "native" } else { "web" },
    });
    let mut headers = HeaderMap::new();
    for name in [header::CONTENT_TYPE, header::ACCEPT] {
        headers.insert(name, HeaderValue::from_static("application/json"));
    }
    let what = "the registration at the authorization server";
    let body = Bytes::from(body.to_string());
    let answer = site.send(what, Method::POST, endpoint, headers, body);
    let answer = answer.await?;
    if !answer.status.is_success() {
        return Err(if answer.status.is_client_error() {
            OAuthError::NotRegistered
        } else {
            let status = answer.status;
            OAuthError::Status { what, status }
        });
    }
    read(&answer.body, redirect_uri, auth_method)
}

fn read(body: &[u8], redirect_uri: &str, asked: &str) -> Result<Registered, OAuthError> {
    let malformed = OAuthError::Malformed;
    let document = json_of::object(body).ok_or(malformed(
        "the authorization server's answer to the registration is no object",
    ))?;
    let text = |name: &str| document.get(name).and_then(json_of::text);
    // A server that registers another redirect could have the code sent there.
    if let Some(redirects) = document.get("redirect_uris") {
        let redirects = json_of::array(redirects, json_of::text);
        if redirects.is_none_or(|redirects| redirects != [redirect_uri]) {
            return Err(malformed(
                "the authorization server registered another redirect",
            ));
        }
    }
    let id = text("client_id").filter(|id| (1..=LONGEST).contains(&id.len()));
    let id = id.ok_or(malformed(
        "the authorization server's answer to the registration has no client ID",
    ))?;
    let secret = text("client_secret").map(Wiped::new);
    let secret = secret.filter(|secret| (1..=LONGEST).contains(&secret.len()));
    let auth_method = text("token_endpoint_auth_method").unwrap_or_else(|| asked.to_owned());
    let has_secret = match auth_method.as_str() {
        "none" => false,
        method if method == ClientAuthentication::Basic.name() => true,
        method if method == ClientAuthentication::Post.name() => true,
        _ => {
            return Err(malformed(
                "the authorization server demands a way of client authentication that is not supported",
            ));
        }
    };
    if has_secret && secret.is_none() {
        return Err(malformed(
            "the authorization server's answer to the registration has no client secret",
        ));
    }
    Ok(Registered {
        id,
        secret: secret.filter(|_| has_secret),
        auth_method,
    })
}
