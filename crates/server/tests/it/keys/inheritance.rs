//! A child's rights lie within its creator's, at creation and at each use.

use serde_json::json;
use toolvault_core::scope::Scope::{Admin, Audit, Manage, Resolve, Use};

use super::lifecycle::make;
use crate::harness::{Rights, World};

#[tokio::test]
async fn a_child_has_no_scope_that_its_creator_lacks() {
    let world = World::start().await;
    let manager = world.scoped(&[Manage, Audit]).await;
    for scope in ["use", "resolve", "admin"] {
        let body = json!({"scopes": ["manage", scope]});
        manager
            .post("/v1/keys", &body)
            .await
            .refused(403, "exceeds_creator");
    }
    let (child, _) = make(&manager, json!({"scopes": ["audit"]}), &world).await;
    child.get("/v1/audit").await.expect(200);
    child
        .get("/v1/secrets/")
        .await
        .refused(403, "missing_scope");
}

#[tokio::test]
async fn a_child_does_not_outlive_its_creator() {
    let world = World::start().await;
    let creator = world
        .holder(Rights {
            scopes: &[Manage],
            expires_in: Some(600),
            ..Rights::default()
        })
        .await;
    let body = json!({"scopes": ["manage"], "expires_in": 3600});
    creator
        .post("/v1/keys", &body)
        .await
        .refused(403, "exceeds_creator");
    let (child, object) = make(&creator, json!({"scopes": ["manage"]}), &world).await;
    assert!(object["expires_at"].is_string());
    world.clock.advance(601);
    child.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_child_ends_with_its_creator_and_narrows_with_it() {
    let world = World::start().await;
    let operator = world.operator();
    let creator = world.scoped(&[Manage, Resolve, Audit]).await;
    let (child, _) = make(
        &creator,
        json!({"scopes": ["manage", "resolve", "audit"]}),
        &world,
    )
    .await;
    let (grandchild, _) = make(&child, json!({"scopes": ["resolve", "audit"]}), &world).await;
    let path = format!("/v1/keys/{}", creator.key_id);
    operator
        .patch(&path, &json!({"scopes": ["manage", "resolve"]}))
        .await
        .expect(200);
    for heir in [&child, &grandchild] {
        heir.get("/v1/audit").await.refused(403, "missing_scope");
        heir.post("/v1/tools/t/resolve", &json!({}))
            .await
            .expect(200);
    }
    operator.delete(&path).await.expect(200);
    for heir in [&child, &grandchild] {
        heir.get("/v1/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_key_with_patterns_manages_no_keys() {
    let world = World::start().await;
    let narrow = world
        .holder(Rights {
            scopes: &[Manage, Use],
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    let own = format!("/v1/keys/{}", narrow.key_id);
    let body = json!({"scopes": ["manage"], "tools": ["linear__get"]});
    narrow
        .post("/v1/keys", &body)
        .await
        .refused(403, "limited_key");
    narrow.get("/v1/keys").await.refused(403, "limited_key");
    narrow
        .patch(&own, &json!({"name": "n"}))
        .await
        .refused(403, "limited_key");
    narrow.delete(&own).await.refused(403, "limited_key");
    narrow
        .post(&format!("{own}/rotate"), &json!({}))
        .await
        .refused(403, "limited_key");
}

#[tokio::test]
async fn an_administrator_makes_no_key_that_reads_or_uses_for_others() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let admin = world.scoped(&[Admin, Manage, Use, Resolve, Audit]).await;
    for scope in ["use", "resolve"] {
        let body = json!({"scopes": [scope], "user_id": other.user});
        admin
            .post("/v1/keys", &body)
            .await
            .refused(403, "exceeds_creator");
    }
    let body = json!({"scopes": ["manage"], "user_id": other.user});
    let (holder, object) = make(&admin, body, &world).await;
    assert_eq!(object["user_id"], json!(other.user));
    assert_eq!(
        holder.get("/v1/me").await.expect(200)["user_id"],
        json!(other.user)
    );
    // A key for another user must not be used to create more keys.
    for scope in ["use", "resolve", "admin"] {
        let body = json!({"scopes": [scope]});
        holder
            .post("/v1/keys", &body)
            .await
            .refused(403, "exceeds_creator");
    }
    let body = json!({"scopes": ["audit"], "user_id": "00000000-0000-7000-8000-000000000000"});
    let answer = admin.post("/v1/keys", &body).await;
    answer.refused(422, "invalid");
    assert_eq!(answer.mistakes(), ["unknown_user body.user_id"]);
    let body = json!({"scopes": ["manage"], "user_id": other.user});
    world
        .scoped(&[Manage])
        .await
        .post("/v1/keys", &body)
        .await
        .refused(403, "missing_scope");
}

#[tokio::test]
async fn only_any_user_makes_any_user_and_never_with_admin() {
    let world = World::start().await;
    let body = json!({"scopes": ["manage"], "any_user": true, "expires_in": 60});
    world
        .operator()
        .post("/v1/keys", &body)
        .await
        .refused(403, "exceeds_creator");
}
