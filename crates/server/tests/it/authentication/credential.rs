//! The headers that may hold a credential, and which one decides.

use crate::harness::{Actor, World, claims_for, sign, sign_as_stranger};

use super::world_with_issuer;

fn key_of(actor: &Actor) -> String {
    actor.sends("x-api-key").to_owned()
}

#[tokio::test]
async fn without_a_credential_the_answer_is_401_with_a_challenge() {
    let world = World::start().await;
    let answer = world.anonymous().get("/v1/secrets/").await;
    answer.refused(401, "unauthenticated");
    assert_eq!(
        answer.text(),
        r#"{"detail":"Missing or invalid credentials."}"#
    );
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"toolvault\"")
    );
}

#[tokio::test]
async fn a_key_is_accepted_bare_or_as_bearer_or_in_its_own_header() {
    let world = World::start().await;
    let key = key_of(&world.operator());
    for (name, value) in [
        ("authorization", format!("Bearer {key}")),
        ("Authorization", format!("bearer {key}")),
        ("authorization", format!("BEARER   {key}  ")),
        ("authorization", key.clone()),
        ("x-api-key", key.clone()),
        ("X-API-Key", format!("  {key}  ")),
    ] {
        world
            .anonymous()
            .with(name, &value)
            .get("/v1/me")
            .await
            .expect(200);
    }
    for (name, value) in [
        ("token", key.clone()),
        ("authorization", format!("Basic {key}")),
        ("authorization", format!("Bearer Bearer {key}")),
        ("authorization", format!("Bearer {key}x")),
        ("authorization", format!("Bearer {}", key.to_uppercase())),
        ("x-api-key", format!("Bearer {key}")),
        ("x-api-key", format!("{key},{key}")),
        ("x-api-key", key[..key.len() - 1].to_owned()),
        ("cookie", format!("token={key}")),
        ("proxy-authorization", format!("Bearer {key}")),
    ] {
        let answer = world.anonymous().with(name, &value).get("/v1/me").await;
        answer.refused(401, "unauthenticated");
        let path = format!("/v1/me?token={key}&x-api-key={key}");
        world
            .anonymous()
            .get(&path)
            .await
            .refused(401, "unauthenticated");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn the_first_header_that_is_not_empty_decides() {
    let world = world_with_issuer().await;
    let key = key_of(&world.operator());
    let token = sign(&claims_for("alice"));
    let bad_token = sign_as_stranger(&claims_for("alice"));
    let bad_key = key_of(&World::start().await.operator());
    for (headers, accepted) in [
        (
            vec![
                ("token", token.as_str()),
                ("authorization", "Bearer nonsense"),
                ("x-api-key", "nonsense"),
            ],
            true,
        ),
        (
            vec![
                ("x-api-key", key.as_str()),
                ("authorization", ""),
                ("token", ""),
            ],
            true,
        ),
        (
            vec![
                ("token", "  "),
                ("authorization", key.as_str()),
                ("x-api-key", bad_key.as_str()),
            ],
            true,
        ),
        (
            vec![("token", bad_token.as_str()), ("x-api-key", key.as_str())],
            false,
        ),
        (
            vec![("token", "nonsense"), ("authorization", key.as_str())],
            false,
        ),
        (
            vec![
                ("authorization", bad_key.as_str()),
                ("x-api-key", key.as_str()),
            ],
            false,
        ),
        (
            vec![("authorization", "Basic dTpw"), ("x-api-key", key.as_str())],
            false,
        ),
        (
            vec![("authorization", "Bearer"), ("x-api-key", key.as_str())],
            false,
        ),
        (
            vec![("token", key.as_str()), ("x-api-key", key.as_str())],
            false,
        ),
        (
            vec![("x-api-key", key.as_str()), ("x-api-key", key.as_str())],
            false,
        ),
        (
            vec![
                ("authorization", key.as_str()),
                ("authorization", token.as_str()),
            ],
            false,
        ),
        (vec![("x-api-key", token.as_str())], false),
        (vec![("authorization", token.as_str())], true),
    ] {
        let mut actor = world.anonymous();
        for (name, value) in &headers {
            actor = actor.with(name, value);
        }
        let status = actor.get("/v1/me").await.status;
        assert_eq!(status, if accepted { 200 } else { 401 }, "{headers:?}");
    }
}

#[tokio::test]
async fn no_answer_and_no_record_repeats_a_credential() {
    let world = World::start().await;
    let key = key_of(&world.operator());
    let bad = format!("{}x", &key[..key.len() - 1]);
    let answer = world
        .anonymous()
        .with("x-api-key", &bad)
        .with("x-request-id", &bad)
        .get(&format!("/v1/me?key={bad}"))
        .await;
    answer.refused(401, "unauthenticated");
    assert!(
        answer
            .headers
            .iter()
            .all(|(_, value)| !value.contains("tvk_")),
        "{answer:?}"
    );
    world.vault.close().await;
}
