//! Storing, reading and deleting one secret.

use serde_json::{Value, json};

use crate::harness::World;

/// The answer, with placeholders for text that differs between runs.
fn stable(mut info: Value) -> Value {
    for name in ["secret_id", "user_id", "created_at", "updated_at"] {
        assert!(info[name].is_string(), "{name}");
        info[name] = json!("<stable>");
    }
    info
}

#[tokio::test]
async fn a_secret_is_told_of_without_its_value() {
    let world = World::start().await;
    let operator = world.operator();
    let secret = json!({
        "secret_name": "linear-prod",
        "secret_value": "lin_api_0123456789abcdef",
        "tool_name": "agno__linear__*",
        "tool_arg": "api_token",
        "is_default_for_tool": true,
    });
    let answer = operator.post("/v1/secrets/", &secret).await;
    let created = answer.expect(200);
    assert_eq!(
        stable(created.clone()),
        json!({"secret_id":"<stable>","user_id":"<stable>","secret_name":"linear-prod","display":"lin********cdef","tool_name":"agno__linear__*","tool_arg":"api_token","is_default_for_tool":true,"created_at":"<stable>","updated_at":"<stable>"})
    );
    assert_eq!(created["user_id"], json!(operator.user));
    assert_eq!(created["created_at"], created["updated_at"]);
    assert!(answer.header("etag").is_some());
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let path = format!("/v1/secrets/{}", created["secret_id"].as_str().unwrap());
    let read = operator.get(&path).await;
    assert_eq!(read.expect(200), created);
    assert_eq!(read.header("etag"), answer.header("etag"));
}

#[tokio::test]
async fn only_name_and_value_are_needed() {
    let world = World::start().await;
    let secret = json!({"secret_name": "n", "secret_value": "valu"});
    let created = world.operator().create(secret).await;
    assert_eq!(
        stable(created),
        json!({"secret_id":"<stable>","user_id":"<stable>","secret_name":"n","display":"********","tool_name":null,"tool_arg":null,"is_default_for_tool":false,"created_at":"<stable>","updated_at":"<stable>"})
    );
}

#[tokio::test]
async fn names_need_not_be_unique() {
    let world = World::start().await;
    let operator = world.operator();
    let first = operator.named("same", "value one").await;
    let second = operator.named("same", "value two").await;
    assert_ne!(first, second);
    assert_eq!(operator.count().await, 2);
}

#[tokio::test]
async fn an_erased_secret_is_gone_from_every_operation() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator
        .default_for("tool", "arg", "a value to erase")
        .await;
    let path = format!("/v1/secrets/{id}");
    let answer = operator.delete(&path).await;
    assert_eq!(answer.expect(200), json!({}));
    assert_eq!(answer.text(), "{}");

    operator.get(&path).await.refused(404, "not_found");
    operator.delete(&path).await.refused(404, "not_found");
    operator
        .patch(&path, &json!({}))
        .await
        .refused(404, "not_found");
    let value = json!({"secret_value": "another value"});
    operator
        .patch(&path, &value)
        .await
        .refused(404, "not_found");
    operator
        .put(&format!("{path}/value"), &value)
        .await
        .refused(404, "not_found");
    assert_eq!(operator.count().await, 0);
    let completed = operator.post("/v1/tools/tool/resolve", &json!({})).await;
    assert_eq!(completed.expect(200)["args"], json!({}));
    let bound = json!({"bindings": {"arg": format!("secret:///id/{id}")}});
    let answer = operator.post("/v1/tools/tool/resolve", &bound).await;
    answer.refused(409, "secret_not_available");
}

#[tokio::test]
async fn an_id_is_known_in_every_spelling_that_the_uuid_crate_parses() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let simple = id.replace('-', "");
    for spelling in [
        id.to_uppercase(),
        simple.clone(),
        simple.to_uppercase(),
        format!("%7B{id}%7D"),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!("urn%3Auuid%3A{id}"),
        id.replace('-', "%2D"),
    ] {
        let answer = operator.get(&format!("/v1/secrets/{spelling}")).await;
        assert_eq!(answer.expect(200)["secret_id"], id, "{spelling}");
        let answer = operator.get(&format!("/v1/secrets/{spelling}/")).await;
        assert_eq!(answer.expect(200)["secret_id"], id, "{spelling}");
    }
    for wrong in [
        "x",
        "0",
        "%20",
        "..%2f",
        &id[1..],
        &format!("{id}0"),
        "%FF",
        "%00",
        &"a".repeat(4_000),
    ] {
        let answer = operator.get(&format!("/v1/secrets/{wrong}")).await;
        answer.refused(422, "invalid");
        assert_eq!(
            answer.mistakes(),
            ["uuid_parsing path.secret_id"],
            "{wrong}"
        );
    }
}
