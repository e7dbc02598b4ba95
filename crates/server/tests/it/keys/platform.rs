//! A key with `any_user`: an agent platform that creates short-lived keys for its agents.

use serde_json::json;
use toolvault_core::scope::Scope::{Manage, Resolve, Use};

use super::lifecycle::make;
use crate::harness::{Actor, Rights, World};

async fn platform(world: &World) -> Actor {
    let rights = Rights {
        scopes: &[Manage, Use, Resolve],
        any_user: true,
        ..Rights::default()
    };
    world.holder(rights).await
}

#[tokio::test]
async fn exactly_one_header_names_the_user() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let served = world.new_user("served").await;
    let id = served.to_string();
    platform.get("/v1/me").await.refused(403, "user_not_named");
    for wrong in [
        "",
        "alice",
        "*",
        &format!("{id},{id}"),
        &format!("{id} {id}"),
        "é",
    ] {
        let answer = platform
            .clone()
            .with("x-toolvault-user", wrong)
            .get("/v1/me")
            .await;
        answer.refused(403, "user_not_named");
    }
    let twice = platform.clone().acting_for(served).acting_for(served);
    twice.get("/v1/me").await.refused(403, "user_not_named");
    let both = platform
        .clone()
        .acting_for(served)
        .acting_for(world.keys.user);
    both.get("/v1/me").await.refused(403, "user_not_named");
    platform.acting_for(served).get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_platform_acts_for_each_user_apart() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let (first, second) = (
        world.new_user("first").await,
        world.new_user("second").await,
    );
    let (first, second) = (
        platform.clone().acting_for(first),
        platform.clone().acting_for(second),
    );
    let id = first
        .default_for("tool", "arg", "the first one's value")
        .await;
    let path = format!("/v1/secrets/{id}");
    first.get(&path).await.expect(200);
    second.get(&path).await.refused(404, "not_found");
    assert_eq!(second.count().await, 0);
    let completed = second
        .post("/v1/tools/tool/resolve", &json!({}))
        .await
        .expect(200);
    assert_eq!(completed["args"], json!({}));
    let completed = first
        .post("/v1/tools/tool/resolve", &json!({}))
        .await
        .expect(200);
    assert_eq!(completed["args"]["arg"], "the first one's value");
}

#[tokio::test]
async fn a_user_who_is_unknown_or_disabled_cannot_be_acted_for() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let disabled = world.new_user("disabled").await;
    world.disable(disabled).await;
    let unknown = "00000000-0000-7000-8000-000000000000".parse().unwrap();
    let unknown = platform
        .clone()
        .acting_for(toolvault_core::identity::UserId(unknown));
    let unknown = unknown.get("/v1/me").await;
    unknown.refused(403, "user_unavailable");
    let disabled = platform.acting_for(disabled).get("/v1/me").await;
    disabled.refused(403, "user_unavailable");
    assert_eq!(unknown.body, disabled.body);
}

#[tokio::test]
async fn a_platform_makes_short_lived_keys_with_and_without_the_header() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let served = world.new_user("served").await;
    let body = json!({"name": "agent", "scopes": ["use"], "user_id": served, "expires_in": 900});
    for creator in [platform.clone(), platform.clone().acting_for(served)] {
        let (agent, object) = make(&creator, body.clone(), &world).await;
        assert_eq!(object["user_id"], json!(served));
        assert_eq!(object["any_user"], false);
        let me = agent.get("/v1/me").await.expect(200);
        assert_eq!(
            (&me["user_id"], &me["scopes"]),
            (&json!(served), &json!(["use"]))
        );
        // Such a key cannot act for other users.
        let answer = agent.acting_for(served).get("/v1/me").await;
        answer.refused(403, "not_any_user");
    }
    let without = json!({"scopes": ["use"], "expires_in": 900});
    platform
        .post("/v1/keys", &without)
        .await
        .refused(403, "user_not_named");
    let (_, object) = make(&platform.clone().acting_for(served), without, &world).await;
    assert_eq!(object["user_id"], json!(served));
    // Header and body that name different users are a contradiction.
    let other = world.new_user("other").await;
    let contradiction = platform
        .clone()
        .acting_for(other)
        .post("/v1/keys", &body)
        .await;
    contradiction.refused(403, "user_not_named");
}

#[tokio::test]
async fn keys_of_a_platform_end_with_the_platforms_own() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let served = world.new_user("served").await;
    let body = json!({"scopes": ["resolve"], "user_id": served, "expires_in": 900});
    let (agent, _) = make(&platform, body, &world).await;
    agent.get("/v1/me").await.expect(200);
    world
        .operator()
        .delete(&format!("/v1/keys/{}", platform.key_id))
        .await
        .expect(200);
    agent.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_platform_makes_platforms_that_end_and_never_administer() {
    let world = World::start().await;
    let platform = platform(&world).await;
    let served = world.new_user("served").await;
    let body = json!({"scopes": ["manage", "admin"], "any_user": true, "user_id": served});
    platform
        .post("/v1/keys", &body)
        .await
        .refused(403, "exceeds_creator");
    let body = json!({"scopes": ["manage"], "any_user": true, "user_id": served, "expires_in": 60});
    let (child, object) = make(&platform, body, &world).await;
    assert_eq!(object["any_user"], true);
    child.get("/v1/me").await.refused(403, "user_not_named");
    child
        .acting_for(world.keys.user)
        .get("/v1/me")
        .await
        .expect(200);
}

#[tokio::test]
async fn the_header_on_any_other_credential_is_403() {
    let world = World::start().await;
    let own = world.keys.user;
    for actor in [
        world.operator(),
        world.agent(),
        world.scoped(&[Manage]).await,
    ] {
        actor
            .clone()
            .acting_for(own)
            .get("/v1/me")
            .await
            .refused(403, "not_any_user");
        let empty = actor.with("x-toolvault-user", "");
        empty.get("/v1/me").await.refused(403, "not_any_user");
    }
}
