//! Authentication comes before the rest of a request, and is repeated for each request.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use toolvault_core::scope::Scope::Manage;

use crate::harness::{World, exchange, read_answer};

#[tokio::test]
async fn authentication_comes_before_the_body_is_read() {
    let world = World::start().await;
    let scopeless = world.agent();
    for (method, path) in [
        ("POST", "/v1/secrets/"),
        ("PATCH", "/v1/secrets/7"),
        ("PUT", "/v1/secrets/7/value"),
        ("POST", "/v1/tools/%2A/resolve"),
        ("POST", "/v1/resolve"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/users"),
    ] {
        // The body is announced but never sent; a server that waited for it would not answer.
        let head = world.anonymous().head(method, path);
        let request = format!("{head}content-type: text/plain\r\ncontent-length: 200000\r\n\r\n");
        let answer = exchange(world.address, request.as_bytes()).await;
        answer.refused(401, "unauthenticated");
        for body in ["{", "\u{0}", ""] {
            let answer = world.anonymous().json(method, path, body).await;
            answer.refused(401, "unauthenticated");
        }
    }
    scopeless
        .json("POST", "/v1/users", r#"{"name":"n"}"#)
        .await
        .refused(403, "missing_scope");
}

#[tokio::test]
async fn sign_in_failures_are_recorded_by_source_and_counted() {
    let world = World::start().await;
    for _ in 0..5 {
        world
            .anonymous()
            .with("x-api-key", "tvk_nonsense")
            .get("/v1/me")
            .await
            .refused(401, "unauthenticated");
    }
    // The seconds of the failures have ended.
    world.clock.advance(5);
    world.operator().named("n", "a value").await;
    let page = world
        .operator()
        .get("/v1/audit?action=sign_in.failed")
        .await
        .expect(200);
    let found = page["data"].as_array().unwrap();
    assert!(!found.is_empty());
    let total: i64 = found
        .iter()
        .map(|record| record["count"].as_i64().unwrap_or(1))
        .sum();
    assert_eq!(total, 5, "{page}");
    for record in found {
        assert_eq!(record["actor"], "anonymous");
        assert_eq!(record["source"], "127.0.0.1");
        assert_eq!(record["reason"], "key_not_accepted");
        assert_eq!(record["user_id"], json!(null));
    }
}

#[tokio::test]
async fn a_403_names_the_scope_that_is_missing() {
    let world = World::start().await;
    let manager = world.scoped(&[Manage]).await;
    let answer = manager.post("/v1/tools/t/resolve", &json!({})).await;
    answer.refused(403, "missing_scope");
    assert_eq!(
        answer.text(),
        r#"{"detail":"This key lacks the scope 'resolve'."}"#
    );
}

#[tokio::test]
async fn several_requests_on_one_connection_are_each_their_own() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let mut pipelined = Vec::new();
    for actor in [&world.operator(), &world.anonymous(), &other] {
        pipelined.extend(actor.bytes("GET", "/v1/me", None, b""));
    }
    stream.write_all(&pipelined).await.unwrap();
    let first = read_answer(&mut stream).await.unwrap().expect(200);
    assert_eq!(first["user_id"], json!(world.keys.user));
    read_answer(&mut stream)
        .await
        .unwrap()
        .refused(401, "unauthenticated");
    let third = read_answer(&mut stream).await.unwrap().expect(200);
    assert_eq!(third["user_id"], json!(other.user));
}

#[tokio::test]
async fn nobody_is_asked_for_a_body_that_will_not_be_read() {
    let world = World::start().await;
    for (actor, status) in [(world.anonymous(), 401), (world.operator(), 100)] {
        let head = actor.head("POST", "/v1/secrets/");
        let request = format!("{head}expect: 100-continue\r\ncontent-length: 100\r\n\r\n");
        let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let first = read_answer(&mut stream).await.unwrap();
        assert_eq!(first.status, status);
    }
}
