//! Registrations, sign-ins, tokens and their end.

use serde_json::json;

use super::*;
use crate::oauth::authorization::{Request, with_offline_access};
use crate::oauth::registration::register;
use crate::oauth::revocation::revoke;
use crate::oauth::token::{Grant, TokenRequest, Tokens, bearer};
use crate::oauth::{ClientAuthentication, Identity, Proof};

const PATH: &str = "/.well-known/oauth-authorization-server";
const REDIRECT: &str = "http://127.0.0.1:4711/callback";

async fn authority() -> (Authority, Issuer) {
    let authority = Authority::start().await;
    authority.answer(PATH, description(&authority, &[]));
    let issuer = described(&authority).await.unwrap();
    (authority, issuer)
}

fn public(id: &str) -> Identity<'_> {
    Identity {
        id,
        proof: Proof::None,
    }
}

async fn tokens(authority: &Authority, issuer: &Issuer) -> Result<Tokens, OAuthError> {
    let request = TokenRequest {
        grant: Grant::Code {
            code: "c+d",
            verifier: "v",
            redirect_uri: REDIRECT,
        },
        client: public("id&x"),
        resource: "https://tools.example/mcp",
        scopes: &["read".to_owned()],
    };
    request.send(&beside(authority), issuer, now()).await
}

#[tokio::test]
async fn a_registration_says_what_kind_of_client_it_is() {
    let (authority, issuer) = authority().await;
    let answer = json!({ "client_id": "abc", "redirect_uris": [REDIRECT], "client_secret": "s" });
    authority.answer("/register", Answer::json(&answer));
    let site = beside(&authority);
    let registered = register(&site, &issuer, REDIRECT).await.unwrap();
    assert_eq!(
        (registered.id.as_str(), registered.auth_method.as_str()),
        ("abc", "none")
    );
    assert!(registered.secret.is_none());
    let asked = authority.asked().pop().unwrap();
    for part in [
        r#""application_type":"native""#,
        r#""redirect_uris":["http://127.0.0.1:4711/callback"]"#,
        r#""token_endpoint_auth_method":"none""#,
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    let callback = "https://vault.example/oauth/callback";
    assert!(register(&site, &issuer, callback).await.is_err());
    let asked = authority.asked().pop().unwrap();
    assert!(asked.contains(r#""application_type":"web""#), "{asked}");
}

#[tokio::test]
async fn a_client_registers_without_a_secret_or_with_one_in_the_form_if_it_can() {
    let (basic, post) = ("client_secret_basic", "client_secret_post");
    for (methods, chosen) in [
        (json!([basic, post, "none"]), "none"),
        (json!([basic, post]), post),
        (json!([basic]), basic),
        (json!(["private_key_jwt"]), basic),
        (json!(null), basic),
    ] {
        let authority = Authority::start().await;
        let changes = [("token_endpoint_auth_methods_supported", methods)];
        authority.answer(PATH, description(&authority, &changes));
        let issuer = described(&authority).await.unwrap();
        let answer = json!({ "client_id": "abc", "client_secret": "s" });
        authority.answer("/register", Answer::json(&answer));
        let registered = register(&beside(&authority), &issuer, REDIRECT).await;
        assert_eq!(registered.unwrap().auth_method, chosen);
        let asked = authority.asked().pop().unwrap();
        let part = format!(r#""token_endpoint_auth_method":"{chosen}""#);
        assert!(asked.contains(&part), "{asked}");
    }
}

#[tokio::test]
async fn a_registration_with_another_redirect_or_without_a_client_is_refused() {
    let (authority, issuer) = authority().await;
    let site = beside(&authority);
    for answer in [
        json!({ "client_id": "abc", "redirect_uris": ["https://evil.example/"] }),
        json!({ "client_id": "abc", "redirect_uris": [REDIRECT, "https://evil.example/"] }),
        json!({ "client_id": "abc", "redirect_uris": [] }),
        json!({ "client_id": "" }),
        json!({ "client_id": "x".repeat(5_000) }),
        json!({ "client_id": "abc", "token_endpoint_auth_method": "client_secret_jwt" }),
        json!({ "client_id": "abc", "token_endpoint_auth_method": "client_secret_post" }),
        json!([]),
    ] {
        authority.answer("/register", Answer::json(&answer));
        let registered = register(&site, &issuer, REDIRECT).await;
        assert!(registered.is_err(), "{answer}");
    }
    authority.answer("/register", Answer::text("400 Bad Request", "{}"));
    let refused = register(&site, &issuer, REDIRECT).await;
    assert!(matches!(refused, Err(OAuthError::NotRegistered)));
}

#[tokio::test]
async fn the_sign_in_has_pkce_state_resource_and_scopes() {
    let (_, issuer) = authority().await;
    let wanted = with_offline_access(vec!["read".to_owned()], &issuer);
    let request = Request {
        client_id: "id&x",
        redirect_uri: REDIRECT,
        resource: "https://tools.example/mcp",
        scopes: &wanted,
        state: "s",
        // RFC 7636, appendix B.
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    };
    let url = Url::parse(&request.url(&issuer).unwrap()).unwrap();
    let pairs: Vec<_> = url.query_pairs().collect();
    let expected = [
        ("response_type", "code"),
        ("client_id", "id&x"),
        ("redirect_uri", REDIRECT),
        ("state", "s"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("resource", "https://tools.example/mcp"),
        ("scope", "read offline_access"),
        ("prompt", "consent"),
    ];
    let expected = expected.map(|(name, value)| (name.into(), value.into()));
    assert_eq!(pairs, expected);
}

#[tokio::test]
async fn a_token_request_is_complete_and_its_answer_is_read() {
    let (authority, issuer) = authority().await;
    let answer = json!({
        "access_token": "a.b~c+/=", "token_type": "bearer", "expires_in": 60, "refresh_token": "r",
    });
    authority.answer("/token", Answer::json(&answer));
    let tokens = tokens(&authority, &issuer).await.unwrap();
    assert_eq!(bearer(&tokens.access_token).unwrap(), "Bearer a.b~c+/=");
    assert!(bearer(&tokens.access_token).unwrap().is_sensitive());
    assert_eq!(tokens.refresh_token.unwrap().expose(), b"r");
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_microseconds(61_000_000))
    );
    assert_eq!(tokens.scopes, ["read"]);
    let asked = authority.asked().pop().unwrap();
    let form = "grant_type=authorization_code&code=c%2Bd\
        &redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&code_verifier=v\
        &resource=https%3A%2F%2Ftools.example%2Fmcp&client_id=id%26x";
    assert!(asked.ends_with(form), "{asked}");
    assert!(!asked.to_lowercase().contains("authorization: "), "{asked}");
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused() {
    let (authority, issuer) = authority().await;
    for answer in [
        json!({ "access_token": "a" }),
        json!({ "access_token": "a", "token_type": "DPoP" }),
        json!({ "access_token": "a b", "token_type": "Bearer" }),
        json!({ "access_token": "a\r\nX: y", "token_type": "Bearer" }),
        json!({ "access_token": "", "token_type": "Bearer" }),
        json!({ "access_token": "x".repeat(20_000), "token_type": "Bearer" }),
        json!({ "token_type": "Bearer" }),
        json!("a"),
    ] {
        authority.answer("/token", Answer::json(&answer));
        let tokens = tokens(&authority, &issuer).await;
        assert!(matches!(tokens, Err(OAuthError::Malformed(_))), "{answer}");
    }
    for expires_in in [
        json!("3600"),
        json!(3600.5),
        json!(-1),
        json!(1e300),
        json!(null),
    ] {
        let answer =
            json!({ "access_token": "a", "token_type": "Bearer", "expires_in": expires_in });
        authority.answer("/token", Answer::json(&answer));
        let tokens = tokens(&authority, &issuer).await.unwrap();
        let life = tokens.expires_at.map(|end| end.since(now()));
        let is_an_hour = matches!(life, Some(3_600_000_000));
        let is_good = matches!(expires_in.to_string().as_str(), "\"3600\"" | "3600.5");
        assert_eq!(is_an_hour, is_good, "{expires_in}");
    }
}

#[tokio::test]
async fn errors_are_known_by_their_codes_and_never_repeated() {
    let (authority, issuer) = authority().await;
    let told = "the text of the server";
    for (error, expected) in [
        ("invalid_grant", "does not accept the sign-in"),
        ("invalid_client", "refuses the client"),
        ("invalid_scope", "refuses the scopes"),
        ("invalid_target", "invalid_target"),
        (told, "status 400"),
    ] {
        let body = json!({ "error": error, "error_description": told }).to_string();
        authority.answer("/token", Answer::text("400 Bad Request", &body));
        let error = tokens(&authority, &issuer).await.err().unwrap().to_string();
        assert!(error.contains(expected) && !error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_client_shows_its_secret_as_the_server_wants() {
    let (authority, issuer) = authority().await;
    let site = beside(&authority);
    authority.answer("/revoke", Answer::text("200 OK", ""));
    let proofs = [
        (
            Proof::Secret(ClientAuthentication::Basic, "s:%"),
            "token=t&token_type_hint=refresh_token",
            // `i%2Fd:s%3A%25`
            Some("authorization: Basic aSUyRmQ6cyUzQSUyNQ=="),
        ),
        (
            Proof::Secret(ClientAuthentication::Post, "s:%"),
            "&client_id=i%2Fd&client_secret=s%3A%25",
            None,
        ),
        (
            Proof::Assertion("j.w.t"),
            "&client_id=i%2Fd&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
             client-assertion-type%3Ajwt-bearer&client_assertion=j.w.t",
            None,
        ),
    ];
    for (proof, body, header) in proofs {
        let client = Identity { id: "i/d", proof };
        let revoked = revoke(&site, &issuer, &client, "t", "refresh_token").await;
        assert!(revoked.unwrap());
        let asked = authority.asked().pop().unwrap();
        assert!(asked.ends_with(body), "{asked}");
        assert!(
            header.is_none_or(|header| asked.contains(header)),
            "{asked}"
        );
    }
}
