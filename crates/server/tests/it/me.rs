//! `/v1/me` and `/v1/usage`.

use serde_json::json;
use toolvault_core::scope::Scope::{Manage, Resolve, Use};

use crate::harness::{Rights, World};

#[tokio::test]
async fn a_caller_is_told_who_they_are_and_what_they_may() {
    let world = World::start().await;
    let me = world.operator().get("/v1/me").await.expect(200);
    let expected = json!({
        "user_id": world.keys.user, "name": "operator",
        "scopes": ["manage", "use", "resolve", "audit", "admin"], "tools": [],
    });
    assert_eq!(me, expected);
    let me = world.agent().get("/v1/me").await.expect(200);
    assert_eq!(
        (&me["name"], &me["scopes"]),
        (&json!("agent"), &json!(["use"]))
    );
}

#[tokio::test]
async fn a_limited_key_is_told_its_patterns_and_a_platform_for_whom_it_acts() {
    let world = World::start().await;
    let narrow = world
        .holder(Rights {
            scopes: &[Use],
            tools: &["linear__*", "github__get"],
            ..Rights::default()
        })
        .await;
    let me = narrow.get("/v1/me").await.expect(200);
    assert_eq!(me["tools"], json!(["linear__*", "github__get"]));
    let platform = world
        .holder(Rights {
            scopes: &[Manage, Resolve],
            any_user: true,
            ..Rights::default()
        })
        .await;
    let served = world.new_user("served").await;
    let me = platform.acting_for(served).get("/v1/me").await.expect(200);
    assert_eq!(me["user_id"], json!(served));
}

#[tokio::test]
async fn usage_is_counted_in_steps_of_1_kib() {
    let world = World::start().await;
    let operator = world.operator();
    let mut ids = Vec::new();
    for (bytes, told) in [
        (4, 1024),
        (1020, 1024),
        (4, 2048),
        (1020, 2048),
        (1024, 3072),
    ] {
        ids.push(operator.named("n", &"x".repeat(bytes)).await);
        let usage = operator.get("/v1/usage").await.expect(200);
        assert_eq!(
            (&usage["secrets"], &usage["bytes"]),
            (&json!(ids.len()), &json!(told))
        );
    }
    for id in ids {
        operator
            .delete(&format!("/v1/secrets/{id}"))
            .await
            .expect(200);
    }
    let usage = operator.get("/v1/usage").await.expect(200);
    assert_eq!((&usage["secrets"], &usage["bytes"]), (&json!(0), &json!(0)));
}
