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
    let world = world_with_issuer().await;
    let operator = world.operator();
    let key = key_of(&operator);
    let token = sign(&claims_for("alice"));
    let bad_token = sign_as_stranger(&claims_for("alice"));
    let bad_keys = [with_another_end(&key), key[..key.len() - 1].to_owned()];
    let refused = [
        ("x-api-key", &bad_keys[0]),
        ("authorization", &bad_keys[1]),
        ("token", &bad_token),
        ("token", &key),
    ];
    for (name, credential) in refused {
        let answer = world
            .anonymous()
            .with(name, credential)
            .with("x-request-id", credential)
            .get(&format!("/v1/me?key={credential}"))
            .await;
        answer.refused(401, "unauthenticated");
        lacks(&format!("{answer:?} {}", answer.text()), credential);
    }
    for (name, credential) in [("x-api-key", &key), ("token", &token)] {
        let secret = serde_json::json!({"secret_name": "n", "secret_value": "a value"});
        let answer = world
            .anonymous()
            .with(name, credential)
            .with("x-request-id", credential)
            .post(&format!("/v1/secrets/?key={credential}"), &secret)
            .await;
        answer.expect(200);
        lacks(&format!("{answer:?} {}", answer.text()), credential);
    }
    // A failed sign-in is recorded with the first change after its second.
    world.clock.advance(5);
    operator.named("n", "a value").await;
    let trail = operator.get("/v1/audit?limit=1000").await;
    let records = trail.expect(200)["data"].as_array().unwrap().clone();
    let counted = |action: &str| -> i64 {
        let of_action = records.iter().filter(|record| record["action"] == action);
        of_action
            .map(|record| record["count"].as_i64().unwrap_or(1))
            .sum()
    };
    assert_eq!(
        counted("sign_in.failed"),
        i64::try_from(refused.len()).unwrap()
    );
    for credential in [&key, &token, &bad_token, &bad_keys[0], &bad_keys[1]] {
        lacks(trail.text(), credential);
    }
}

/// The key with another last digit, so that its checksum is wrong.
fn with_another_end(key: &str) -> String {
    let (rest, last) = key.split_at(key.len() - 1);
    format!("{rest}{}", if last == "0" { '1' } else { '0' })
}

/// No part of the credential that is secret stands in the text: of a key what follows its ID, of a token its signature.
#[track_caller]
fn lacks(text: &str, credential: &str) {
    let secret = match credential.strip_prefix("tvk_") {
        Some(key) => &key[9..50],
        None => credential.rsplit('.').next().unwrap(),
    };
    assert!(secret.len() >= 40, "{secret}");
    assert!(!text.contains(secret), "{text}");
}
