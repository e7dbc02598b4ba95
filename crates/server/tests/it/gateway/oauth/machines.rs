//! Servers without sign-ins: the tokens are those of the server's own client.

use toolvault_core::scope::Scope::Use;
use toolvault_gateway::settings::{Grant, OAuthSettings, ServerSettings, Transport};

use super::*;
use crate::harness::Rights;

fn oauth(server: &mut ServerSettings) -> &mut OAuthSettings {
    match &mut server.transport {
        Transport::Http(server) => &mut server.oauth,
        _ => panic!("not over HTTP"),
    }
}

async fn scene(change: impl FnOnce(&mut OAuthSettings)) -> Scene {
    Scene::start_with(|settings, authority| {
        let server = settings.servers.values_mut().next().unwrap();
        let oauth = oauth(server);
        oauth.issuer = Some(authority.url.clone());
        oauth.client_id = Some("machine".to_owned());
        oauth.grant = Grant::ClientCredentials;
        change(oauth);
    })
    .await
}

#[tokio::test]
async fn one_token_of_the_client_serves_all_callers_until_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "the client's secret\n").unwrap();
    let scene = scene(|oauth| oauth.client_secret_file = Some(secret)).await;
    let other = scene.world.new_user("other").await;
    let rights = Rights {
        scopes: &[Use],
        user: Some(other),
        ..Rights::default()
    };
    let other = scene.world.holder(rights).await;
    let mine = scene.agent(Era::Modern).await;
    let theirs = Client::begin(&scene.world, &other, PATH, Era::Legacy).await;
    for agent in [&mine, &theirs] {
        let reply = agent.call("send", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
    }
    let requests = scene.authority.requests("client_credentials");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["scope"], "read");
    scene.world.clock.advance(3_590);
    mine.call("send", "{}").await;
    assert_eq!(scene.authority.requests("client_credentials").len(), 2);
    scene.authority.ends_tokens();
    let reply = theirs.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    let begun = scene.begin().await;
    assert_eq!(begun.err().unwrap().code(), "no_sign_in");
    assert!(scene.desk.oauth_servers(&scene.person()).is_empty());
}

#[tokio::test]
async fn the_secret_of_the_client_goes_to_no_authorization_server_that_only_the_server_names() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "the client's secret\n").unwrap();
    for grant in [Grant::ClientCredentials, Grant::AuthorizationCode] {
        let secret = secret.clone();
        let scene = scene(|oauth| {
            oauth.issuer = None;
            oauth.client_secret_file = Some(secret);
            oauth.grant = grant;
        })
        .await;
        if grant == Grant::ClientCredentials {
            let agent = scene.unbegun(Era::Modern);
            let reply = agent.call("send", "{}").await;
            assert!(reply.text.contains("no token for the server"), "{reply:?}");
        } else {
            let begun = scene.begin().await.unwrap();
            let answer = scene.authority.signs_in(&begun.authorization_url);
            let refused = scene.complete(&begun.flow, answer).await;
            assert!(matches!(refused, Err(ConnectError::OAuth(_))));
        }
        assert!(scene.authority.shared.lock().unwrap().requests.is_empty());
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the key is made up for the test")]
async fn a_key_signs_who_the_client_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let random = aws_lc_rs::rand::SystemRandom::new();
    let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n");
    std::fs::write(&file, pem).unwrap();
    for (grant, field) in [
        (Grant::ClientCredentials, "client_assertion"),
        (Grant::JwtBearer, "assertion"),
    ] {
        let file = file.clone();
        let scene = scene(|oauth| {
            oauth.private_key_file = Some(file);
            oauth.grant = grant;
        })
        .await;
        let agent = scene.agent(Era::Modern).await;
        let reply = agent.call("send", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        let requests = scene.authority.shared.lock().unwrap().requests.clone();
        let assertion = &requests[0][field];
        let claims = assertion.split('.').nth(1).unwrap();
        let claims =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
        let claims: serde_json::Value = serde_json::from_slice(&claims.unwrap()).unwrap();
        assert_eq!(claims["aud"], scene.authority.url);
        assert_eq!(
            (claims["iss"].as_str(), claims["sub"].as_str()),
            (Some("machine"), Some("machine"))
        );
    }
}
