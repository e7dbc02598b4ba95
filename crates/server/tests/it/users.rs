//! `/v1/users`: for administrators.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::Admin;

use crate::harness::World;

#[tokio::test]
async fn a_user_is_made_listed_disabled_and_erased() {
    let world = World::start().await;
    let admin = world.scoped(&[Admin]).await;
    let made = admin
        .post("/v1/users", &json!({"name": "alice"}))
        .await
        .expect(200);
    let id = made["user_id"].as_str().unwrap().to_owned();
    let mut expected = json!({
        "user_id": id, "name": "alice", "origin": "local", "disabled": false,
        "secrets_limit": null, "bytes_limit": null, "created_at": made["created_at"],
    });
    assert_eq!(made, expected);
    let list = admin.get("/v1/users").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    assert_eq!(list["data"][1], expected);
    let list = admin.get("/v1/users?name=alice").await.expect(200);
    assert_eq!(list["data"], Value::from(vec![expected.clone()]));

    let path = format!("/v1/users/{id}");
    for (body, name, value) in [
        (json!({"disabled": true}), "disabled", json!(true)),
        (json!({"secrets_limit": 3}), "secrets_limit", json!(3)),
        (json!({"bytes_limit": 0}), "bytes_limit", json!(0)),
        (json!({"secrets_limit": null}), "secrets_limit", Value::Null),
        (json!({"disabled": false}), "disabled", json!(false)),
        (json!({}), "disabled", json!(false)),
    ] {
        expected[name] = value;
        assert_eq!(
            admin.patch(&path, &body).await.expect(200),
            expected,
            "{body}"
        );
    }
    assert_eq!(admin.delete(&path).await.expect(200), json!({}));
    admin.delete(&path).await.refused(404, "not_found");
    admin
        .patch(&path, &json!({}))
        .await
        .refused(404, "not_found");
    let list = admin.get("/v1/users").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_disabled_user_is_nobody_from_the_next_request_on_and_comes_back() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let id = other.named("kept", "a value").await;
    let path = format!("/v1/users/{}", other.user);
    let operator = world.operator();
    operator
        .patch(&path, &json!({"disabled": true}))
        .await
        .expect(200);
    other.get("/v1/me").await.refused(401, "unauthenticated");
    operator
        .patch(&path, &json!({"disabled": false}))
        .await
        .expect(200);
    assert_eq!(other.value_of(&id).await, "a value");
}

#[tokio::test]
async fn an_erased_user_takes_secrets_and_keys_along() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    other.named("erased", "a value").await;
    world
        .operator()
        .delete(&format!("/v1/users/{}", other.user))
        .await
        .expect(200);
    other
        .get("/v1/secrets/")
        .await
        .refused(401, "unauthenticated");
    let keys = world
        .operator()
        .get(&format!("/v1/keys?user_id={}", other.user))
        .await;
    assert_eq!(keys.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn wrong_users_are_refused() {
    let world = World::start().await;
    let operator = world.operator();
    for (body, mistake) in [
        (json!({}), "missing body.name"),
        (json!({"name": ""}), "string_too_short body.name"),
        (
            json!({"name": "x".repeat(1025)}),
            "string_too_long body.name",
        ),
        (json!({"name": 7}), "string_type body.name"),
        (json!({"name": "default"}), "name_taken body.name"),
    ] {
        let answer = operator.post("/v1/users", &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), [mistake]);
    }
    let path = format!("/v1/users/{}", operator.user);
    for (body, mistake) in [
        (
            json!({"secrets_limit": -1}),
            "greater_than_equal body.secrets_limit",
        ),
        (
            json!({"bytes_limit": 1.5}),
            "int_from_float body.bytes_limit",
        ),
        (json!({"disabled": "perhaps"}), "bool_parsing body.disabled"),
    ] {
        assert_eq!(operator.patch(&path, &body).await.mistakes(), [mistake]);
    }
    operator
        .patch("/v1/users/7", &json!({}))
        .await
        .refused(422, "invalid");
}
