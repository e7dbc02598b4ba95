//! `Idempotency-Key`: one secret even if the request is repeated.

use serde_json::json;

use crate::harness::World;

const DAY: i64 = 24 * 3_600;

#[tokio::test]
async fn the_same_request_with_the_same_key_is_one_secret() {
    let world = World::start().await;
    let operator = world.operator();
    let repeating = operator.clone().with("idempotency-key", "k1");
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    let first = repeating.post("/v1/secrets/", &secret).await;
    let second = repeating.post("/v1/secrets/", &secret).await;
    assert_eq!(first.expect(200), second.expect(200));
    assert_eq!(first.header("etag"), second.header("etag"));
    assert_eq!(operator.count().await, 1);

    world.clock.advance(DAY - 60);
    let third = repeating.post("/v1/secrets/", &secret).await;
    assert_eq!(third.expect(200), first.expect(200));
    world.clock.advance(120);
    let late = repeating.post("/v1/secrets/", &secret).await;
    assert_ne!(late.expect(200)["secret_id"], first.json()["secret_id"]);
    assert_eq!(operator.count().await, 2);
}

#[tokio::test]
async fn sixteen_at_once_are_one_secret() {
    let world = World::start().await;
    let operator = world.operator();
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    let requests = (0..16).map(|_| {
        let (repeating, secret) = (
            operator.clone().with("idempotency-key", "k1"),
            secret.clone(),
        );
        async move { repeating.post("/v1/secrets/", &secret).await.expect(200) }
    });
    let answers = futures_util::future::join_all(requests).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(operator.count().await, 1);
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let world = World::start().await;
    let operator = world.operator();
    let repeating = operator.clone().with("idempotency-key", "k1");
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    repeating.post("/v1/secrets/", &secret).await.expect(200);
    for (name, other) in [
        ("secret_name", json!("another")),
        ("secret_value", json!("another value")),
        ("tool_name", json!("tool")),
        ("tool_arg", json!("arg")),
        ("is_default_for_tool", json!(true)),
    ] {
        let mut different = secret.clone();
        different[name] = other;
        let answer = repeating.post("/v1/secrets/", &different).await;
        answer.refused(422, "invalid");
        assert_eq!(
            answer.mistakes(),
            ["idempotency_key_reused header.idempotency-key"]
        );
    }
    assert_eq!(operator.count().await, 1);
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let world = World::start().await;
    let (operator, other) = (world.operator(), world.other_tenant().await);
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    let mine = operator.clone().with("idempotency-key", "k1");
    let theirs = other.clone().with("idempotency-key", "k1");
    let mine = mine.post("/v1/secrets/", &secret).await.expect(200);
    let theirs = theirs.post("/v1/secrets/", &secret).await.expect(200);
    assert_ne!(mine["secret_id"], theirs["secret_id"]);
    assert_eq!(theirs["user_id"], json!(other.user));
}

#[tokio::test]
async fn a_refused_request_uses_no_key_up() {
    let world = World::start().await;
    let operator = world.operator();
    let repeating = operator.clone().with("idempotency-key", "k1");
    let bad = json!({"secret_name": "name", "secret_value": "abc"});
    repeating
        .post("/v1/secrets/", &bad)
        .await
        .refused(422, "invalid");
    let good = json!({"secret_name": "name", "secret_value": "a value"});
    repeating.post("/v1/secrets/", &good).await.expect(200);
}

#[tokio::test]
async fn a_key_has_1_to_255_characters() {
    let world = World::start().await;
    let operator = world.operator();
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    for (length, status) in [(0, 422), (1, 200), (255, 200), (256, 422)] {
        let key = "k".repeat(length);
        let repeating = operator.clone().with("idempotency-key", &key);
        let answer = repeating.post("/v1/secrets/", &secret).await;
        assert_eq!(answer.status, status, "{length}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_honoured_is_refused_and_not_passed_over() {
    let world = World::start().await;
    let operator = world.operator();
    let secret = json!({"secret_name": "name", "secret_value": "a value"});
    let twice = operator
        .clone()
        .with("idempotency-key", "k1")
        .with("idempotency-key", "k2");
    let no_text = operator.clone().with("idempotency-key", "\u{e9}");
    for actor in [twice, no_text] {
        let answer = actor.post("/v1/secrets/", &secret).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), ["value_error header.idempotency-key"]);
    }
    assert_eq!(operator.count().await, 0);
}
