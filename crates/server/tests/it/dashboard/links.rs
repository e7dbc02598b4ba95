//! Links of the command line, which sign a person in once.

use serde_json::{Value, json};
use toolvault_core::identity::UserId;
use toolvault_server::control::{OwnStore, Request};

use crate::harness::{Actor, Answer, World, cookie_of, token_of};

/// Asks for a link as `toolvault open` does.
async fn link(world: &World, user: UserId) -> Value {
    let store = OwnStore::new(world.vault.clone(), 1_000).unwrap();
    let body = json!({ "user_id": user }).to_string();
    let request = Request::post("/local/sign-in-link").body(body.into_bytes().into());
    let answer = store.ask(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(answer.body()).unwrap()
}

async fn follow(world: &World, link: &Value) -> Answer {
    let body = json!({ "link": link["token"] });
    world.anonymous().post("/v1/session", &body).await
}

async fn signed_in(world: &World, user: UserId) -> Actor {
    let answer = follow(world, &link(world, user).await).await;
    let token = token_of(&answer.expect(200));
    world
        .anonymous()
        .with("cookie", &cookie_of(&answer))
        .with("x-csrf-token", &token)
}

#[tokio::test]
async fn a_link_signs_in_once_and_as_the_local_operator() {
    let world = World::start().await;
    let link = link(&world, world.keys.user).await;
    let answer = follow(&world, &link).await;
    let session = answer.expect(200);
    assert_eq!(session["user_name"], "default");
    assert_eq!(session["name"], "local:1000");
    assert_eq!(session["key_id"], Value::Null);
    assert_eq!(
        session["scopes"],
        json!(["manage", "use", "resolve", "audit", "admin"])
    );
    follow(&world, &link).await.refused(401, "unauthenticated");
    let records = world
        .operator()
        .get("/v1/audit?action=session.started")
        .await;
    let records = records.expect(200);
    assert_eq!(records["data"].as_array().unwrap().len(), 1);
    assert_eq!(records["data"][0]["actor"], "local:1000");
}

#[tokio::test]
async fn a_link_lasts_a_minute() {
    let world = World::start().await;
    let (first, second) = (
        link(&world, world.keys.user).await,
        link(&world, world.keys.user).await,
    );
    world.clock.advance(55);
    follow(&world, &first).await.expect(200);
    world.clock.advance(6);
    follow(&world, &second)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_link_of_another_installation_or_a_session_is_no_link() {
    let (world, elsewhere) = (World::start().await, World::start().await);
    let foreign = link(&elsewhere, elsewhere.keys.user).await;
    follow(&world, &foreign)
        .await
        .refused(401, "unauthenticated");
    let session = world.in_session().await;
    let (_, sealed) = session.sends("cookie").split_once('=').unwrap();
    follow(&world, &json!({ "token": sealed }))
        .await
        .refused(401, "unauthenticated");
    // And a link is no session.
    let link = link(&world, world.keys.user).await;
    let cookie = format!("toolvault-session={}", link["token"].as_str().unwrap());
    let pretender = session.without("cookie").with("cookie", &cookie);
    pretender
        .get("/v1/me")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_local_operator_in_a_browser_is_not_the_root_key() {
    let world = World::start().await;
    let person = signed_in(&world, world.keys.user).await;
    let secret = person.named("of a browser", "a value").await;
    person
        .get(&format!("/v1/secrets/{secret}"))
        .await
        .expect(200);
    person.get("/v1/users").await.expect(200);
    let other = world.new_user("another").await;
    let acting = person.clone().acting_for(other);
    acting
        .get("/v1/secrets/")
        .await
        .refused(403, "not_any_user");
    let theirs = json!({"scopes": ["use"], "user_id": other});
    person
        .post("/v1/keys", &theirs)
        .await
        .refused(403, "exceeds_creator");
    let platform = json!({"scopes": ["use"], "any_user": true, "expires_in": 60});
    person
        .post("/v1/keys", &platform)
        .await
        .refused(403, "exceeds_creator");
    let own = json!({"scopes": ["use", "resolve"]});
    let key = person.post("/v1/keys", &own).await.expect(200);
    // The key outlasts the session.
    person.delete("/v1/session").await;
    let holder = world
        .anonymous()
        .with("x-api-key", key["key"].as_str().unwrap());
    holder.get("/v1/me").await.expect(200);
    for path in ["/local/jobs", "/local/diagnosis"] {
        person.get(path).await.refused(404, "no_such_route");
    }
}

#[tokio::test]
async fn disabling_the_user_ends_the_session_and_their_links() {
    let world = World::start().await;
    let user = world.new_user("soon disabled").await;
    let (person, unused) = (signed_in(&world, user).await, link(&world, user).await);
    person.get("/v1/me").await.expect(200);
    world.disable(user).await;
    person.get("/v1/me").await.refused(401, "unauthenticated");
    follow(&world, &unused)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_ends_while_its_user_is_disabled() {
    let world = World::start().await;
    let user = world.new_user("disabled for a while").await;
    let person = signed_in(&world, user).await;
    world.disable(user).await;
    world.clock.advance(29 * 60);
    // A request that is refused does not keep it alive.
    person.get("/v1/me").await.refused(401, "unauthenticated");
    world.clock.advance(60);
    world.enable(user).await;
    person.get("/v1/me").await.refused(401, "unauthenticated");
    let again = signed_in(&world, user).await;
    again.get("/v1/me").await.expect(200);
}
