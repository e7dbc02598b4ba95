//! Defaults: which one is applied and when, and the answers (section 4, rules 3 to 5 and 8).

use serde_json::{Value, json};
use toolvault_core::scope::Scope::Resolve;

use crate::harness::{Actor, Rights, World};

async fn args(actor: &Actor, tool: &str, body: Value) -> Value {
    let answer = actor
        .post(&format!("/v1/tools/{tool}/resolve"), &body)
        .await;
    answer.expect(200)["args"].clone()
}

#[tokio::test]
async fn a_default_is_applied_when_the_argument_was_not_received() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator
        .default_for("agno__linear__*", "api_token", "lin_api_secret")
        .await;
    let body = json!({"args": {"issue_id": "ABC-1"}});
    let path = "/v1/tools/agno__linear__get_issue_details/resolve";
    let answer = operator.post(path, &body).await;
    let expected = json!({
        "tool_name": "agno__linear__get_issue_details",
        "args": {"issue_id": "ABC-1", "api_token": "lin_api_secret"},
        "applied": [{
            "arg": "api_token", "secret_id": id, "secret_name": "api_token of agno__linear__*",
            "version": 1, "source": "default", "redact": true,
        }],
    });
    assert_eq!(answer.expect(200), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_value_that_is_not_confidential_is_told_apart() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.default_for("t", "user", "a user name").await;
    let policy = format!("/v1/secrets/{id}/policy");
    operator
        .json("PUT", &policy, r#"{"redact":false}"#)
        .await
        .expect(200);
    let answer = operator.post("/v1/tools/t/resolve", &json!({})).await;
    assert_eq!(answer.expect(200)["applied"][0]["redact"], false);
}

#[tokio::test]
async fn absent_and_null_are_not_received_and_an_empty_string_is() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    for (body, key) in [
        (json!({}), json!("the secret")),
        (json!({"args": null}), json!("the secret")),
        (json!({"args": {}}), json!("the secret")),
        (json!({"args": {"key": null}}), json!("the secret")),
        (json!({"args": {"key": ""}}), json!("")),
        (json!({"args": {"key": "mine"}}), json!("mine")),
        (json!({"args": {"key": 0}}), json!(0)),
        (json!({"args": {"key": false}}), json!(false)),
        (json!({"args": {"key": []}}), json!([])),
        (json!({"args": {"key": {}}}), json!({})),
        (
            json!({"args": {"key": "secret://key of t"}}),
            json!("secret://key of t"),
        ),
    ] {
        assert_eq!(
            args(&operator, "t", body.clone()).await["key"],
            key,
            "{body}"
        );
    }
    let answer = operator
        .send("POST", "/v1/tools/t/resolve", None, b"")
        .await;
    assert_eq!(answer.expect(200)["args"]["key"], "the secret");
}

#[tokio::test]
async fn accepts_limits_defaults_to_the_arguments_in_it() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    operator.default_for("t", "other", "another secret").await;
    for (accepts, expected) in [
        (
            json!(null),
            json!({"key": "the secret", "other": "another secret"}),
        ),
        (json!([]), json!({})),
        (json!(["key"]), json!({"key": "the secret"})),
        (json!(["key", "key", "more"]), json!({"key": "the secret"})),
        (json!(["KEY"]), json!({})),
    ] {
        let body = json!({"accepts": accepts});
        assert_eq!(args(&operator, "t", body).await, expected, "{accepts}");
    }
}

#[tokio::test]
async fn a_default_without_tool_or_argument_is_never_applied_by_itself() {
    let world = World::start().await;
    let operator = world.operator();
    for (tool, arg, flag) in [
        (None, Some("key"), true),
        (Some("t"), None, true),
        (Some("t"), Some("key"), false),
    ] {
        let secret = json!({
            "secret_name": "n", "secret_value": "a value", "tool_name": tool, "tool_arg": arg,
            "is_default_for_tool": flag,
        });
        operator.create(secret).await;
    }
    assert_eq!(args(&operator, "t", json!({})).await, json!({}));
}

#[tokio::test]
async fn the_whole_name_must_match_and_case_matters() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("a*c", "key", "the secret").await;
    for (tool, matches) in [
        ("ac", true),
        ("abc", true),
        ("a%2Fb%2Fc", true),
        ("a%20%C3%A9c", true),
        ("a%2520c", true),
        ("abcd", false),
        ("Abc", false),
        ("xac", false),
    ] {
        let expected = if matches {
            json!({"key": "the secret"})
        } else {
            json!({})
        };
        assert_eq!(args(&operator, tool, json!({})).await, expected, "{tool}");
    }
}

#[tokio::test]
async fn an_exact_name_wins_and_then_the_pattern_with_more_literal_characters() {
    let world = World::start().await;
    let operator = world.operator();
    let mut ids = Vec::new();
    // Neither the order of storing nor the length including stars decides.
    for tool in [
        "linear__g*",
        "*",
        "linear__get",
        "lin***********get",
        "linear__*",
    ] {
        ids.push((
            tool,
            operator
                .default_for(tool, "key", &format!("for {tool}"))
                .await,
        ));
    }
    for winner in [
        "linear__get",
        "linear__g*",
        "linear__*",
        "lin***********get",
        "*",
    ] {
        let completed = args(&operator, "linear__get", json!({})).await;
        assert_eq!(completed["key"], format!("for {winner}"));
        let (_, id) = ids.iter().find(|(tool, _)| *tool == winner).unwrap();
        operator
            .delete(&format!("/v1/secrets/{id}"))
            .await
            .expect(200);
    }
    assert_eq!(args(&operator, "linear__get", json!({})).await, json!({}));
}

#[tokio::test]
async fn among_equals_the_value_binding_or_flag_that_changed_last_decides() {
    let world = World::start().await;
    let operator = world.operator();
    let first = operator.default_for("linear__*", "key", "the first").await;
    let second = operator.default_for("*ear__get", "key", "the second").await;
    let (first, second) = (
        format!("/v1/secrets/{first}"),
        format!("/v1/secrets/{second}"),
    );
    for (path, change, winner) in [
        (&first, json!({}), "the second"),
        (
            &first,
            json!({"secret_name": "a name decides nothing"}),
            "the second",
        ),
        (&first, json!({"secret_value": "the first"}), "the second"),
        (&first, json!({"tool_name": "linea*__g*"}), "the first"),
        (&second, json!({"is_default_for_tool": false}), "the first"),
        (&second, json!({"is_default_for_tool": true}), "the second"),
        (
            &first,
            json!({"secret_value": "the first changed"}),
            "the first changed",
        ),
    ] {
        operator.patch(path, &change).await.expect(200);
        let completed = args(&operator, "linear__get", json!({})).await;
        assert_eq!(completed["key"], winner, "{change}");
    }
}

#[tokio::test]
async fn what_is_required_and_missing_is_409_and_nothing_is_given() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    let body = json!({"require": ["key", "token", "other"], "args": {"other": "given"}});
    let answer = operator.post("/v1/tools/t/resolve", &body).await;
    answer.refused(409, "secret_missing");
    let expected = json!({"detail": [{
        "type": "secret_missing", "loc": ["require", "token"],
        "msg": "Argument 'token' of tool 't' is required and no secret serves it. Run: toolvault explain 't'",
    }]});
    assert_eq!(answer.json(), expected);
    let used = operator
        .get("/v1/audit?action=secret.used")
        .await
        .expect(200);
    assert_eq!(used["data"], json!([]));
    let body = json!({"require": ["key"], "args": {"key": ""}});
    assert_eq!(args(&operator, "t", body).await["key"], "");
}

#[tokio::test]
async fn a_limited_key_resolves_only_its_tools_with_what_lies_inside() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__get", "key", "inside").await;
    operator
        .default_for("*", "token", "wider than the key")
        .await;
    let narrow = world
        .holder(Rights {
            scopes: &[Resolve],
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    assert_eq!(
        args(&narrow, "linear__get", json!({})).await,
        json!({"key": "inside"})
    );
    let answer = narrow
        .post("/v1/tools/github__get/resolve", &json!({}))
        .await;
    answer.refused(403, "tool_not_allowed");
    let body = json!({"bindings": {"token": "secret://token%20of%20*"}});
    let answer = narrow.post("/v1/tools/linear__get/resolve", &body).await;
    answer.refused(409, "secret_not_available");
}
