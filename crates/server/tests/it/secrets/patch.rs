//! Changing a secret: only the given fields, and the meaning of null by the type of the body.

use serde_json::{Value, json};

use crate::harness::{Actor, World};

const MERGE_PATCH: &str = "application/merge-patch+json";

/// A secret with every field set; returns its path and the answer.
async fn full(operator: &Actor) -> (String, Value) {
    let secret = json!({
        "secret_name": "name",
        "secret_value": "the first value, long enough to show",
        "tool_name": "linear__*",
        "tool_arg": "token",
        "is_default_for_tool": true,
    });
    let created = operator.create(secret).await;
    let path = format!("/v1/secrets/{}", created["secret_id"].as_str().unwrap());
    (path, created)
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, mut expected) = full(&operator).await;
    for (name, value) in [
        ("secret_name", json!("another name")),
        ("tool_name", json!("github__*")),
        ("tool_arg", json!("password")),
        ("is_default_for_tool", json!(false)),
    ] {
        let changed = operator
            .patch(&path, &json!({name: value}))
            .await
            .expect(200);
        assert!(changed["updated_at"].as_str() > expected["updated_at"].as_str());
        expected[name] = value;
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
        assert_eq!(operator.get(&path).await.expect(200), expected);
    }
    let value = json!({"secret_value": "quite another value than before"});
    let changed = operator.patch(&path, &value).await.expect(200);
    expected["display"] = json!("qui********fore");
    expected["updated_at"] = changed["updated_at"].clone();
    assert_eq!(changed, expected);
}

#[tokio::test]
async fn null_in_plain_json_counts_as_not_given() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, created) = full(&operator).await;
    let nulls = json!({
        "secret_name": null, "secret_value": null, "tool_name": null, "tool_arg": null,
        "is_default_for_tool": null,
    });
    assert_eq!(operator.patch(&path, &nulls).await.expect(200), created);
    for content_type in ["application/json", "application/problem+json", ""] {
        let content_type = (!content_type.is_empty()).then_some(content_type);
        let body = nulls.to_string();
        let answer = operator
            .send("PATCH", &path, content_type, body.as_bytes())
            .await;
        assert_eq!(answer.expect(200), created);
    }
    let mut expected = created;
    let body = json!({"secret_name": "renamed", "tool_name": null, "tool_arg": null});
    let changed = operator.patch(&path, &body).await.expect(200);
    expected["secret_name"] = json!("renamed");
    expected["updated_at"] = changed["updated_at"].clone();
    assert_eq!(changed, expected);
}

#[tokio::test]
async fn null_in_a_merge_patch_clears_what_can_be_cleared() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, mut expected) = full(&operator).await;
    for (name, cleared) in [
        ("tool_name", Value::Null),
        ("tool_arg", Value::Null),
        ("is_default_for_tool", json!(false)),
    ] {
        let body = json!({name: null}).to_string();
        let answer = operator
            .send("PATCH", &path, Some(MERGE_PATCH), body.as_bytes())
            .await;
        let changed = answer.expect(200);
        expected[name] = cleared;
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
    }
    for name in ["secret_name", "secret_value"] {
        let body = json!({name: null}).to_string();
        let answer = operator
            .send("PATCH", &path, Some(MERGE_PATCH), body.as_bytes())
            .await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), [format!("string_type body.{name}")]);
    }
    assert_eq!(operator.get(&path).await.expect(200), expected);
}

#[tokio::test]
async fn nothing_given_changes_nothing() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, created) = full(&operator).await;
    for body in ["", "{}", " {} ", r#"{"unknown":1}"#] {
        for content_type in [None, Some("application/json"), Some(MERGE_PATCH)] {
            let answer = operator
                .send("PATCH", &path, content_type, body.as_bytes())
                .await;
            assert_eq!(answer.expect(200), created, "{body}");
        }
    }
    // Without even a length.
    let head = operator.head("PATCH", &path);
    let answer = crate::harness::exchange(world.address, format!("{head}\r\n").as_bytes()).await;
    assert_eq!(answer.expect(200), created);
}

#[tokio::test]
async fn a_field_equal_to_what_is_stored_is_no_change() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, created) = full(&operator).await;
    let same = json!({
        "secret_name": "name",
        "secret_value": "the first value, long enough to show",
        "tool_name": "linear__*",
        "tool_arg": "token",
        "is_default_for_tool": true,
    });
    assert_eq!(operator.patch(&path, &same).await.expect(200), created);
    let value = json!({"secret_value": same["secret_value"]});
    let answer = operator.put(&format!("{path}/value"), &value).await;
    assert_eq!(answer.expect(200), created);
    let resolved = operator
        .post("/v1/tools/linear__get/resolve", &json!({}))
        .await
        .expect(200);
    assert_eq!(resolved["applied"][0]["version"], 1);
    let changes = operator
        .get("/v1/audit?action=secret.value_replaced")
        .await
        .expect(200);
    assert_eq!(changes["data"], json!([]));
}

#[tokio::test]
async fn every_change_of_the_value_makes_the_next_version_and_nothing_else_does() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, _) = full(&operator).await;
    let mut version = 1;
    for (body, makes_one) in [
        (json!({"secret_value": "the second value"}), true),
        (json!({"secret_name": "renamed"}), false),
        (json!({"tool_name": "linear__g*"}), false),
        (
            json!({"secret_value": "the third value", "secret_name": "both"}),
            true,
        ),
        (json!({"secret_value": "the third value"}), false),
        (json!({"secret_value": "the second value"}), true),
    ] {
        operator.patch(&path, &body).await.expect(200);
        version += i64::from(makes_one);
        let resolved = operator
            .post("/v1/tools/linear__get/resolve", &json!({}))
            .await;
        let applied = &resolved.expect(200)["applied"][0];
        assert_eq!(applied["version"], version, "{body}");
    }
}

#[tokio::test]
async fn updated_at_strictly_increases_with_each_change_of_the_user() {
    let world = World::start().await;
    let operator = world.operator();
    let (first, _) = full(&operator).await;
    let (second, _) = full(&operator).await;
    let mut last = String::new();
    for number in 0..40 {
        let path = if number % 3 == 0 { &first } else { &second };
        let body = json!({"secret_name": format!("name {number}")});
        let changed = operator.patch(path, &body).await.expect(200);
        let at = changed["updated_at"].as_str().unwrap().to_owned();
        // A time without a fraction is written without one.
        let at = if at.len() == 20 {
            at.replace('Z', ".000000Z")
        } else {
            at
        };
        assert!(at > last, "{at} after {last}");
        last = at;
    }
}

#[tokio::test]
async fn a_pattern_or_argument_of_its_own_is_refused_where_it_stands() {
    let world = World::start().await;
    let operator = world.operator();
    let (path, created) = full(&operator).await;
    for (body, mistakes) in [
        (
            json!({"secret_name": 1, "secret_value": "abc", "tool_name": "", "tool_arg": [], "is_default_for_tool": "maybe"}),
            vec![
                "string_type body.secret_name",
                "string_too_short body.secret_value",
                "string_too_short body.tool_name",
                "string_type body.tool_arg",
                "bool_parsing body.is_default_for_tool",
            ],
        ),
        (
            json!([]),
            vec![
                "missing body.secret_name",
                "missing body.secret_value",
                "missing body.tool_name",
                "missing body.tool_arg",
                "missing body.is_default_for_tool",
            ],
        ),
        (
            json!(null),
            vec![
                "missing body.secret_name",
                "missing body.secret_value",
                "missing body.tool_name",
                "missing body.tool_arg",
                "missing body.is_default_for_tool",
            ],
        ),
    ] {
        let answer = operator.patch(&path, &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), mistakes, "{body}");
    }
    assert_eq!(operator.get(&path).await.expect(200), created);
}
