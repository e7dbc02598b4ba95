//! A session from its begin to its end.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Audit, Manage};

use crate::harness::{Actor, Rights, World, cookie_of, token_of};

const MINUTE: i64 = 60;

async fn is_alive(actor: &Actor) -> bool {
    let answer = actor.get("/v1/me").await;
    if answer.status != 200 {
        answer.refused(401, "unauthenticated");
    }
    answer.status == 200
}

async fn records(world: &World, action: &str) -> Vec<Value> {
    let path = format!("/v1/audit?action={action}");
    let page = world.operator().get(&path).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_person_signs_in_with_a_key_and_has_its_rights_in_the_browser() {
    let world = World::start().await;
    let answer = world.sign_in(world.keys.operator.expose()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let set = answer.header("set-cookie").unwrap();
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert!(cookie.starts_with("toolvault-session="), "{cookie}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    let session = answer.expect(200);
    assert_eq!(session["user_name"], "default");
    assert_eq!(session["key_id"], world.keys.operator.id().to_string());
    assert_eq!(session["idle_seconds"], 30 * MINUTE);
    assert!(!answer.text().contains(world.keys.operator.expose()));
    let person = world.in_session().await;
    let told = person.get("/v1/session").await;
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let told = told.expect(200);
    assert_eq!(told["scopes"], session["scopes"]);
    assert_eq!(told["csrf_token"], person.sends("x-csrf-token"));
    let me = person.get("/v1/me").await.expect(200);
    assert_eq!(me, world.operator().get("/v1/me").await.expect(200));
    person.named("of a browser", "a value").await;
    let created = records(&world, "secret.created").await;
    let actor = format!("key:{}", world.keys.operator.id());
    assert_eq!(created[0]["actor"], actor.as_str());
    let started = records(&world, "session.started").await;
    assert_eq!(started.len(), 2);
    assert_eq!(started[0]["actor"], actor.as_str());
    assert_eq!(started[0]["user_id"], me["user_id"]);
}

#[tokio::test]
async fn a_session_that_was_ended_is_ended_for_every_copy_of_its_cookie() {
    let world = World::start().await;
    let (person, other) = (world.in_session().await, world.in_session().await);
    let answer = person.delete("/v1/session").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.starts_with("toolvault-session=; ") && set.ends_with("; Max-Age=0"),
        "{set}"
    );
    assert!(!is_alive(&person).await && is_alive(&other).await);
    person
        .get("/v1/session")
        .await
        .refused(401, "unauthenticated");
    person
        .delete("/v1/session")
        .await
        .refused(401, "unauthenticated");
    assert_eq!(records(&world, "session.ended").await.len(), 1);
}

#[tokio::test]
async fn a_session_ends_without_use_and_its_use_keeps_it_alive() {
    let world = World::start().await;
    let idle = world.in_session().await;
    let mut used = world.in_session().await;
    world.clock.advance(30);
    // The cookie is not written again for each request.
    assert_eq!(used.get("/v1/me").await.header("set-cookie"), None);
    for _ in 0..3 {
        world.clock.advance(20 * MINUTE);
        let answer = used.get("/v1/me").await;
        answer.expect(200);
        let renewed = cookie_of(&answer);
        assert_ne!(renewed, used.sends("cookie"));
        // The session before the renewal is as old as it is.
        used = used.without("cookie").with("cookie", &renewed);
    }
    assert!(is_alive(&used).await && !is_alive(&idle).await);
    world.clock.advance(30 * MINUTE);
    assert!(!is_alive(&used).await);
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_even_if_it_is_used() {
    let world = World::start().await;
    let mut person = world.in_session().await;
    for _ in 0..(12 * 3 - 1) {
        world.clock.advance(20 * MINUTE);
        let answer = person.get("/v1/me").await;
        answer.expect(200);
        person = person.without("cookie").with("cookie", &cookie_of(&answer));
    }
    world.clock.advance(20 * MINUTE);
    assert!(!is_alive(&person).await);
}

#[tokio::test]
async fn a_session_has_the_rights_that_its_key_has_now() {
    let world = World::start().await;
    let rights = Rights {
        scopes: &[Manage, Audit],
        expires_in: Some(600),
        ..Rights::default()
    };
    let holder = world.holder(rights).await;
    let answer = world.sign_in(holder.sends("x-api-key")).await;
    let session = answer.expect(200);
    let person = world
        .anonymous()
        .with("cookie", &cookie_of(&answer))
        .with("x-csrf-token", &token_of(&session));
    person.get("/v1/audit").await.expect(200);
    let path = format!("/v1/keys/{}", holder.key_id);
    let narrowed = json!({"scopes": ["manage"]});
    world.operator().patch(&path, &narrowed).await.expect(200);
    person.get("/v1/audit").await.refused(403, "missing_scope");
    let told = person.get("/v1/session").await.expect(200);
    assert_eq!(told["scopes"], json!(["manage"]));
    assert_eq!(told["expires_at"], session["expires_at"]);
    let keys = world.operator().get("/v1/keys").await.expect(200);
    let mut keys = keys["data"].as_array().unwrap().iter();
    let key = keys.find(|key| key["key_id"] == holder.key_id.as_str());
    assert_eq!(key.unwrap()["expires_at"], session["expires_at"]);
    world.clock.advance(601);
    assert!(!is_alive(&person).await);
}

#[tokio::test]
async fn revoking_the_key_ends_its_sessions() {
    let world = World::start().await;
    let holder = world.scoped(&[Manage]).await;
    let answer = world.sign_in(holder.sends("x-api-key")).await;
    let person = world
        .anonymous()
        .with("cookie", &cookie_of(&answer))
        .with("x-csrf-token", &token_of(&answer.expect(200)));
    assert!(is_alive(&person).await);
    let path = format!("/v1/keys/{}", holder.key_id);
    world.operator().delete(&path).await.expect(200);
    assert!(!is_alive(&person).await);
}

#[tokio::test]
async fn only_one_credential_signs_in_and_only_a_good_one() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    for body in [
        json!({}),
        json!({"key": "a", "link": "b"}),
        json!({"key": 7}),
        json!([]),
    ] {
        let answer = anonymous.post("/v1/session", &body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    let elsewhere = World::start().await;
    let foreign = elsewhere.keys.operator.expose();
    for body in [
        json!({"key": foreign}),
        json!({"key": "no key"}),
        json!({"link": "?"}),
    ] {
        let answer = anonymous.post("/v1/session", &body).await;
        answer.refused(401, "unauthenticated");
        assert_eq!(answer.header("set-cookie"), None);
    }
    let long = json!({"key": "x".repeat(20_000)});
    anonymous
        .post("/v1/session", &long)
        .await
        .refused(413, "body_too_large");
    world.clock.advance(5);
    // The writer saves them with the next change.
    world.operator().named("n", "a value").await;
    let failures = records(&world, "sign_in.failed").await;
    let reasons: Vec<_> = failures.iter().map(|record| &record["reason"]).collect();
    assert!(reasons.contains(&&json!("key_not_accepted")), "{reasons:?}");
    assert!(
        reasons.contains(&&json!("link_not_accepted")),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_key_for_any_user_signs_in_nobody_in_particular() {
    let world = World::start().await;
    let rights = Rights {
        scopes: &[Manage],
        any_user: true,
        ..Rights::default()
    };
    let platform = world.holder(rights).await;
    let key = platform.sends("x-api-key");
    world.sign_in(key).await.refused(403, "user_not_named");
}

#[tokio::test]
async fn guessing_at_the_sign_in_is_slowed_down() {
    let world = World::start_with(|settings| {
        settings.server.limits.sign_in_failures_per_minute = 5;
    })
    .await;
    let mut outcomes = Vec::new();
    for _ in 0..40 {
        outcomes.push(world.sign_in("tvk_guess").await.outcome());
    }
    assert!(
        outcomes.contains(&"429 too_many_requests".to_owned()),
        "{outcomes:?}"
    );
    assert!(is_alive(&world.in_session().await).await);
}
