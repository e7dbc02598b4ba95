//! Tokens of a configured issuer, and their users.

use serde_json::json;

use super::world_with_issuer;
use crate::harness::{World, claims_for, issuer_in, sign};

#[tokio::test]
async fn rights_of_a_token_are_its_scope_claim_within_the_issuers() {
    let world = world_with_issuer().await;
    for (scope, expected) in [
        (None, json!(["manage", "audit"])),
        (Some("audit"), json!(["audit"])),
        (Some("openid manage email"), json!(["manage"])),
        (Some("resolve admin use"), json!([])),
        (Some(""), json!([])),
    ] {
        let mut claims = claims_for("alice");
        if let Some(scope) = scope {
            claims["scope"] = json!(scope);
        }
        let actor = world.anonymous().with("token", &sign(&claims));
        let me = actor.get("/v1/me").await.expect(200);
        assert_eq!(me["scopes"], expected, "{scope:?}");
        let status = actor.get("/v1/secrets/").await.status;
        let may = expected.as_array().unwrap().contains(&json!("manage"));
        assert_eq!(status, if may { 200 } else { 403 });
    }
}

#[tokio::test]
async fn a_user_of_an_issuer_appears_only_with_create_users() {
    let world = World::start_with(|settings| {
        let mut issuer = issuer_in(settings.directory.path());
        issuer.create_users = false;
        settings.server.issuers = vec![issuer];
    })
    .await;
    let unknown = world.anonymous().with("token", &sign(&claims_for("alice")));
    unknown.get("/v1/me").await.refused(401, "unauthenticated");
    let users = world.operator().get("/v1/users").await.expect(200);
    assert_eq!(users["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_that_exists_under_another_origin_is_401() {
    let world = World::start_with(|settings| {
        let mut issuer = issuer_in(settings.directory.path());
        issuer.subject_is_user_id = true;
        settings.server.issuers = vec![issuer];
    })
    .await;
    // The first user is local: an issuer cannot speak for them.
    let local = sign(&claims_for(&world.keys.user.to_string()));
    world
        .anonymous()
        .with("token", &local)
        .get("/v1/me")
        .await
        .refused(401, "unauthenticated");
    let own = "0190d3e4-0000-7000-8000-000000000001";
    let me = world
        .anonymous()
        .with("token", &sign(&claims_for(own)))
        .get("/v1/me")
        .await;
    assert_eq!(me.expect(200)["user_id"], own);
    let foreign = sign(&claims_for("alice"));
    world
        .anonymous()
        .with("token", &foreign)
        .get("/v1/me")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_disabled_user_of_an_issuer_is_401() {
    let world = world_with_issuer().await;
    let actor = world.anonymous().with("token", &sign(&claims_for("alice")));
    let me = actor.get("/v1/me").await.expect(200);
    let path = format!("/v1/users/{}", me["user_id"].as_str().unwrap());
    world
        .operator()
        .patch(&path, &json!({"disabled": true}))
        .await
        .expect(200);
    actor.get("/v1/me").await.refused(401, "unauthenticated");
    world.operator().delete(&path).await.expect(200);
}
