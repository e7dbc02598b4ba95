//! 413: the limits of one user, even under concurrent requests.

use serde_json::json;
use toolvault_vault::Limits;

use crate::harness::World;

async fn world(secrets: i64, bytes: i64) -> World {
    World::start_with(|settings| {
        settings.vault.limits = Limits {
            secrets,
            bytes,
            ..Limits::default()
        };
    })
    .await
}

#[tokio::test]
async fn the_defaults_are_10000_secrets_and_1_mib() {
    let world = World::start().await;
    let usage = world.operator().get("/v1/usage").await.expect(200);
    let expected =
        json!({"secrets": 0, "secrets_limit": 10_000, "bytes": 0, "bytes_limit": 1 << 20});
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn one_more_secret_than_allowed_is_413() {
    let world = world(2, 1 << 20).await;
    let operator = world.operator();
    operator.named("a", "a value").await;
    let id = operator.named("b", "a value").await;
    let third = json!({"secret_name": "c", "secret_value": "a value"});
    let answer = operator.post("/v1/secrets/", &third).await;
    answer.refused(413, "quota_exceeded");
    assert_eq!(operator.count().await, 2);
    // A change that does not increase the number is allowed.
    let value = json!({"secret_value": "a longer value than before"});
    operator
        .patch(&format!("/v1/secrets/{id}"), &value)
        .await
        .expect(200);
    operator
        .delete(&format!("/v1/secrets/{id}"))
        .await
        .expect(200);
    operator.post("/v1/secrets/", &third).await.expect(200);
}

#[tokio::test]
async fn bytes_are_counted_and_not_code_points() {
    let world = world(100, 100).await;
    let operator = world.operator();
    let keys = |count| json!({"secret_name": "n", "secret_value": "🔑".repeat(count)});
    operator
        .post("/v1/secrets/", &keys(26))
        .await
        .refused(413, "quota_exceeded");
    let id = operator.create(keys(20)).await["secret_id"]
        .as_str()
        .unwrap()
        .to_owned();
    operator
        .post("/v1/secrets/", &keys(6))
        .await
        .refused(413, "quota_exceeded");
    operator.post("/v1/secrets/", &keys(5)).await.expect(200);
    let path = format!("/v1/secrets/{id}");
    for method_path in [path.clone(), format!("{path}/value")] {
        let method = if method_path == path { "PATCH" } else { "PUT" };
        let body = json!({"secret_value": "🔑".repeat(21)}).to_string();
        let answer = operator.json(method, &method_path, &body).await;
        answer.refused(413, "quota_exceeded");
    }
    assert_eq!(operator.value_of(&id).await, "🔑".repeat(20));
    operator
        .patch(&path, &json!({"secret_value": "tiny"}))
        .await
        .expect(200);
    operator.post("/v1/secrets/", &keys(19)).await.expect(200);
}

#[tokio::test]
async fn a_change_that_does_not_enlarge_is_allowed_beyond_a_lowered_limit() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("n", &"x".repeat(200)).await;
    let path = format!("/v1/users/{}", operator.user);
    let lowered = json!({"bytes_limit": 100, "secrets_limit": 0});
    operator.patch(&path, &lowered).await.expect(200);
    let path = format!("/v1/secrets/{id}");
    let change = |value: String| json!({"secret_value": value});
    operator
        .patch(&path, &change("y".repeat(200)))
        .await
        .expect(200);
    operator
        .patch(&path, &change("y".repeat(150)))
        .await
        .expect(200);
    operator
        .patch(&path, &change("y".repeat(151)))
        .await
        .refused(413, "quota_exceeded");
    operator
        .patch(&path, &json!({"secret_name": "renamed"}))
        .await
        .expect(200);
    operator
        .post(
            "/v1/secrets/",
            &json!({"secret_name": "m", "secret_value": "tiny"}),
        )
        .await
        .refused(413, "quota_exceeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_at_once_before_the_limit_as_many_are_stored_as_fit() {
    for (secrets, bytes, room) in [(5, 1 << 20, 5), (1_000, 10 * 7 + 3, 7)] {
        let world = world(secrets, bytes).await;
        let operator = world.operator();
        let requests = (0..32).map(|number| {
            let operator = operator.clone();
            tokio::spawn(async move {
                let value = format!("value {number:04}");
                let secret = json!({"secret_name": "n", "secret_value": value});
                operator.post("/v1/secrets/", &secret).await.outcome()
            })
        });
        let outcomes = futures_util::future::join_all(requests).await;
        let outcomes: Vec<String> = outcomes.into_iter().map(Result::unwrap).collect();
        let stored = outcomes.iter().filter(|outcome| *outcome == "200").count();
        let refused = outcomes
            .iter()
            .filter(|outcome| *outcome == "413 quota_exceeded")
            .count();
        assert_eq!((stored, refused), (room, 32 - room), "{outcomes:?}");
        assert_eq!(operator.count().await, room as u64);
    }
}
