//! Which authorization servers a tool server names (RFC 9728).

use bytes::Bytes;
use toolvault_core::json::{Object, unambiguous as json};

use super::challenge::{Challenge, is_scope};
use super::error::OAuthError;
use super::site::Site;
use crate::http::{HeaderMap, HeaderValue, Method, StatusCode, Url, header};

const WHAT: &str = "the description of the server as a protected resource";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// A request that a server without a token refuses, and that does nothing at one that needs none.
const PING: &str = r#"{"jsonrpc":"2.0","id":"toolvault-0","method":"ping"}"#;

/// A tool server as a protected resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its identifier, for which tokens are asked (RFC 8707).
    pub(crate) identifier: String,
    /// The authorization server that it names first; `None` if it describes itself nowhere.
    pub(crate) issuer: Option<String>,
    /// The scopes that it knows; `None` if it does not say.
    pub(crate) scopes: Option<Vec<String>>,
}

/// What a server says to a request without a token; `None` if it does not ask for one. `headers` are those that each
/// request carries, without credentials.
pub(crate) async fn challenge(
    site: &Site,
    mut headers: HeaderMap,
) -> Result<Option<Challenge>, OAuthError> {
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(header::ACCEPT, accept);
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let body = Bytes::from_static(PING.as_bytes());
    let what = "the server";
    let answer = site.send(what, Method::POST, &site.url, headers, body);
    let answer = answer.await?;
    Ok(match answer.status {
        StatusCode::UNAUTHORIZED => Challenge::of(&answer.headers),
        _ => None,
    })
}

/// The description of the server: where the challenge says, or at the well-known places, with the path and without. A
/// server without one is described by its URL.
pub(crate) async fn find(
    site: &Site,
    challenge: Option<&Challenge>,
) -> Result<Resource, OAuthError> {
    if let Some(url) = challenge.and_then(|challenge| challenge.resource_metadata.as_deref()) {
        let url = site.check(url).map_err(OAuthError::http(WHAT))?;
        let answer = site.get(WHAT, &url).await?;
        return match answer.status {
            StatusCode::OK => read(site, &answer.body),
            status => Err(OAuthError::Status { what: WHAT, status }),
        };
    }
    for url in well_known(&site.url) {
        let answer = site.get(WHAT, &url).await?;
        if answer.status == StatusCode::OK {
            return read(site, &answer.body);
        }
    }
    Ok(Resource {
        identifier: canonical(&site.url),
        issuer: None,
        scopes: None,
    })
}

fn well_known(server: &Url) -> Vec<Url> {
    let path = server.path().trim_end_matches('/');
    let mut places = vec![format!("{WELL_KNOWN}{path}")];
    if !path.is_empty() {
        places.push(WELL_KNOWN.to_owned());
    }
    let at = |path: String| {
        let mut url = server.clone();
        url.set_path(&path);
        url.set_query(None);
        url
    };
    places.into_iter().map(at).collect()
}

fn read(site: &Site, body: &[u8]) -> Result<Resource, OAuthError> {
    let document = json::object(body);
    let document = document.ok_or(OAuthError::Malformed(
        "the server's description as a protected resource is no object",
    ))?;
    let identifier = document.get("resource").and_then(json::text);
    let identifier = identifier
        .filter(|identifier| covers(identifier, &site.url))
        .ok_or(OAuthError::Malformed(
            "the server's description as a protected resource is of another server",
        ))?;
    let issuers = document.get("authorization_servers");
    let issuers = issuers.and_then(|issuers| json::array(issuers, json::text));
    Ok(Resource {
        identifier,
        issuer: issuers.and_then(|issuers| issuers.into_iter().next()),
        scopes: scopes(document, "scopes_supported"),
    })
}

/// The member as a list of scopes.
pub(super) fn scopes(document: Object<'_>, member: &str) -> Option<Vec<String>> {
    let listed = json::array(document.get(member)?, json::text)?;
    Some(listed.into_iter().filter(|scope| is_scope(scope)).collect())
}

/// Whether a resource with this identifier is the server at `url` or contains it: it has the same origin, and a path of
/// which the server's is below. Otherwise a server could have tokens issued that are meant for another.
pub(crate) fn covers(identifier: &str, url: &Url) -> bool {
    let Ok(resource) = Url::parse(identifier) else {
        return false;
    };
    let base = resource.path().trim_end_matches('/');
    let is_below = url.path().strip_prefix(base);
    resource.origin() == url.origin()
        && resource.username().is_empty()
        && resource.password().is_none()
        && resource.fragment().is_none()
        && (resource.query().is_none() || resource.query() == url.query())
        && is_below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The identifier of a server that does not say it: its URL, without a slash at the end of the host.
fn canonical(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    if url.path() == "/" && url.query().is_none() {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_well_known_places_are_those_of_the_specification() {
        let places = |text| {
            let places = well_known(&url(text)).into_iter();
            places.map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(
            places("https://example.com/public/mcp?a=b"),
            [
                "https://example.com/.well-known/oauth-protected-resource/public/mcp",
                "https://example.com/.well-known/oauth-protected-resource"
            ]
        );
        assert_eq!(
            places("https://example.com/"),
            ["https://example.com/.well-known/oauth-protected-resource"]
        );
    }

    #[test]
    fn a_resource_is_the_server_or_contains_it() {
        let server = url("https://mcp.example.com/team/mcp");
        for good in [
            "https://mcp.example.com/team/mcp",
            "https://mcp.example.com/team/mcp/",
            "https://mcp.example.com/team",
            "https://mcp.example.com",
            "https://MCP.example.com:443/",
        ] {
            assert!(covers(good, &server), "{good}");
        }
        for bad in [
            "https://mcp.example.com/team/mcp/other",
            "https://mcp.example.com/tea",
            "https://mcp.example.com/other",
            "http://mcp.example.com/team/mcp",
            "https://mcp.example.com:8443/team/mcp",
            "https://example.com/team/mcp",
            "https://mcp.example.com.evil.test/team/mcp",
            "https://user@mcp.example.com/team/mcp",
            "https://mcp.example.com/team/mcp#x",
            "https://mcp.example.com/team?x=y",
            "mcp.example.com",
            "",
        ] {
            assert!(!covers(bad, &server), "{bad}");
        }
    }

    #[test]
    fn a_server_without_a_description_is_its_url() {
        for (server, identifier) in [
            ("https://a.test/", "https://a.test"),
            ("https://a.test/mcp", "https://a.test/mcp"),
            ("https://a.test/mcp/?x=y#z", "https://a.test/mcp/?x=y"),
        ] {
            assert_eq!(canonical(&url(server)), identifier);
        }
    }
}
