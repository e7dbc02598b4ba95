//! IDs of other users and unknown IDs: the same answer, byte by byte, on every route with an ID.

use super::table::{Row, rows};
use super::targets::Target;
use crate::harness::{Actor, Answer, World};

const UNKNOWN_ID: &str = "00000000-0000-7000-8000-000000000000";

fn rows_with(place: &'static str) -> impl Iterator<Item = Row> {
    rows()
        .into_iter()
        .filter(move |row| row.path.contains(place))
}

async fn ask(actor: &Actor, row: &Row, path: &str) -> Answer {
    match row.body {
        None => actor.send(row.method, path, None, b"").await,
        Some(body) => actor.json(row.method, path, body).await,
    }
}

/// Everything except the request ID and the time.
fn bytes(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "x-request-id" && name != "date");
    (answer.status, headers, answer.body.clone())
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let owner = world.keys.user;
    let places = ["{secret_id}", "{key_id}", "{approval_id}"];
    for row in places.into_iter().flat_map(rows_with) {
        let foreign = Target::new(&world, owner, row.path).await.fill(row.path);
        let unknown = Target {
            secret: UNKNOWN_ID.to_owned(),
            key: "00000000".to_owned(),
            approval: UNKNOWN_ID.to_owned(),
            ..Target::default()
        };
        let refused = ask(&other, &row, &foreign).await;
        let unknown = ask(&other, &row, &unknown.fill(row.path)).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.text(), r#"{"detail":"Not found"}"#);
        assert_eq!(
            bytes(&refused),
            bytes(&unknown),
            "{} {}",
            row.method,
            row.path
        );
        // Its owner gets an answer, so it does exist.
        ask(&world.operator(), &row, &foreign).await.expect(200);
    }
}

#[test]
fn every_route_with_an_id_is_asked_here_or_elsewhere() {
    let elsewhere = |path: &str| {
        // Names of tools and servers are no IDs; only administrators use users, and they get every user; and the tests
        // of the gateway request another user's pending secret.
        ["{tool_name}", "{server}", "{user_id}", "{pending_id}"]
            .iter()
            .any(|place| path.contains(place))
    };
    for row in rows_with("{") {
        let is_asked = ["{secret_id}", "{key_id}", "{approval_id}"]
            .iter()
            .any(|place| row.path.contains(place));
        assert!(is_asked || elsewhere(row.path), "{}", row.path);
    }
    assert!(rows_with("{secret_id}").count() > 0 && rows_with("{key_id}").count() > 0);
}

#[tokio::test]
async fn what_lies_outside_the_patterns_of_a_key_does_not_exist() {
    let world = World::start().await;
    let narrow = world
        .holder(crate::harness::Rights {
            scopes: &[toolvault_core::scope::Scope::Manage],
            tools: &["github__*"],
            ..crate::harness::Rights::default()
        })
        .await;
    let unbound = world.operator().named("unbound", "a value").await;
    for row in rows_with("{secret_id}") {
        let outside = Target::new(&world, world.keys.user, row.path).await;
        let outside = outside.fill(row.path);
        let unknown = row
            .path
            .replace("{secret_id}", UNKNOWN_ID)
            .replace("{version}", "1");
        let unknown = ask(&narrow, &row, &unknown).await;
        for path in [
            outside.clone(),
            row.path
                .replace("{secret_id}", &unbound)
                .replace("{version}", "1"),
        ] {
            let answer = ask(&narrow, &row, &path).await;
            answer.refused(404, "not_found");
            assert_eq!(
                bytes(&answer),
                bytes(&unknown),
                "{} {}",
                row.method,
                row.path
            );
        }
        ask(&world.operator(), &row, &outside).await.expect(200);
    }
}

#[tokio::test]
async fn an_administrator_ends_anybodys_keys_but_sees_nobodys_secrets() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let path = "/api/v1/secrets/{secret_id}";
    let secret = Target::new(&world, other.user, path).await;
    for row in rows_with("{secret_id}") {
        let answer = ask(&world.operator(), &row, &secret.fill(row.path)).await;
        answer.refused(404, "not_found");
    }
    let theirs = secret.fill(path);
    other.get(&theirs).await.expect(200);
    let path = format!("/v1/keys/{}", other.key_id);
    for body in [r#"{"name":"mine"}"#, "{}"] {
        let answer = world.operator().json("PATCH", &path, body).await;
        answer.refused(404, "not_found");
    }
    let rotate = format!("{path}/rotate");
    world
        .operator()
        .json("POST", &rotate, "{}")
        .await
        .refused(404, "not_found");
    world.operator().delete(&path).await.expect(200);
    other.get("/v1/me").await.refused(401, "unauthenticated");
}
