//! Keys that a person approves in a browser for a command line.

use serde_json::{Value, json};
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::scope::Scope::{Admin, Audit, Manage, Resolve, Use};

use super::issuers::{person, records};
use crate::harness::{Actor, Answer, AtIssuer, Provider, Rights, World, sign};

const VERIFIER: &str = "the verifier of the command line";
const DAY: i64 = 86_400;

fn request(scopes: &[&str]) -> Value {
    json!({
        "challenge": hexadecimal(&sha256(VERIFIER.as_bytes())),
        "name": "laptop", "scopes": scopes, "expires_in": 30 * DAY,
    })
}

async fn approve(person: &Actor, scopes: &[&str]) -> Answer {
    person.post("/v1/session/approvals", &request(scopes)).await
}

async fn code(person: &Actor) -> String {
    let approved = approve(person, &["manage", "audit"]).await.expect(200);
    approved["code"].as_str().unwrap().to_owned()
}

async fn redeem(world: &World, code: &str, verifier: &str) -> Answer {
    let body = json!({"code": code, "verifier": verifier});
    let path = "/v1/session/approvals/key";
    world.anonymous().post(path, &body).await
}

async fn signed_in(world: &World, rights: Rights<'_>) -> (Actor, Actor) {
    let holder = world.holder(rights).await;
    let answer = world.sign_in(holder.sends("x-api-key")).await;
    let person = person(world, &answer);
    (holder, person)
}

#[tokio::test]
async fn who_has_the_verifier_gets_the_approved_key_once() {
    let world = World::start().await;
    let person = world.in_session().await;
    let code = code(&person).await;
    assert!(!code.contains("tvk_"));
    let before = person.get("/v1/keys").await.expect(200);
    let answer = redeem(&world, &code, VERIFIER).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let issued = answer.expect(200);
    assert_eq!(issued["name"], "laptop");
    assert_eq!(issued["scopes"], json!(["manage", "audit"]));
    let key = world
        .anonymous()
        .with("x-api-key", issued["key"].as_str().unwrap());
    let me = key.get("/v1/me").await.expect(200);
    assert_eq!(me["scopes"], json!(["manage", "audit"]));
    key.get("/v1/users").await.refused(403, "missing_scope");
    let created = records(&world, "key.created").await;
    assert_eq!(created[0]["reason"], "login");
    assert_eq!(created[0]["subject"], issued["key_id"]);
    let actor = format!("key:{}", world.keys.operator.id());
    assert_eq!(created[0]["actor"], actor.as_str());
    assert!(created[0]["request_id"].is_string());
    // It made one key, and only when it was fetched.
    let again = redeem(&world, &code, VERIFIER).await;
    again.refused(401, "unauthenticated");
    let after = person.get("/v1/keys").await.expect(200);
    let count = |keys: &Value| keys["data"].as_array().unwrap().len();
    assert_eq!(count(&after), count(&before) + 1);
    // With itself it ends.
    let path = format!("/v1/keys/{}", issued["key_id"].as_str().unwrap());
    key.delete(&path).await.expect(200);
    key.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn of_many_at_the_same_time_one_gets_the_key() {
    let world = World::start().await;
    let code = code(&world.in_session().await).await;
    let all = (0..8).map(|_| redeem(&world, &code, VERIFIER));
    let answers = futures_util::future::join_all(all).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test]
async fn without_the_verifier_or_the_whole_code_no_one_gets_the_key() {
    let world = World::start().await;
    let person = world.in_session().await;
    let code = code(&person).await;
    let challenge = hexadecimal(&sha256(VERIFIER.as_bytes()));
    for verifier in ["another", &challenge, &VERIFIER.to_uppercase()] {
        let answer = redeem(&world, &code, verifier).await;
        answer.refused(401, "unauthenticated");
    }
    let cookie = person.sends("cookie").split_once('=').unwrap().1.to_owned();
    let middle = code.len() / 2;
    let other = if code[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{other}{}", &code[..middle], &code[middle + 1..]);
    let elsewhere = World::start().await;
    let foreign = self::code(&elsewhere.in_session().await).await;
    for code in [
        changed.as_str(),
        &code[..code.len() - 2],
        &cookie,
        "?",
        &foreign,
    ] {
        let answer = redeem(&world, code, VERIFIER).await;
        answer.refused(401, "unauthenticated");
    }
    world.clock.advance(5);
    person.named("n", "a value").await;
    let failures = records(&world, "sign_in.failed").await;
    assert_eq!(failures[0]["reason"], "approval_not_accepted");
    redeem(&world, &code, VERIFIER).await.expect(200);
}

#[tokio::test]
async fn an_approval_ends_soon_and_with_its_session() {
    let world = World::start().await;
    let person = world.in_session().await;
    let late = code(&person).await;
    world.clock.advance(120);
    redeem(&world, &late, VERIFIER)
        .await
        .refused(401, "unauthenticated");
    let signed_out = code(&person).await;
    assert_eq!(person.delete("/v1/session").await.status, 204);
    redeem(&world, &signed_out, VERIFIER)
        .await
        .refused(401, "unauthenticated");
    // The sessions of the user end, and the key with which the person signed in.
    let person = world.in_session().await;
    let code_of_user = code(&person).await;
    let path = format!("/v1/users/{}/sessions", world.keys.user);
    world.operator().delete(&path).await.expect(200);
    redeem(&world, &code_of_user, VERIFIER)
        .await
        .refused(401, "unauthenticated");
    let (holder, person) = signed_in(
        &world,
        Rights {
            scopes: &[Manage, Audit],
            ..Rights::default()
        },
    )
    .await;
    let code_of_key = code(&person).await;
    let path = format!("/v1/keys/{}", holder.key_id);
    world.operator().delete(&path).await.expect(200);
    redeem(&world, &code_of_key, VERIFIER)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_person_approves_no_more_than_their_session_may() {
    let world = World::start().await;
    let rights = |scopes, tools| Rights {
        scopes,
        tools,
        ..Rights::default()
    };
    let (holder, person) = signed_in(&world, rights(&[Manage, Audit, Resolve], &[])).await;
    for scopes in [["admin"], ["use"]] {
        let answer = approve(&person, &scopes).await;
        answer.refused(403, "exceeds_creator");
    }
    // What the session loses between the approval and the key is lost.
    let code = code(&person).await;
    let path = format!("/v1/keys/{}", holder.key_id);
    let narrowed = json!({"scopes": ["manage"]});
    world.operator().patch(&path, &narrowed).await.expect(200);
    redeem(&world, &code, VERIFIER)
        .await
        .refused(403, "exceeds_creator");
    let (_, reader) = signed_in(&world, rights(&[Audit], &[])).await;
    approve(&reader, &["audit"])
        .await
        .refused(403, "missing_scope");
    let (_, narrow) = signed_in(&world, rights(&[Manage, Use], &["linear__*"])).await;
    let answer = approve(&narrow, &["use"]).await;
    answer.refused(403, "limited_key");
}

#[tokio::test]
async fn the_key_ends_with_the_key_with_which_the_person_signed_in() {
    let world = World::start().await;
    let rights = Rights {
        scopes: &[Manage, Audit, Admin],
        expires_in: Some(DAY),
        ..Rights::default()
    };
    let (holder, person) = signed_in(&world, rights).await;
    let issued = redeem(&world, &code(&person).await, VERIFIER).await;
    let issued = issued.expect(200);
    let listed = person.get("/v1/keys").await.expect(200);
    let keys = listed["data"].as_array().unwrap();
    let own = keys
        .iter()
        .find(|key| key["key_id"] == holder.key_id.as_str());
    assert_eq!(own.unwrap()["expires_at"], issued["expires_at"]);
    let key = world
        .anonymous()
        .with("x-api-key", issued["key"].as_str().unwrap());
    key.get("/v1/me").await.expect(200);
    let path = format!("/v1/keys/{}", holder.key_id);
    world.operator().delete(&path).await.expect(200);
    key.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_person_of_an_issuer_gets_a_key_that_outlives_the_session() {
    let provider = Provider::start().await;
    let world = provider.world().await;
    let at = AtIssuer::begin(&world).await;
    provider.gives(&sign(&provider.claims("alice", &at)));
    let alice = person(&world, &at.come_back(&world).await);
    approve(&alice, &["admin"])
        .await
        .refused(403, "exceeds_creator");
    let issued = redeem(&world, &code(&alice).await, VERIFIER).await;
    let issued = issued.expect(200);
    let created = records(&world, "key.created").await;
    assert_eq!(created[0]["actor"], format!("jwt:{} alice", provider.url));
    let key = world
        .anonymous()
        .with("x-api-key", issued["key"].as_str().unwrap());
    let me = key.get("/v1/me").await.expect(200);
    assert_eq!(
        me["user_id"],
        alice.get("/v1/me").await.expect(200)["user_id"]
    );
    world.clock.advance(13 * 3_600);
    alice.get("/v1/me").await.refused(401, "unauthenticated");
    key.get("/v1/me").await.expect(200);
    world.clock.advance(30 * DAY);
    key.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn another_page_approves_nothing_and_malformed_requests_are_refused() {
    let world = World::start().await;
    let person = world.in_session().await;
    for foreign in [
        person.clone().with("origin", "https://evil.example"),
        person.clone().with("sec-fetch-site", "cross-site"),
    ] {
        let answer = approve(&foreign, &["manage"]).await;
        answer.refused(403, "origin_not_allowed");
    }
    approve(&world.operator(), &["manage"])
        .await
        .refused(401, "unauthenticated");
    let digest = "0".repeat(64);
    for (name, value) in [
        ("challenge", json!(digest.to_uppercase() + "A")),
        ("challenge", json!("A".repeat(64))),
        ("challenge", json!(&digest[1..])),
        ("challenge", json!(7)),
        ("name", json!("")),
        ("name", json!(null)),
        ("scopes", json!([])),
        ("scopes", json!(["root"])),
        ("expires_in", json!(0)),
        ("expires_in", json!(90 * DAY + 1)),
        ("expires_in", json!(null)),
    ] {
        let mut body = request(&["manage"]);
        body[name] = value;
        let answer = person.post("/v1/session/approvals", &body).await;
        assert_eq!(answer.status, 422, "{body}");
    }
    for body in [
        json!({}),
        json!({"code": "x"}),
        json!({"code": 7, "verifier": "x"}),
    ] {
        let anonymous = world.anonymous();
        let answer = anonymous.post("/v1/session/approvals/key", &body).await;
        assert_eq!(answer.status, 422, "{body}");
    }
}
