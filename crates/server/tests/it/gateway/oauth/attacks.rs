//! Answers of others, and of authorization servers that lie.

use super::*;

/// What a failed sign-in leaves: no connection, and no code sent anywhere.
async fn nothing_happened(scene: &Scene) {
    assert!(scene.authority.requests("authorization_code").is_empty());
    let connections = scene.world.vault.connections(&scene.person()).await;
    assert!(connections.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_of_another_server_or_sign_in_is_refused_before_the_code_is_sent() {
    let scene = Scene::start().await;
    let begun = scene.begin().await.unwrap();
    let (code, state) = scene.authority.code(&begun.authorization_url);
    let own = scene.authority.url.as_str();
    let slash = format!("{own}/");
    for (state, iss) in [
        (state.as_str(), Some("https://evil.example")),
        (&state, Some(&*slash)),
        (&state, None),
        ("stolen", Some(own)),
        ("", Some(own)),
    ] {
        let refused = scene
            .complete(&begun.flow, answer(Some(&code), state, iss))
            .await;
        assert_eq!(refused.unwrap_err().code(), "sign_in_mismatch", "{iss:?}");
        let mut error = answer(None, state, iss);
        error.error = Some("access_denied".to_owned());
        let refused = scene.complete(&begun.flow, error).await;
        assert_eq!(refused.unwrap_err().code(), "sign_in_mismatch", "{iss:?}");
    }
    nothing_happened(&scene).await;
    let mut denied = answer(None, &state, Some(own));
    denied.error = Some("access_denied".to_owned());
    let refused = scene.complete(&begun.flow, denied).await;
    assert_eq!(refused.unwrap_err().code(), "sign_in_denied");
    nothing_happened(&scene).await;
    let good = answer(Some(&code), &state, Some(own));
    scene.complete(&begun.flow, good).await.unwrap();
}

#[tokio::test]
async fn a_sign_in_is_of_one_user_at_one_server_and_used_once() {
    let scene = Scene::start().await;
    let begun = scene.begin().await.unwrap();
    let other = scene.world.new_user("other").await;
    let other = scene.world.local(other);
    let (code, state) = scene.authority.code(&begun.authorization_url);
    let given = || answer(Some(&code), &state, Some(&scene.authority.url));
    let stolen = scene
        .desk
        .complete_connection(&other, "linear", &begun.flow, given());
    assert!(matches!(stolen.await, Err(ConnectError::Vault(_))));
    let person = scene.person();
    let elsewhere = scene
        .desk
        .complete_connection(&person, "other", &begun.flow, given());
    assert_eq!(elsewhere.await.unwrap_err().code(), "no_such_server");
    assert!(scene.complete("00", given()).await.is_err());
    nothing_happened(&scene).await;
    scene.complete(&begun.flow, given()).await.unwrap();
    let again = scene.authority.signs_in(&begun.authorization_url);
    assert!(scene.complete(&begun.flow, again).await.is_err());
    // It takes ten minutes at most.
    let begun = scene.begin().await.unwrap();
    let answer = scene.authority.signs_in(&begun.authorization_url);
    scene.world.clock.advance(601);
    assert!(scene.complete(&begun.flow, answer).await.is_err());
    assert_eq!(scene.authority.requests("authorization_code").len(), 1);
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_worthless() {
    let scene = Scene::start().await;
    let (own, foreign) = (scene.begin().await.unwrap(), scene.begin().await.unwrap());
    let (_, state) = scene.authority.code(&own.authorization_url);
    let (injected, _) = scene.authority.code(&foreign.authorization_url);
    let answer = answer(Some(&injected), &state, Some(&scene.authority.url));
    let refused = scene.complete(&own.flow, answer).await;
    assert!(matches!(refused, Err(ConnectError::OAuth(_))));
    let connections = scene.world.vault.connections(&scene.person()).await;
    assert!(connections.unwrap().is_empty());
}

#[tokio::test]
async fn a_sign_in_goes_on_only_at_the_server_where_it_began() {
    let scene = Scene::start().await;
    let begun = scene.begin().await.unwrap();
    let answer = scene.authority.signs_in(&begun.authorization_url);
    // Meanwhile the tool server names another authorization server.
    let evil = Authority::start().await;
    evil.guards(&scene.upstream);
    scene.complete(&begun.flow, answer).await.unwrap();
    assert!(evil.requests("authorization_code").is_empty());
}

#[tokio::test]
async fn authorization_servers_that_lie_get_no_sign_in() {
    let scene = Scene::start().await;
    for (name, lie) in [
        ("issuer", json!("https://honest.example")),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("token_endpoint", json!("http://169.254.169.254/token")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("registration_endpoint", json!(null)),
    ] {
        let description = [(name, lie)].into();
        scene.authority.shared.lock().unwrap().description = description;
        assert!(scene.begin().await.is_err(), "{name}");
    }
    assert!(
        scene
            .authority
            .shared
            .lock()
            .unwrap()
            .registrations
            .is_empty()
    );
}

#[tokio::test]
async fn what_may_not_begin_does_not() {
    let scene = Scene::start().await;
    let person = scene.person();
    for redirect in [
        "http://evil.example/callback",
        "ftp://127.0.0.1/callback",
        "https://user@vault.example/oauth/callback",
        "https://vault.example/oauth/callback#x",
        "callback",
    ] {
        let begun = scene
            .desk
            .begin_connection(&person, "linear", redirect, None);
        assert_eq!(begun.await.err().unwrap().code(), "invalid_redirect");
    }
    let scopes = Some(vec!["a b".to_owned()]);
    let begun = scene
        .desk
        .begin_connection(&person, "linear", REDIRECT, scopes);
    assert_eq!(begun.await.err().unwrap().code(), "invalid_scopes");
    let begun = scene
        .desk
        .begin_connection(&person, "other", REDIRECT, None);
    assert_eq!(begun.await.err().unwrap().code(), "no_such_server");
    assert!(scene.upstream.all().is_empty());
}

#[tokio::test]
async fn a_token_goes_only_to_the_server_that_it_is_for() {
    let scene = Scene::start().await;
    scene.connect().await;
    let agent = scene.agent(Era::Modern).await;
    let other = Upstream::start(&[TOOL]).await;
    let mut settings = GatewaySettings::default();
    let name = "linear".parse().unwrap();
    settings.servers.insert(name, settings_of(&other));
    scene.world.handle.reload_gateway(settings).unwrap();
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    for heard in other.all() {
        assert!(!heard.everything().contains("access-token"), "{heard:?}");
    }
    assert!(!other.heard("tools/call").is_empty());
}
