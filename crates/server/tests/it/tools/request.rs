//! The content of a request to resolve, and the errors for mistakes in it.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn mistakes_are_told_field_by_field() {
    let world = World::start().await;
    let operator = world.operator();
    for (body, mistakes) in [
        (json!({"args": []}), vec!["dict_type body.args"]),
        (json!({"args": "x"}), vec!["dict_type body.args"]),
        (json!({"bindings": []}), vec!["dict_type body.bindings"]),
        (
            json!({"bindings": {"": "secret://s"}}),
            vec!["string_too_short body.bindings."],
        ),
        (
            json!({"bindings": {"a\u{0}": "secret://s"}}),
            vec!["value_error body.bindings.a\u{0}"],
        ),
        (json!({"accepts": "key"}), vec!["list_type body.accepts"]),
        (
            json!({"accepts": ["", 1]}),
            vec![
                "string_too_short body.accepts.0",
                "string_type body.accepts.1",
            ],
        ),
        (
            json!({"require": ["x".repeat(1025)]}),
            vec!["string_too_long body.require.0"],
        ),
        (
            json!({"require": {}, "args": 1}),
            vec!["dict_type body.args", "list_type body.require"],
        ),
    ] {
        for operation in ["resolve", "explain"] {
            let answer = operator
                .post(&format!("/v1/tools/t/{operation}"), &body)
                .await;
            answer.refused(422, "invalid");
            assert_eq!(answer.mistakes(), mistakes, "{body}");
        }
    }
    operator
        .post(
            "/v1/tools/t/resolve",
            &json!({"unknown": 1, "tool_name": 7}),
        )
        .await
        .expect(200);
    let text = operator
        .send("POST", "/v1/tools/t/resolve", Some("text/plain"), b"{}")
        .await;
    text.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_lone_surrogate_in_an_argument_is_refused_or_returned_as_it_came() {
    let world = World::start().await;
    let operator = world.operator();
    let body = r#"{"args":{"\ud800":1}}"#;
    operator
        .json("POST", "/v1/tools/t/resolve", body)
        .await
        .refused(422, "invalid");
    let body = r#"{"args":{"key":"\ud800"}}"#;
    let answer = operator.json("POST", "/v1/tools/t/resolve", body).await;
    assert!(answer.text().contains(r#""key":"\ud800""#) || answer.status == 422);
}

#[tokio::test]
async fn an_argument_given_twice_is_one_argument() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    for (args, expected) in [
        (r#"{"key":"first","key":null}"#, "the secret"),
        (r#"{"key":null,"key":"last"}"#, "last"),
        (r#"{"key":"first","k\u0065y":null}"#, "the secret"),
    ] {
        let body = format!(r#"{{"args":{args}}}"#);
        let answer = operator.json("POST", "/v1/tools/t/resolve", &body).await;
        let answer = answer.expect(200);
        assert_eq!(answer["args"]["key"], expected, "{args}");
    }
}

#[tokio::test]
async fn a_use_is_recorded_before_the_value_is_answered() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    for number in 1..=3 {
        operator
            .post("/v1/tools/t/resolve", &json!({}))
            .await
            .expect(200);
        let used = operator
            .get("/v1/audit?action=secret.used")
            .await
            .expect(200);
        assert_eq!(used["data"].as_array().unwrap().len(), number);
    }
}
