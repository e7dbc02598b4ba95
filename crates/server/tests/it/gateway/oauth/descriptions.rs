//! What an authorization server says about itself: used again, read anew when it must be.

use std::time::{Duration, Instant};

use super::*;

/// A person is signed in, with tokens that are good for 30 seconds.
async fn signed_in(cache_control: Option<&'static str>) -> (Scene, Client) {
    let scene = Scene::start().await;
    {
        let mut shared = scene.authority.shared.lock().unwrap();
        shared.cache_control = cache_control;
        shared.answer = [("expires_in", json!(30))].into();
    }
    scene.connect().await;
    let agent = scene.agent(Era::Modern).await;
    (scene, agent)
}

/// The token endpoint is elsewhere from now on, and the former one answers this.
fn moves(scene: &Scene, status: u16, former: &'static str) {
    let moved = format!("{}/elsewhere", scene.authority.url);
    let mut shared = scene.authority.shared.lock().unwrap();
    shared.former = Some((status, former));
    shared.description = [("token_endpoint", json!(moved))].into();
}

async fn refreshes(scene: &Scene, agent: &Client, step: i64) {
    scene.world.clock.advance(step);
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
}

#[tokio::test]
async fn a_refresh_is_one_request_as_long_as_the_description_holds() {
    for (cache_control, step, read) in [
        (None, 300, 1),
        (None, 600, 2),
        (Some("max-age=60"), 30, 1),
        (Some("max-age=60"), 3_600, 2),
        (Some("max-age=86400"), 3_599, 1),
        (Some("max-age=86400"), 3_600, 2),
        (Some("no-store"), 30, 2),
    ] {
        let (scene, agent) = signed_in(cache_control).await;
        let described = || scene.authority.shared.lock().unwrap().described;
        // The gateway at which the person signed in has read it, this one has not.
        let before = described();
        for _ in 0..2 {
            refreshes(&scene, &agent, step).await;
        }
        assert_eq!(scene.authority.requests("refresh_token").len(), 2);
        assert_eq!(described() - before, read, "{cache_control:?}, {step} s");
    }
}

#[tokio::test]
async fn an_endpoint_that_moved_is_found_again() {
    for (status, former, fails) in [
        (404, "", true),
        (200, "<title>We moved</title>", true),
        (400, r#"{"error":"invalid_request"}"#, true),
        // Would end the connection, so the new place is asked at once.
        (401, r#"{"error":"invalid_client"}"#, false),
    ] {
        let (scene, agent) = signed_in(None).await;
        refreshes(&scene, &agent, 30).await;
        moves(&scene, status, former);
        if fails {
            scene.world.clock.advance(30);
            let reply = agent.call("send", "{}").await;
            assert!(reply.text.contains("no token for the server"), "{reply:?}");
        }
        refreshes(&scene, &agent, 30).await;
    }
}

#[tokio::test]
async fn a_sign_in_finds_an_endpoint_that_moved_meanwhile() {
    let scene = Scene::start().await;
    let begun = scene.begin().await.unwrap();
    moves(&scene, 404, "");
    let answer = || scene.authority.signs_in(&begun.authorization_url);
    scene.complete(&begun.flow, answer()).await.unwrap_err();
    scene.complete(&begun.flow, answer()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_refused_twice_ends_the_connection() {
    let (scene, agent) = signed_in(None).await;
    refreshes(&scene, &agent, 30).await;
    let refused = r#"{"error":"invalid_client"}"#;
    scene.authority.shared.lock().unwrap().former = Some((401, refused));
    scene.authority.ends_tokens();
    scene.world.clock.advance(30);
    for _ in 0..2 {
        let reply = agent.call("send", "{}").await;
        assert!(reply.tool_error().contains("needs a sign-in"), "{reply:?}");
    }
    assert_eq!(scene.authority.requests("refresh_token").len(), 3);
}

#[tokio::test]
async fn a_description_that_does_not_come_ends_a_refresh_within_its_lease() {
    let (scene, agent) = signed_in(Some("no-store")).await;
    scene.authority.shared.lock().unwrap().is_silent = true;
    scene.world.clock.advance(30);
    let began = Instant::now();
    let reply = agent.call("send", "{}").await;
    assert!(reply.text.contains("no token for the server"), "{reply:?}");
    // The tokens may take 20 seconds, the lease lasts 30.
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(scene.authority.requests("refresh_token").is_empty());
    scene.authority.shared.lock().unwrap().is_silent = false;
    // The lease has ended.
    refreshes(&scene, &agent, 0).await;
}
