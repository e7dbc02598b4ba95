//! The protocol against authorization servers that lie.

mod authority;
mod discovery;
mod tokens;

use toolvault_core::timestamp::Timestamp;

use self::authority::{Answer, Authority};
use super::issuer::Issuer;
use super::{OAuthError, Site};
use crate::http::{HttpPolicy, Url};

fn site(url: &str, allow_private_network: bool, is_trusted: bool) -> Site {
    let policy = HttpPolicy {
        allow_private_network,
        ..HttpPolicy::default()
    };
    Site::new(Url::parse(url).unwrap(), policy, is_trusted).unwrap()
}

/// The site of a tool server at the same host as the authority.
fn beside(authority: &Authority) -> Site {
    site(&authority.url("/mcp"), true, false)
}

/// A good description, with `changes` made to it.
fn description(authority: &Authority, changes: &[(&str, serde_json::Value)]) -> Answer {
    let mut document = serde_json::json!({
        "issuer": authority.url(""),
        "authorization_endpoint": authority.url("/authorize"),
        "token_endpoint": authority.url("/token"),
        "registration_endpoint": authority.url("/register"),
        "revocation_endpoint": authority.url("/revoke"),
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "scopes_supported": ["openid", "offline_access"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in changes {
        document[*name] = value.clone();
    }
    Answer::json(&document)
}

async fn described(authority: &Authority) -> Result<Issuer, OAuthError> {
    Issuer::find(&beside(authority), &authority.url(""), now()).await
}

fn now() -> Timestamp {
    Timestamp::from_microseconds(1_000_000)
}
