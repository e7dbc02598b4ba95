//! Tokens that end.

use futures_util::future::join_all;
use toolvault_core::scope::Scope::Use;

use super::super::relay::ERAS;
use super::*;
use crate::harness::Rights;

#[tokio::test]
async fn fifty_calls_of_several_keys_lead_to_one_refresh() {
    let scene = Scene::start().await;
    scene.connect().await;
    let mut agents = Vec::new();
    for _ in 0..5 {
        let rights = Rights {
            scopes: &[Use],
            ..Rights::default()
        };
        let holder = scene.world.holder(rights).await;
        agents.push(Client::begin(&scene.world, &holder, PATH, Era::Modern).await);
    }
    join_all(agents.iter().map(|agent| agent.call("send", "{}"))).await;
    assert!(scene.authority.requests("refresh_token").is_empty());
    scene.world.clock.advance(3_590);
    let calls = (0..50).map(|number| agents[number % 5].call("send", "{}"));
    for reply in join_all(calls).await {
        assert!(reply.message().get("result").is_some(), "{reply:?}");
    }
    let refreshes = scene.authority.requests("refresh_token");
    assert_eq!(refreshes.len(), 1, "{refreshes:?}");
    assert_eq!(refreshes[0]["refresh_token"], "the-refresh-token-number-1");
    let resource = format!("http://{}/mcp", scene.upstream.address);
    assert_eq!(refreshes[0]["resource"], resource);
    let sent = scene.tokens_sent();
    let new = sent.iter().filter(|token| token.ends_with("number-2"));
    assert_eq!(new.count(), 50);
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_renewed_once_and_the_session_goes_on() {
    for era in ERAS {
        let scene = Scene::start().await;
        scene.connect().await;
        let agent = scene.agent(era).await;
        agent.call("send", "{}").await;
        let greetings = scene.upstream.heard("initialize").len();
        scene.authority.ends_tokens();
        let reply = agent.call("send", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        assert_eq!(scene.authority.requests("refresh_token").len(), 1);
        assert_eq!(scene.upstream.heard("initialize").len(), greetings);
        // A server that refuses every token does not lead to a refresh for each call.
        for _ in 0..3 {
            scene.authority.ends_tokens();
            let reply = agent.call("send", "{}").await;
            assert!(reply.text.contains("#/connect/linear"), "{}", reply.text);
        }
        assert_eq!(scene.authority.requests("refresh_token").len(), 1);
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_ends_the_connection() {
    let scene = Scene::start().await;
    scene.authority.shared.lock().unwrap().answer = [("expires_in", json!(60))].into();
    scene.connect().await;
    let agent = scene.agent(Era::Legacy).await;
    scene.authority.shared.lock().unwrap().refuses = true;
    scene.authority.ends_tokens();
    scene.world.clock.advance(61);
    for _ in 0..2 {
        let reply = agent.call("send", "{}").await;
        assert!(reply.tool_error().contains("needs a sign-in"), "{reply:?}");
    }
    assert_eq!(scene.authority.requests("refresh_token").len(), 1);
    let connections = scene
        .world
        .vault
        .connections(&scene.person())
        .await
        .unwrap();
    assert!(connections[0].needs_sign_in);
    scene.authority.shared.lock().unwrap().refuses = false;
    scene.connect().await;
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_used_until_the_server_refuses_it() {
    let scene = Scene::start().await;
    let answer = [("refresh_token", json!(null)), ("expires_in", json!(60))];
    scene.authority.shared.lock().unwrap().answer = answer.into();
    let connection = scene.connect().await;
    assert!(!connection.can_refresh);
    let agent = scene.agent(Era::Modern).await;
    scene.world.clock.advance(61);
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    scene.authority.ends_tokens();
    let reply = agent.call("send", "{}").await;
    assert!(reply.tool_error().contains("needs a sign-in"), "{reply:?}");
}
