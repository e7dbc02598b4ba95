//! People who sign in at an issuer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use toolvault_core::digest::sha256;
use toolvault_core::scope::{Scope, ScopeSet};

use crate::harness::{Actor, Answer, AtIssuer, Provider, World, cookie_of, sign, token_of};

pub(super) fn person(world: &World, answer: &Answer) -> Actor {
    let token = token_of(&answer.expect(200));
    world
        .anonymous()
        .with("cookie", &cookie_of(answer))
        .with("x-csrf-token", &token)
}

pub(super) async fn records(world: &World, action: &str) -> Vec<Value> {
    let path = format!("/v1/audit?action={action}");
    let page = world.operator().get(&path).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_person_signs_in_at_the_issuer_and_has_its_scopes() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let listed = world.anonymous().get("/v1/session/issuers").await;
    assert_eq!(listed.expect(200), json!({"data": [{"name": "main"}]}));
    let at = AtIssuer::begin(&world).await;
    for (name, expected) in [
        ("tenant", "one"),
        ("response_type", "code"),
        ("client_id", "the vault"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(at.parameter(name), expected);
    }
    let redirect_url = "http://localhost/sign-in/main";
    assert_eq!(at.parameter("redirect_uri"), redirect_url);
    provider.gives(&sign(&provider.claims("alice", &at)));
    let answer = at.come_back(&world).await;
    let session = answer.expect(200);
    assert_eq!(session["name"], "alice");
    assert_eq!(session["scopes"], json!(["manage", "audit"]));
    assert_eq!(session["key_id"], Value::Null);
    let alice = person(&world, &answer);
    let id = alice.named("hers", "a value").await;
    alice.get(&format!("/v1/secrets/{id}")).await.expect(200);
    alice.get("/v1/users").await.refused(403, "missing_scope");
    assert_eq!(alice.get("/v1/session").await.expect(200), session);

    let exchanges = provider.exchanges();
    let [exchange] = exchanges.as_slice() else {
        panic!("{} exchanges", exchanges.len());
    };
    let form = |name: &str| exchange.form[name].as_str();
    assert_eq!(form("grant_type"), "authorization_code");
    assert_eq!(form("code"), "the-code");
    assert_eq!(form("redirect_uri"), redirect_url);
    assert_eq!(form("client_id"), "the vault");
    let challenge = URL_SAFE_NO_PAD.encode(sha256(form("code_verifier").as_bytes()));
    assert_eq!(at.parameter("code_challenge"), challenge);
    assert!(exchange.authorization.is_none() && !exchange.form.contains_key("client_secret"));

    let started = records(&world, "session.started").await;
    assert_eq!(started[0]["actor"], format!("jwt:{} alice", provider.url));
    alice.delete("/v1/session").await;
    let ended = records(&world, "session.ended").await;
    assert_eq!(ended[0]["actor"], started[0]["actor"]);
    alice.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_same_subject_is_the_same_user_and_another_is_not() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let mut users = Vec::new();
    for subject in ["alice", "alice", "bob"] {
        let answer = provider.sign_in(&world, subject).await;
        users.push(answer.expect(200)["user_id"].clone());
    }
    assert_eq!(users[0], users[1]);
    assert_ne!(users[0], users[2]);
    // The description of the issuer is kept.
    assert_eq!(provider.descriptions(), 1);
}

#[tokio::test]
async fn the_scopes_of_people_are_a_setting_of_their_own() {
    let provider = Provider::start().await;
    let world = World::start_with(|settings| {
        provider.configure(settings);
        let scopes: ScopeSet = [Scope::Audit].into_iter().collect();
        settings.server.issuers[0].sign_in_scopes = Some(scopes);
    })
    .await;
    let at = AtIssuer::begin(&world).await;
    let mut claims = provider.claims("alice", &at);
    claims["scope"] = json!("manage admin");
    provider.gives(&sign(&claims));
    let answer = at.come_back(&world).await;
    assert_eq!(answer.expect(200)["scopes"], json!(["audit"]));
    let alice = person(&world, &answer);
    alice
        .get("/v1/secrets/")
        .await
        .refused(403, "missing_scope");
}

#[tokio::test]
async fn a_client_with_a_secret_sends_it_as_the_issuer_wants() {
    let methods = [
        (json!(null), true),
        (json!(["client_secret_basic", "client_secret_post"]), true),
        (json!(["private_key_jwt", "client_secret_post"]), false),
    ];
    for (supported, is_basic) in methods {
        let provider = Provider::start().await;
        provider.describes("token_endpoint_auth_methods_supported", supported);
        let world = World::start_with(|settings| {
            provider.configure(settings);
            let file = settings.directory.path().join("client-secret");
            std::fs::write(&file, "a secret: of the+client\n").unwrap();
            settings.server.issuers[0].client_secret_file = Some(file);
        })
        .await;
        provider.sign_in(&world, "alice").await.expect(200);
        let exchange = provider.exchanges().remove(0);
        if is_basic {
            let pair = STANDARD.encode("the%20vault:a%20secret%3A%20of%20the%2Bclient");
            assert_eq!(exchange.authorization, Some(format!("Basic {pair}")));
            assert!(!exchange.form.contains_key("client_secret"));
        } else {
            assert_eq!(exchange.authorization, None);
            assert_eq!(exchange.form["client_secret"], "a secret: of the+client");
            assert_eq!(exchange.form["client_id"], "the vault");
        }
    }
}

#[tokio::test]
async fn the_issuer_sends_people_back_to_a_fragment_below_the_public_url() {
    let provider = Provider::start().await;
    let world = World::start_with(|settings| {
        provider.configure(settings);
        let url = "https://vault.example/toolvault".to_owned();
        settings.server.gateway.public_url = Some(url);
    })
    .await;
    let page = world
        .anonymous()
        .with("host", "vault.example")
        .with("origin", "https://vault.example");
    let body = json!({"issuer": "main"});
    let begun = page.post("/v1/session/issuers", &body).await.expect(200);
    let expected = "redirect_uri=https%3A%2F%2Fvault.example%2Ftoolvault%2Fsign-in%2Fmain&";
    assert!(begun["url"].as_str().unwrap().contains(expected), "{begun}");
    // The proxy removes the path.
    let back = world.anonymous().with("host", "vault.example");
    let back = back.get("/sign-in/main?code=c&state=s").await;
    assert_eq!(back.status, 303);
    let location = back.header("location");
    assert_eq!(location, Some("../#/signed-in/main?code=c&state=s"));
    assert_eq!(back.header("cache-control"), Some("no-store"));
    assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn a_session_ends_with_its_user_and_by_its_own_limits() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let answer = provider.sign_in(&world, "alice").await;
    let alice = person(&world, &answer);
    // Its token expired after ten minutes.
    world.clock.advance(29 * 60);
    let session = alice.get("/v1/session").await.expect(200);
    let user = serde_json::from_value(session["user_id"].clone()).unwrap();
    world.disable(user).await;
    alice.get("/v1/me").await.refused(401, "unauthenticated");
    let again = provider.sign_in(&world, "alice").await;
    again.refused(403, "no_user");
    assert_eq!(again.header("set-cookie"), None);
    world.enable(user).await;
    let again = person(&world, &provider.sign_in(&world, "alice").await);
    again.get("/v1/me").await.expect(200);
    let local = world.local(world.keys.user);
    world.vault.delete_user(&local, user).await.unwrap();
    again.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn who_is_not_known_here_is_told_so() {
    let provider = Provider::start().await;
    let world = World::start_with(|settings| {
        provider.configure(settings);
        settings.server.issuers[0].create_users = false;
    })
    .await;
    let answer = provider.sign_in(&world, "mallory").await;
    answer.refused(403, "no_user");
    world.clock.advance(5);
    world.operator().named("n", "a value").await;
    let failures = records(&world, "sign_in.failed").await;
    assert_eq!(failures[0]["reason"], "user_not_accepted");
}

#[tokio::test]
async fn a_person_in_a_session_names_no_other_user() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let alice = person(&world, &provider.sign_in(&world, "alice").await);
    let acting = alice.acting_for(world.keys.user);
    acting
        .get("/v1/secrets/")
        .await
        .refused(403, "not_any_user");
}

#[tokio::test]
async fn an_issuer_without_a_client_signs_no_one_in() {
    let world = World::start_with(|settings| {
        settings.server.issuers = vec![crate::harness::issuer_in(settings.directory.path())];
    })
    .await;
    let anonymous = world.anonymous();
    let listed = anonymous.get("/v1/session/issuers").await;
    assert_eq!(listed.expect(200), json!({"data": []}));
    let body = json!({"issuer": "main"});
    let begun = anonymous.post("/v1/session/issuers", &body).await;
    assert_eq!(begun.mistakes(), ["value_error body.issuer"]);
    anonymous
        .get("/sign-in/main?code=c&state=s")
        .await
        .refused(404, "no_such_route");
}
