//! Metadata of tool servers and authorization servers.

use serde_json::json;

use super::*;
use crate::http::{HeaderMap, HttpError};
use crate::oauth::challenge::Challenge;
use crate::oauth::resource;

const PATH: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

fn is_forbidden(error: &OAuthError) -> bool {
    let OAuthError::Http { source, .. } = error else {
        return false;
    };
    matches!(
        source,
        HttpError::ForbiddenAddress
            | HttpError::PlainHttp
            | HttpError::UnsupportedScheme
            | HttpError::UserInfo
            | HttpError::InvalidUrl
    )
}

#[tokio::test]
async fn the_challenge_leads_to_the_description_of_the_server() {
    let authority = Authority::start().await;
    let metadata = authority.url("/about-mcp");
    let header =
        format!(r#"WWW-Authenticate: Bearer resource_metadata="{metadata}", scope="read""#);
    authority.answer("/mcp", Answer::text("401 Unauthorized", "").with(&header));
    let document = json!({
        "resource": authority.url("/mcp"),
        "authorization_servers": [authority.url(""), "https://other.test"],
        "scopes_supported": ["read", "write", "no scope"],
    });
    authority.answer("/about-mcp", Answer::json(&document));
    let site = beside(&authority);
    let challenge = resource::challenge(&site, HeaderMap::new()).await.unwrap();
    let challenge = challenge.unwrap();
    assert_eq!(challenge.scopes.as_deref(), Some(&["read".to_owned()][..]));
    let found = resource::find(&site, Some(&challenge)).await.unwrap();
    assert_eq!(found.issuer, Some(authority.url("")));
    assert_eq!(found.identifier, authority.url("/mcp"));
    assert_eq!(found.scopes.unwrap(), ["read", "write"]);
}

#[tokio::test]
async fn without_a_challenge_the_well_known_places_are_tried_in_order() {
    let authority = Authority::start().await;
    let site = beside(&authority);
    let nothing = resource::find(&site, None).await.unwrap();
    assert_eq!((nothing.issuer, nothing.scopes), (None, None));
    assert_eq!(nothing.identifier, authority.url("/mcp"));
    let at = |path: &str, issuer: &str| {
        let document = json!({ "resource": authority.url(""), "authorization_servers": [issuer] });
        authority.answer(path, Answer::json(&document));
    };
    at(RESOURCE, "https://root.test");
    let found = resource::find(&site, None).await.unwrap();
    assert_eq!(found.issuer.as_deref(), Some("https://root.test"));
    at(&format!("{RESOURCE}/mcp"), "https://path.test");
    let found = resource::find(&site, None).await.unwrap();
    assert_eq!(found.issuer.as_deref(), Some("https://path.test"));
}

#[tokio::test]
async fn a_description_of_another_server_is_refused() {
    let (authority, other) = (Authority::start().await, Authority::start().await);
    for resource in [other.url("/mcp"), authority.url("/mcp/more"), String::new()] {
        let document = json!({ "resource": resource, "authorization_servers": [] });
        authority.answer(RESOURCE, Answer::json(&document));
        let found = resource::find(&beside(&authority), None).await;
        assert!(matches!(found, Err(OAuthError::Malformed(_))), "{resource}");
    }
    // What two parsers would read differently is not read.
    let twice = format!(
        r#"{{"resource":"x","resource":"{}"}}"#,
        authority.url("/mcp")
    );
    authority.answer(RESOURCE, Answer::text("200 OK", &twice));
    assert!(resource::find(&beside(&authority), None).await.is_err());
}

#[tokio::test]
async fn metadata_lead_neither_inside_nor_elsewhere() {
    let authority = Authority::start().await;
    let public = site("https://tools.example/mcp", false, false);
    // A tool server inside, which names addresses that only we reach.
    let inside = site("http://127.0.0.1:9/mcp", true, false);
    for url in [
        "http://169.254.169.254/latest",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "http://example.com/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "https://example.com/#fragment",
        "nowhere",
    ] {
        let challenge = Challenge {
            resource_metadata: Some(url.to_owned()),
            ..Challenge::default()
        };
        for site in [&public, &inside] {
            let error = resource::find(site, Some(&challenge)).await.unwrap_err();
            assert!(is_forbidden(&error), "{url}: {error}");
            let error = Issuer::find(site, url, now()).await.unwrap_err();
            assert!(is_forbidden(&error), "{url}: {error}");
        }
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "registration_endpoint",
            "revocation_endpoint",
        ] {
            authority.answer(PATH, description(&authority, &[(name, json!(url))]));
            let error = described(&authority).await.unwrap_err();
            assert!(is_forbidden(&error), "{name} {url}: {error}");
        }
    }
    // Where the operator named the authorization server, it may be inside.
    let trusted = site("http://127.0.0.1:9/mcp", true, true);
    assert!(trusted.check("https://10.0.0.1/").is_ok());
    let error = Issuer::find(&public, &authority.url(""), now()).await;
    let error = error.unwrap_err();
    assert!(is_forbidden(&error), "{error}");
    assert_eq!(authority.asked().len(), 32);
}

#[tokio::test]
async fn redirects_of_metadata_are_not_followed() {
    let authority = Authority::start().await;
    let other = Authority::start().await;
    let location = format!("Location: {}", other.url("/"));
    let redirect = Answer::text("302 Found", "").with(&location);
    authority.answer(PATH, redirect.clone());
    authority.answer("/about", redirect);
    assert!(described(&authority).await.is_err());
    let challenge = Challenge {
        resource_metadata: Some(authority.url("/about")),
        ..Challenge::default()
    };
    let found = resource::find(&beside(&authority), Some(&challenge)).await;
    assert!(found.is_err());
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn the_description_must_be_of_the_issuer_that_was_asked_for() {
    let authority = Authority::start().await;
    for issuer in [
        authority.url("/"),
        "https://honest.example".to_owned(),
        String::new(),
    ] {
        authority.answer(PATH, description(&authority, &[("issuer", json!(issuer))]));
        let error = described(&authority).await.unwrap_err();
        assert!(matches!(error, OAuthError::Malformed(_)), "{issuer}");
    }
    // Another place is not asked, because the first has an answer.
    let other = "/.well-known/openid-configuration";
    authority.answer(other, description(&authority, &[]));
    assert!(described(&authority).await.is_err());
}

#[tokio::test]
async fn all_places_are_tried_and_bodies_are_bounded() {
    let authority = Authority::start().await;
    let error = described(&authority).await.unwrap_err();
    assert!(matches!(error, OAuthError::Status { .. }));
    authority.answer(
        "/.well-known/openid-configuration",
        description(&authority, &[]),
    );
    let found = described(&authority).await.unwrap();
    assert!(found.names_itself && !found.reads_client_metadata);
    let long = json!("x".repeat(300 << 10));
    authority.answer(PATH, description(&authority, &[("long", long)]));
    let error = described(&authority).await.unwrap_err();
    let OAuthError::Http { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(source, HttpError::TooLarge { .. }));
}

#[tokio::test]
async fn a_server_without_pkce_gets_nobody() {
    let authority = Authority::start().await;
    for methods in [json!(null), json!([]), json!(["plain"]), json!("S256")] {
        let changes = [("code_challenge_methods_supported", methods.clone())];
        authority.answer(PATH, description(&authority, &changes));
        let found = described(&authority).await.unwrap();
        assert!(found.sign_in().is_err(), "{methods}");
    }
    authority.answer(PATH, description(&authority, &[]));
    assert!(described(&authority).await.unwrap().sign_in().is_ok());
}
