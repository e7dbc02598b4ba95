//! What an attacker, another page or a hostile issuer sends when people sign in at an issuer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use toolvault_core::digest::{sha256, sha512};

use super::issuers::{person, records};
use crate::harness::{
    ACCESS_TOKEN, AtIssuer, Provider, World, claims_for, sign, sign_as, sign_as_stranger,
};

#[tokio::test]
async fn an_id_token_for_another_sign_in_client_or_issuer_is_refused() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let changes: [(&str, Value); 14] = [
        ("nonce", json!("another")),
        ("nonce", json!("")),
        ("nonce", json!(null)),
        ("aud", json!("another client")),
        ("aud", json!([])),
        ("aud", json!(["the vault", "another client"])),
        ("azp", json!("another client")),
        ("iss", json!("https://issuer.example")),
        ("iss", json!(format!("{}/", provider.url))),
        ("exp", json!(1)),
        ("iat", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("events", json!({})),
    ];
    for (name, value) in changes {
        let at = AtIssuer::begin(&world).await;
        let mut claims = provider.claims("alice", &at);
        claims[name] = value;
        provider.gives(&sign(&claims));
        let answer = at.come_back(&world).await;
        answer.refused(401, "unauthenticated");
        assert_eq!(answer.header("set-cookie"), None, "{claims}");
    }
    for name in ["nonce", "aud", "iss", "exp", "iat", "sub"] {
        let at = AtIssuer::begin(&world).await;
        let mut claims = provider.claims("alice", &at);
        claims.as_object_mut().unwrap().remove(name);
        provider.gives(&sign(&claims));
        let answer = at.come_back(&world).await;
        answer.refused(401, "unauthenticated");
    }
    for flaw in [
        "another key",
        "at+jwt",
        "logout+jwt",
        "no signature",
        "no token",
    ] {
        let at = AtIssuer::begin(&world).await;
        let claims = provider.claims("alice", &at);
        let signed = sign(&claims);
        provider.gives(&match flaw {
            "another key" => sign_as_stranger(&claims),
            "no signature" => signed.rsplit_once('.').unwrap().0.to_owned() + ".",
            "no token" => flaw.to_owned(),
            typ => sign_as(typ, &claims),
        });
        let answer = at.come_back(&world).await;
        answer.refused(401, "unauthenticated");
    }
    world.clock.advance(5);
    world.operator().named("n", "a value").await;
    let failures = records(&world, "sign_in.failed").await;
    assert_eq!(failures[0]["reason"], "token_not_accepted");
}

#[tokio::test]
async fn an_id_token_with_the_hash_of_another_access_token_is_refused() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let half = |token: &str| URL_SAFE_NO_PAD.encode(&sha512(token.as_bytes())[..32]);
    let own = half(ACCESS_TOKEN);
    let whole = URL_SAFE_NO_PAD.encode(sha512(ACCESS_TOKEN.as_bytes()));
    let other_function = URL_SAFE_NO_PAD.encode(&sha256(ACCESS_TOKEN.as_bytes())[..16]);
    for value in [
        json!(half("another")),
        json!(whole),
        json!(other_function),
        json!(format!("{own}=")),
        json!(own.to_uppercase()),
        json!(""),
        json!(null),
        json!([own]),
    ] {
        let at = AtIssuer::begin(&world).await;
        let mut claims = provider.claims("alice", &at);
        claims["at_hash"] = value;
        provider.gives(&sign(&claims));
        let answer = at.come_back(&world).await;
        answer.refused(401, "unauthenticated");
    }
    // Without the access token, the hash says nothing.
    let at = AtIssuer::begin(&world).await;
    let mut claims = provider.claims("alice", &at);
    claims["at_hash"] = json!(own);
    let token = sign(&claims);
    for beside in [Value::Null, json!(7), json!("")] {
        let body = json!({"id_token": token, "access_token": beside});
        provider.answers(200, &body.to_string());
        let answer = at.come_back(&world).await;
        answer.refused(401, "unauthenticated");
    }
    provider.gives(&token);
    at.come_back(&world).await.expect(200);
}

#[tokio::test]
async fn an_id_token_is_no_credential_of_a_program() {
    let provider = Provider::start().await;
    // Even if the issuer's tokens for programs have the client as their audience.
    let world = World::start_with(|settings| {
        provider.configure(settings);
        settings.server.issuers[0].audience = vec!["the vault".to_owned()];
    })
    .await;
    let at = AtIssuer::begin(&world).await;
    let token = sign(&provider.claims("alice", &at));
    let bearer = world.anonymous().with("token", &token);
    bearer.get("/v1/me").await.refused(401, "unauthenticated");
    provider.gives(&token);
    at.come_back(&world).await.expect(200);
    bearer.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn without_an_audience_no_token_is_a_credential() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    for audience in [json!("the vault"), json!(""), json!([]), Value::Null] {
        let mut claims = claims_for("alice");
        claims["iss"] = json!(provider.url);
        claims["aud"] = audience;
        let bearer = world.anonymous().with("token", &sign(&claims));
        bearer.get("/v1/me").await.refused(401, "unauthenticated");
    }
    let metadata = "/.well-known/oauth-protected-resource";
    let answer = world.anonymous().get(metadata).await;
    answer.refused(404, "no_such_route");
}

#[tokio::test]
async fn an_answer_to_another_sign_in_is_refused_before_its_code_is_sent() {
    let provider = Provider::start().await;
    provider.describes(
        "authorization_response_iss_parameter_supported",
        json!(true),
    );
    let world = provider.world().await;
    let at = AtIssuer::begin(&world).await;
    let other = AtIssuer::begin(&world).await;
    provider.gives(&sign(&provider.claims("alice", &at)));
    let issuer = provider.url.replace(':', "%3A").replace('/', "%2F");
    let good = format!("{}&iss={issuer}", at.answer());
    for answer in [
        // Of another tab or browser.
        format!("{}&iss={issuer}", other.answer()),
        // Without, with another and with two issuers (RFC 9207).
        at.answer(),
        format!("{}&iss=https%3A%2F%2Fevil.example", at.answer()),
        format!("{good}&iss={issuer}"),
        format!("{good}&code=another"),
        format!("{good}&state=another"),
        format!("state={}&iss={issuer}", at.parameter("state")),
        format!("code=c&iss={issuer}"),
        "error=access_denied".to_owned(),
    ] {
        let refused = at.come_back_with(&world, "main", &answer).await;
        refused.refused(401, "unauthenticated");
    }
    // To the path of another issuer.
    let refused = at.come_back_with(&world, "other", &good).await;
    refused.refused(401, "unauthenticated");
    assert!(provider.exchanges().is_empty());
    at.come_back_with(&world, "main", &good).await.expect(200);
}

#[tokio::test]
async fn a_sign_in_ends_once_within_ten_minutes_and_only_here() {
    let provider = Provider::start().await;
    let (world, elsewhere) = (provider.world().await, provider.world().await);
    let at = AtIssuer::begin(&world).await;
    provider.gives(&sign(&provider.claims("alice", &at)));
    let foreign = at.come_back(&elsewhere).await;
    foreign.refused(401, "unauthenticated");
    at.come_back(&world).await.expect(200);
    // Even if the issuer accepts the code again.
    let replayed = at.come_back(&world).await;
    replayed.refused(401, "unauthenticated");
    assert_eq!(replayed.header("set-cookie"), None);
    assert_eq!(records(&world, "session.started").await.len(), 1);

    let late = AtIssuer::begin(&world).await;
    provider.gives(&sign(&provider.claims("alice", &late)));
    world.clock.advance(601);
    let refused = late.come_back(&world).await;
    refused.refused(401, "unauthenticated");
    for flow in ["", "x", "AAAA", &late.flow[..late.flow.len() - 4]] {
        let at = AtIssuer {
            url: late.url.clone(),
            flow: flow.to_owned(),
        };
        let refused = at.come_back(&world).await;
        let expected = if flow.is_empty() { 422 } else { 401 };
        assert_eq!(refused.status, expected, "{flow}");
    }
}

#[tokio::test]
async fn what_one_browser_holds_is_no_use_for_another_kind() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let at = AtIssuer::begin(&world).await;
    let link = json!({"link": at.flow});
    let answer = world.anonymous().post("/v1/session", &link).await;
    answer.refused(401, "unauthenticated");
    let alice = person(&world, &provider.sign_in(&world, "alice").await);
    let (name, session) = alice.sends("cookie").split_once('=').unwrap();
    let cookie = format!("{name}={}", at.flow);
    let pretender = alice.clone().without("cookie").with("cookie", &cookie);
    pretender
        .get("/v1/me")
        .await
        .refused(401, "unauthenticated");
    let as_flow = AtIssuer {
        url: at.url.clone(),
        flow: session.to_owned(),
    };
    let answer = as_flow.come_back(&world).await;
    answer.refused(401, "unauthenticated");
}

#[tokio::test]
async fn another_page_begins_no_sign_in() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let body = json!({"issuer": "main"});
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:9"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let page = world.anonymous().with(name, value);
        let answer = page.post("/v1/session/issuers", &body).await;
        answer.refused(403, "origin_not_allowed");
    }
    let rebound = world.anonymous().with("host", "rebound.example");
    let answer = rebound.post("/v1/session/issuers", &body).await;
    answer.refused(403, "host_not_allowed");
    let answer = rebound.get("/sign-in/main?code=c").await;
    answer.refused(403, "host_not_allowed");
    assert_eq!(provider.descriptions(), 0);
}

#[tokio::test]
async fn an_issuer_that_answers_wrongly_signs_no_one_in() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let elsewhere = format!("{}/elsewhere", provider.url);
    for (status, body, expected) in [
        (200, "", 503),
        (200, "rubbish", 503),
        (200, "[]", 503),
        (200, "{}", 503),
        (200, r#"{"id_token": 7}"#, 503),
        (200, r#"{"id_token": "a", "id_token": "b"}"#, 503),
        (200, r#"{"id_token": "a.b.c"}"#, 401),
        (400, r#"{"error": "invalid_grant"}"#, 401),
        (400, r#"{"error": "invalid_client"}"#, 503),
        (401, r#"{"error": "invalid_client"}"#, 503),
        (302, "", 503),
        (307, "", 503),
        (500, "", 503),
    ] {
        let at = AtIssuer::begin(&world).await;
        provider.sends("location", elsewhere.clone());
        provider.answers(status, body);
        let answer = at.come_back(&world).await;
        assert_eq!(answer.status, expected, "{status} {body}");
        if expected == 503 {
            answer.refused(503, "issuer_not_available");
        }
        assert_eq!(answer.header("set-cookie"), None);
    }
    let at = AtIssuer::begin(&world).await;
    let long = format!(r#"{{"id_token": "{}"}}"#, "a".repeat(70_000));
    provider.answers(200, &long);
    let answer = at.come_back(&world).await;
    answer.refused(503, "issuer_not_available");
    provider.hangs();
    let answer = at.come_back(&world).await;
    answer.refused(503, "issuer_not_available");
}

#[tokio::test]
async fn an_issuer_that_describes_itself_wrongly_signs_no_one_in() {
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("issuer", json!(null)),
        ("authorization_endpoint", json!("http://evil.example/")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("https://u:p@evil.example/")),
        ("authorization_endpoint", json!("https://evil.example/#a")),
        ("authorization_endpoint", json!(null)),
        ("token_endpoint", json!("http://169.254.169.254/latest")),
        ("token_endpoint", json!("https://169.254.169.254/latest")),
        ("token_endpoint", json!("file:///etc/passwd")),
        ("token_endpoint", json!("")),
    ] {
        let provider = Provider::start().await;
        provider.describes(name, value.clone());
        let world = provider.world().await;
        let anonymous = world.anonymous();
        let body = json!({"issuer": "main"});
        let begun = anonymous.post("/v1/session/issuers", &body).await;
        begun.refused(503, "issuer_not_available");
        assert!(!begun.text().contains("evil"), "{name} {value}");
        // It is not asked again at once.
        anonymous.post("/v1/session/issuers", &body).await;
        assert_eq!(provider.descriptions(), 1);
    }
}
