//! The life of a key, from the only answer that shows it to its revocation.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Manage, Use};

use crate::harness::{Actor, World};

/// Creates a key; returns its holder and the key object.
pub(super) async fn make(creator: &Actor, body: Value, world: &World) -> (Actor, Value) {
    let answer = creator.post("/v1/keys", &body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut object = answer.expect(200);
    let key = object.as_object_mut().unwrap().remove("key").unwrap();
    let holder = world.anonymous().with("x-api-key", key.as_str().unwrap());
    (holder, object)
}

fn path_of(object: &Value) -> String {
    format!("/v1/keys/{}", object["key_id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let world = World::start().await;
    let operator = world.operator();
    let body = json!({"name": "ci", "scopes": ["manage"], "tools": ["linear__*"]});
    let answer = operator.post("/v1/keys", &body).await;
    let made = answer.expect(200);
    let key = made["key"].as_str().unwrap().to_owned();
    let (prefix, rest) = key.split_at(4);
    assert_eq!(prefix, "tvk_");
    assert_eq!(rest.len(), 8 + 1 + 43 + 6);
    assert_eq!(&rest[..8], made["key_id"].as_str().unwrap());
    assert!(
        rest.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
    let expected = json!({
        "key": key, "key_id": &rest[..8], "name": "ci", "user_id": operator.user, "scopes": ["manage"],
        "tools": ["linear__*"], "any_user": false, "created_at": made["created_at"], "expires_at": null,
        "last_used_at": null, "revoked_at": null,
    });
    assert_eq!(made, expected);
    let list = operator.get("/v1/keys").await;
    let listed = list.expect(200);
    assert!(!list.text().contains(&rest[9..]), "{}", list.text());
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
    let mut without = expected;
    without.as_object_mut().unwrap().remove("key");
    assert_eq!(listed["data"][2], without);
}

#[tokio::test]
async fn a_revoked_key_ends_with_the_next_request_and_stays_listed() {
    let world = World::start().await;
    let operator = world.operator();
    let (holder, object) = make(&operator, json!({"scopes": ["manage"]}), &world).await;
    holder.get("/v1/me").await.expect(200);
    assert_eq!(
        operator.delete(&path_of(&object)).await.expect(200),
        json!({})
    );
    holder.get("/v1/me").await.refused(401, "unauthenticated");
    operator.delete(&path_of(&object)).await.expect(200);
    let list = operator.get("/v1/keys").await.expect(200);
    assert!(list["data"][2]["revoked_at"].is_string(), "{list}");
    operator
        .post(&format!("{}/rotate", path_of(&object)), &json!({}))
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn a_key_ends_when_it_said() {
    let world = World::start().await;
    let operator = world.operator();
    let (holder, object) = make(
        &operator,
        json!({"scopes": ["manage"], "expires_in": 60}),
        &world,
    )
    .await;
    assert!(object["expires_at"].is_string());
    holder.get("/v1/me").await.expect(200);
    world.clock.advance(61);
    holder.get("/v1/me").await.refused(401, "unauthenticated");
    let end = "2999-01-01T00:00:00Z";
    let (_, object) = make(
        &operator,
        json!({"scopes": ["manage"], "expires_at": end}),
        &world,
    )
    .await;
    assert_eq!(object["expires_at"], end);
}

#[tokio::test]
async fn a_key_is_renamed_narrowed_and_shortened_but_never_widened() {
    let world = World::start().await;
    let operator = world.operator();
    let body = json!({"name": "n", "scopes": ["manage", "audit"], "expires_in": 3600});
    let (holder, object) = make(&operator, body, &world).await;
    let path = path_of(&object);
    let changed = operator
        .patch(&path, &json!({"name": "renamed"}))
        .await
        .expect(200);
    assert_eq!(changed["name"], "renamed");
    let changed = operator
        .patch(&path, &json!({"scopes": ["audit"]}))
        .await
        .expect(200);
    assert_eq!(changed["scopes"], json!(["audit"]));
    holder
        .get("/v1/secrets/")
        .await
        .refused(403, "missing_scope");
    for wider in [
        json!({"scopes": ["manage"]}),
        json!({"scopes": ["audit", "admin"]}),
    ] {
        let answer = operator.patch(&path, &wider).await;
        assert_eq!(answer.mistakes(), ["scopes_not_narrower body.scopes"]);
    }
    let answer = operator.patch(&path, &json!({"expires_in": 7200})).await;
    answer.refused(422, "invalid");
    operator
        .patch(&path, &json!({"expires_in": 60}))
        .await
        .expect(200);
    operator
        .patch(
            &path,
            &json!({"expires_at": null, "scopes": null, "name": null}),
        )
        .await
        .expect(200);
    holder.get("/v1/audit").await.expect(200);
    world.clock.advance(61);
    holder
        .get("/v1/audit")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_rotated_key_has_the_same_rights_and_the_old_one_ends_after_the_overlap() {
    let world = World::start().await;
    let operator = world.operator();
    let body = json!({"name": "n", "scopes": ["manage"], "expires_in": 86_400});
    let (old, object) = make(&operator, body, &world).await;
    let path = format!("{}/rotate", path_of(&object));
    let answer = operator.post(&path, &json!({"overlap_seconds": 100})).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let successor = answer.expect(200);
    for name in [
        "name",
        "scopes",
        "tools",
        "any_user",
        "user_id",
        "expires_at",
    ] {
        assert_eq!(successor[name], object[name], "{name}");
    }
    let new = world
        .anonymous()
        .with("x-api-key", successor["key"].as_str().unwrap());
    new.get("/v1/me").await.expect(200);
    old.get("/v1/me").await.expect(200);
    world.clock.advance(101);
    old.get("/v1/me").await.refused(401, "unauthenticated");
    new.get("/v1/me").await.expect(200);
    let path = format!("{}/rotate", path_of(&successor));
    operator.send("POST", &path, None, b"").await.expect(200);
    new.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn last_use_is_told_to_the_minute() {
    let world = World::start().await;
    let operator = world.operator();
    let (holder, _) = make(&operator, json!({"scopes": ["audit"]}), &world).await;
    holder.get("/v1/me").await.expect(200);
    // The note of a use is written with the next change.
    operator.named("n", "a value").await;
    let list = operator.get("/v1/keys").await.expect(200);
    assert!(list["data"][2]["last_used_at"].is_string(), "{list}");
}

#[tokio::test]
async fn wrong_keys_are_refused_field_by_field() {
    let world = World::start().await;
    let operator = world.operator();
    for (body, mistakes) in [
        (json!({}), vec!["missing body.scopes"]),
        (json!({"scopes": []}), vec!["too_short body.scopes"]),
        (json!({"scopes": "manage"}), vec!["list_type body.scopes"]),
        (
            json!({"scopes": ["Manage", 1]}),
            vec!["enum body.scopes.0", "string_type body.scopes.1"],
        ),
        (
            json!({"scopes": ["manage"], "name": ""}),
            vec!["string_too_short body.name"],
        ),
        (
            json!({"scopes": ["manage"], "tools": ["", 1]}),
            vec!["string_too_short body.tools.0", "string_type body.tools.1"],
        ),
        (
            json!({"scopes": ["manage"], "expires_in": 0}),
            vec!["greater_than_equal body.expires_in"],
        ),
        (
            json!({"scopes": ["manage"], "expires_at": "2001-01-01T00:00:00Z"}),
            vec!["value_error body.expires_at"],
        ),
        (
            json!({"scopes": ["manage"], "expires_at": "soon"}),
            vec!["datetime_parsing body.expires_at"],
        ),
        (
            json!({"scopes": ["manage"], "expires_in": 60, "expires_at": "2999-01-01T00:00:00Z"}),
            vec!["value_error body.expires_at"],
        ),
        (
            json!({"scopes": ["manage"], "user_id": 1}),
            vec!["uuid_type body.user_id"],
        ),
    ] {
        let answer = operator.post("/v1/keys", &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), mistakes, "{body}");
    }
    for id in ["x", "00000000", "%00", "..", "%FF"] {
        operator
            .delete(&format!("/v1/keys/{id}"))
            .await
            .refused(404, "not_found");
    }
    let list = operator.get("/v1/keys").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_rotates_a_key_into_rights_that_they_lack() {
    let world = World::start().await;
    let manager = world.scoped(&[Manage]).await;
    let agent = world.scoped(&[Use]).await;
    let path = format!("/v1/keys/{}/rotate", agent.key_id);
    manager
        .post(&path, &json!({}))
        .await
        .refused(403, "exceeds_creator");
    agent.get("/v1/me").await.expect(200);
}
