//! `POST /v1/tools/{tool_name}/explain`: what resolving would do, without any value.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Resolve, Use};

use crate::harness::{Actor, World};

async fn explain(actor: &Actor, tool: &str, body: &Value) -> Value {
    let answer = actor.post(&format!("/v1/tools/{tool}/explain"), body).await;
    assert!(!answer.text().contains("the secret"), "{}", answer.text());
    answer.expect(200)
}

#[tokio::test]
async fn each_argument_says_where_it_would_come_from() {
    let world = World::start().await;
    let operator = world.operator();
    let default = operator.default_for("linear__*", "key", "the secret").await;
    let bound = operator.named("bound", "the secret too").await;
    let body = json!({
        "args": {"given": 1},
        "bindings": {"token": "secret://bound", "bad": "secret://nothing"},
        "require": ["missing"],
    });
    let answer = explain(&operator, "linear__get", &body).await;
    assert_eq!(answer["tool_name"], "linear__get");
    assert_eq!(answer["would_succeed"], false);
    let outcomes: Vec<(&str, &str, &Value)> = answer["arguments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| {
            let text = |name: &str| argument[name].as_str().unwrap();
            (text("arg"), text("outcome"), &argument["winner"])
        })
        .collect();
    let expected = [
        ("bad", "secret_not_available", &Value::Null),
        ("given", "received", &Value::Null),
        ("key", "default", &json!(default)),
        ("missing", "secret_missing", &Value::Null),
        ("token", "binding", &json!(bound)),
    ];
    assert_eq!(outcomes, expected);
    let candidate = &answer["arguments"][2]["candidates"][0];
    let expected = json!({
        "secret_id": default, "secret_name": "key of linear__*", "pattern": "linear__*", "wins": true,
        "why": candidate["why"],
    });
    assert_eq!(candidate, &expected);
    assert!(candidate["why"].as_str().is_some_and(|why| !why.is_empty()));
    assert_eq!(answer["arguments"][2]["tied"], false);
    let used = operator
        .get("/v1/audit?action=secret.used")
        .await
        .expect(200);
    assert_eq!(used["data"], json!([]));
}

#[tokio::test]
async fn explaining_says_what_resolving_then_does() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__*", "key", "the secret").await;
    operator
        .default_for("linear__get", "key", "the secret of get")
        .await;
    operator.named("twin", "the secret a").await;
    operator.named("twin", "the secret b").await;
    let mut compared = 0;
    for (body, succeeds) in [
        (json!({}), true),
        (json!({"accepts": []}), true),
        (json!({"accepts": [], "require": ["key"]}), false),
        (json!({"args": {"key": "x"}, "require": ["key"]}), true),
        (json!({"bindings": {"key": "secret://twin"}}), false),
        (json!({"bindings": {"key": "secret://nothing"}}), false),
    ] {
        let explained = explain(&operator, "linear__get", &body).await;
        let resolved = operator.post("/v1/tools/linear__get/resolve", &body).await;
        assert_eq!(explained["would_succeed"], succeeds, "{body}");
        assert_eq!(resolved.status, if succeeds { 200 } else { 409 }, "{body}");
        if succeeds {
            for applied in resolved.json()["applied"].as_array().unwrap() {
                let arguments = explained["arguments"].as_array().unwrap();
                let argument = arguments
                    .iter()
                    .find(|argument| argument["arg"] == applied["arg"]);
                assert_eq!(argument.unwrap()["winner"], applied["secret_id"]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 1);
}

#[tokio::test]
async fn a_tie_that_only_time_decides_is_told() {
    let world = World::start().await;
    let operator = world.operator();
    operator
        .default_for("linear__*", "key", "the secret one")
        .await;
    let last = operator
        .default_for("*near__get", "key", "the secret two")
        .await;
    let answer = explain(&operator, "linear__get", &json!({})).await;
    assert_eq!(answer["arguments"][0]["tied"], false);
    let equal = json!({"tool_name": "*ear__get"});
    operator
        .patch(&format!("/v1/secrets/{last}"), &equal)
        .await
        .expect(200);
    let answer = explain(&operator, "linear__get", &json!({})).await;
    assert_eq!(answer["arguments"][0]["tied"], true, "{answer}");
    assert_eq!(answer["arguments"][0]["winner"], json!(last));
}

#[tokio::test]
async fn without_manage_only_what_matches_the_tool_is_told() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__*", "key", "the secret").await;
    operator.default_for("github__*", "key", "the secret").await;
    let names = |answer: &Value| -> Vec<String> {
        let candidates = answer["arguments"][0]["candidates"]
            .as_array()
            .unwrap()
            .clone();
        let name = |candidate: Value| candidate["secret_name"].as_str().unwrap().to_owned();
        candidates.into_iter().map(name).collect()
    };
    operator
        .create(json!({
            "secret_name": "off", "secret_value": "the secret", "tool_name": "linear__get", "tool_arg": "key",
        }))
        .await;
    operator.default_for("LINEAR__*", "key", "the secret").await;
    let near = |answer: &Value| -> Vec<(String, String)> {
        let near = answer["arguments"][0]["near"].as_array().unwrap().clone();
        let text = |near: &Value, name: &str| near[name].as_str().unwrap().to_owned();
        let near = near.into_iter();
        near.map(|near| (text(&near, "secret_name"), text(&near, "why")))
            .collect()
    };
    let off = ("off".to_owned(), "it is not a default".to_owned());
    let case = (
        "key of LINEAR__*".to_owned(),
        "the name of the tool differs in case".to_owned(),
    );
    let all = explain(&operator, "linear__get", &json!({})).await;
    assert_eq!(names(&all), ["key of linear__*"]);
    assert_eq!(near(&all), [off.clone(), case]);
    assert_eq!(all["gateway"], Value::Null);
    for scope in [Use, Resolve] {
        let actor = world.scoped(&[scope]).await;
        let some = explain(&actor, "linear__get", &json!({})).await;
        assert_eq!(names(&some), ["key of linear__*"]);
        assert_eq!(near(&some), std::slice::from_ref(&off));
    }
}

#[tokio::test]
async fn pointers_are_resolved_and_explained_and_a_wrong_escape_is_refused() {
    let world = World::start().await;
    let operator = world.operator();
    operator
        .default_for("tool", "/params/key", "the secret")
        .await;
    operator.named("other", "the secret too").await;
    let told = explain(&operator, "tool", &json!({"args": {"params": {"q": 1}}})).await;
    assert_eq!(told["arguments"][0]["arg"], "/params/key");
    assert_eq!(told["arguments"][0]["outcome"], "default");
    let body = json!({"args": {"params": {"q": 1}}, "bindings": {"/params/b": "secret://other"}, "require": ["/params/key"]});
    let resolved = operator
        .post("/v1/tools/tool/resolve", &body)
        .await
        .expect(200);
    assert_eq!(
        resolved["args"],
        json!({"params": {"q": 1, "b": "the secret too", "key": "the secret"}})
    );
    assert_eq!(resolved["applied"][1]["arg"], "/params/key");
    for (body, loc) in [
        (
            json!({"bindings": {"/a~2": "secret://other"}}),
            json!(["body", "bindings", "/a~2"]),
        ),
        (
            json!({"accepts": ["x", "/a~"]}),
            json!(["body", "accepts", 1]),
        ),
        (json!({"require": ["/~x"]}), json!(["body", "require", 0])),
    ] {
        let refused = operator
            .post("/v1/tools/tool/resolve", &body)
            .await
            .expect(422);
        assert_eq!(refused["detail"][0]["type"], "value_error", "{body}");
        assert_eq!(refused["detail"][0]["loc"], loc);
    }
}
