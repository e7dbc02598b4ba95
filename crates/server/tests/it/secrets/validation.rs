//! 422 as in `FastAPI`: every mistake of a request at once, without the rejected input.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn all_mistakes_are_told_at_once() {
    let world = World::start().await;
    let operator = world.operator();
    let answer = operator.json("POST", "/v1/secrets/", "{}").await;
    answer.refused(422, "invalid");
    assert_eq!(
        answer.json(),
        json!({"detail":[{"type":"missing","loc":["body","secret_name"],"msg":"Field required"},{"type":"missing","loc":["body","secret_value"],"msg":"Field required"}]})
    );
    let body = json!({"secret_name": "", "secret_value": "abc", "tool_name": 1, "tool_arg": "x".repeat(1025), "is_default_for_tool": 2});
    let answer = operator.post("/v1/secrets/", &body).await;
    answer.refused(422, "invalid");
    assert_eq!(
        answer.json(),
        json!({"detail":[{"type":"string_too_short","loc":["body","secret_name"],"msg":"String should have at least 1 character","ctx":{"min_length":1}},{"type":"string_too_short","loc":["body","secret_value"],"msg":"String should have at least 4 characters","ctx":{"min_length":4}},{"type":"string_type","loc":["body","tool_name"],"msg":"Input should be a valid string"},{"type":"string_too_long","loc":["body","tool_arg"],"msg":"String should have at most 1024 characters","ctx":{"max_length":1024}},{"type":"bool_parsing","loc":["body","is_default_for_tool"],"msg":"Input should be a valid boolean, unable to interpret input"}]})
    );
}

#[tokio::test]
async fn path_and_body_are_wrong_together() {
    let world = World::start().await;
    let body = json!({"secret_value": "abc"});
    let answer = world.operator().patch("/v1/secrets/7", &body).await;
    assert_eq!(
        answer.mistakes(),
        [
            "uuid_parsing path.secret_id",
            "string_too_short body.secret_value"
        ]
    );
}

#[tokio::test]
async fn json_that_does_not_parse_is_one_mistake_alone() {
    let world = World::start().await;
    let operator = world.operator();
    for body in [
        "{",
        "nonsense",
        r#"{"a":}"#,
        "{'a':1}",
        r#"{"a":1,}"#,
        "  ",
        "{} {}",
        "\"\u{1}\"",
    ] {
        for (method, path) in [("POST", "/v1/secrets/"), ("PATCH", "/v1/secrets/7")] {
            let answer = operator.json(method, path, body).await;
            answer.refused(422, "invalid");
            let detail = answer.json()["detail"].clone();
            assert_eq!(detail.as_array().unwrap().len(), 1, "{body}");
            assert_eq!(detail[0]["type"], "json_invalid", "{body}");
            assert_eq!(detail[0]["loc"][0], "body");
        }
    }
}

#[tokio::test]
async fn json_that_is_not_an_object_lacks_all_five_fields() {
    let world = World::start().await;
    let operator = world.operator();
    let all = [
        "secret_name",
        "secret_value",
        "tool_name",
        "tool_arg",
        "is_default_for_tool",
    ]
    .map(|field| format!("missing body.{field}"));
    for body in [
        "null",
        "[]",
        "1",
        "\"text\"",
        "true",
        "[{\"secret_name\":1}]",
    ] {
        let answer = operator.json("POST", "/v1/secrets/", body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), all, "{body}");
    }
}

#[tokio::test]
async fn an_absent_body_lacks_what_is_required() {
    let world = World::start().await;
    let answer = world
        .operator()
        .send("POST", "/v1/secrets/", None, b"")
        .await;
    answer.refused(422, "invalid");
    assert_eq!(answer.json()["detail"][0]["type"], "missing");
}

#[tokio::test]
async fn the_rejected_input_is_never_repeated() {
    let world = World::start().await;
    let operator = world.operator();
    let canary = "cAnArY-in-bad-input";
    let long = canary.repeat(1000);
    for body in [
        format!(
            r#"{{"secret_name":"n","secret_value":"{canary}","is_default_for_tool":"{canary}"}}"#
        ),
        format!(r#"{{"secret_value":"{long}"}}"#),
        format!(r#"{{"secret_name":["{canary}"],"secret_value":{{"{canary}":"{canary}"}}}}"#),
        format!(r#"{{"secret_name":"n","secret_value":"{canary}\u0000"}}"#),
        format!(r#"{{"secret_name":"n","secret_value":"{canary}\ud800"}}"#),
        format!(r#"{{"secret_name":"n","secret_value":"{canary}"#),
        format!(r#"{{"secret_name":"n","secret_value":"{canary}"}} {canary}"#),
        canary.to_owned(),
        format!("\"{canary}\""),
    ] {
        let answer = operator.json("POST", "/v1/secrets/", &body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert!(!answer.text().contains(canary), "{}", answer.text());
        let content_type = Some("text/plain");
        let answer = operator
            .send("POST", "/v1/secrets/", content_type, body.as_bytes())
            .await;
        answer.refused(415, "unsupported_media_type");
        assert!(!answer.text().contains(canary), "{}", answer.text());
    }
    assert_eq!(operator.count().await, 0);
}
