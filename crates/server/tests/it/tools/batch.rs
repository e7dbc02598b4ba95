//! `POST /v1/resolve`: one call, or up to a hundred, each as if it were alone.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Audit, Resolve};

use crate::harness::{Rights, World};

#[tokio::test]
async fn one_call_is_answered_as_under_its_own_path() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("a/b", "key", "the secret").await;
    let alone = operator
        .json("POST", "/v1/tools/a%2Fb/resolve", r#"{"args":{"n":1.0}}"#)
        .await;
    let named = operator
        .json(
            "POST",
            "/v1/resolve",
            r#"{"tool_name":"a/b","args":{"n":1.0}}"#,
        )
        .await;
    assert_eq!(named.status, 200);
    assert_eq!(named.text(), alone.text());
    assert_eq!(named.header("cache-control"), Some("no-store"));
    let body = json!({"tool_name": "a/b", "require": ["token"]});
    operator
        .post("/v1/resolve", &body)
        .await
        .refused(409, "secret_missing");
}

#[tokio::test]
async fn results_of_a_batch_stand_in_order_each_with_its_own_status() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__*", "key", "the secret").await;
    let narrow = world
        .holder(Rights {
            scopes: &[Resolve],
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    let body = json!({"calls": [
        {"tool_name": "linear__get"},
        {"tool_name": "linear__get", "require": ["token"]},
        {"tool_name": "github__get"},
        {"tool_name": "linear__set", "args": {"key": "mine"}},
        {"tool_name": "linear__set", "bindings": {"key": "secret://nothing"}},
    ]});
    let answer = narrow.post("/v1/resolve", &body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let results = answer.expect(200)["results"].as_array().unwrap().clone();
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [200, 409, 403, 200, 409]);
    assert_eq!(results[0]["result"]["args"], json!({"key": "the secret"}));
    assert_eq!(results[1]["detail"][0]["type"], "secret_missing");
    assert_eq!(
        results[2]["detail"],
        "This key does not reach the tool 'github__get'."
    );
    assert_eq!(results[3]["result"]["args"], json!({"key": "mine"}));
    assert_eq!(results[4]["detail"][0]["loc"], json!(["bindings", "key"]));
}

#[tokio::test]
async fn a_batch_has_at_most_a_hundred_calls() {
    let world = World::start().await;
    let operator = world.operator();
    let calls = |count| json!({"calls": vec![json!({"tool_name": "t"}); count]});
    for count in [0, 1, 100] {
        let answer = operator
            .post("/v1/resolve", &calls(count))
            .await
            .expect(200);
        assert_eq!(answer["results"].as_array().unwrap().len(), count);
    }
    let answer = operator.post("/v1/resolve", &calls(101)).await;
    answer.refused(422, "invalid");
    assert_eq!(answer.mistakes(), ["too_long body.calls"]);
}

#[tokio::test]
async fn a_malformed_call_refuses_the_batch_and_says_where() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the secret").await;
    for (body, mistakes) in [
        (
            json!({"calls": [{"tool_name": "t"}, {}]}),
            vec!["missing body.calls.1.tool_name"],
        ),
        (
            json!({"calls": [{"tool_name": "t*"}]}),
            vec!["value_error body.calls.0.tool_name"],
        ),
        (json!({"calls": [7]}), vec!["dict_type body.calls.0"]),
        (
            json!({"calls": {}}),
            vec!["list_type body.calls", "missing body.tool_name"],
        ),
        (
            json!({"calls": [{"tool_name": "t", "bindings": {"k": "literal"}}]}),
            vec!["secret_reference body.calls.0.bindings.k"],
        ),
        (json!({}), vec!["missing body.tool_name"]),
    ] {
        let answer = operator.post("/v1/resolve", &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), mistakes, "{body}");
    }
    let used = operator
        .get("/v1/audit?action=secret.used")
        .await
        .expect(200);
    assert_eq!(used["data"], json!([]));
}

#[tokio::test]
async fn explanations_of_several_calls_stand_in_order_each_as_if_it_were_alone() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("linear__*", "key", "the secret").await;
    let narrow = world
        .holder(Rights {
            scopes: &[Resolve],
            tools: &["linear__*"],
            ..Rights::default()
        })
        .await;
    let body = json!({"calls": [
        {"tool_name": "linear__get", "accepts": ["key"]},
        {"tool_name": "github__get"},
        {"tool_name": "linear__set", "require": ["token"]},
    ]});
    let answer = narrow.post("/v1/explain", &body).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [200, 403, 200]);
    assert!(!answer.to_string().contains("the secret"));
    for (index, tool, call) in [
        (0, "linear__get", json!({"accepts": ["key"]})),
        (2, "linear__set", json!({"require": ["token"]})),
    ] {
        let alone = narrow
            .post(&format!("/v1/tools/{tool}/explain"), &call)
            .await
            .expect(200);
        assert_eq!(results[index]["result"], alone);
    }
    let one = json!({"tool_name": "linear__get", "accepts": ["key"]});
    let named = narrow.post("/v1/explain", &one).await.expect(200);
    assert_eq!(named, results[0]["result"]);
}

#[tokio::test]
async fn a_batch_that_the_key_may_not_explain_is_refused_as_a_whole_with_one_record() {
    let world = World::start().await;
    let auditor = world.scoped(&[Audit]).await;
    let body = json!({"calls": [{"tool_name": "a"}, {"tool_name": "b"}, {"tool_name": "c"}]});
    let refused = auditor.post("/v1/explain", &body).await;
    refused.refused(403, "missing_scope");
    let records = auditor.get("/v1/audit?limit=100").await.expect(200);
    let records = records["data"].as_array().unwrap().iter();
    let refusals = records.filter(|record| record["decision"] == "denied");
    assert_eq!(refusals.count(), 1);
}
