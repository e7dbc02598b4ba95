//! Values that an agent sends itself: recorded, counted, and refused when there are too many.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use toolvault_core::scope::Scope::Use;

use super::relay::{Client, ERAS, Era, Gate, PATH};
use crate::harness::Actor;

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}}}"#;
const OTHER: &str = r#"{"name":"other","inputSchema":{"type":"object","properties":{"to":{}}}}"#;
const VALUE: &str = "a value that is secret";

async fn gate() -> (Gate, String) {
    let gate = Gate::start(&[SEND, OTHER]).await;
    let operator = gate.world.operator();
    let id = operator.default_for("linear__send", "api_key", VALUE).await;
    (gate, id)
}

/// The records of repeated values, the newest first.
async fn repeated(operator: &Actor) -> Vec<Value> {
    let path = "/v1/audit?action=value.repeated&limit=100";
    let page = operator.get(path).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_value_in_the_callers_own_arguments_is_recorded_and_counted() {
    let (gate, id) = gate().await;
    let operator = gate.world.operator();
    let mut expected = 0;
    for era in ERAS {
        // A key that has called nothing yet: the value of the same call counts, too.
        let key = gate.world.scoped(&[Use]).await;
        let agent = gate.client(&key, era).await;
        for arguments in [
            json!({"to": VALUE}),
            json!({"to": [{"deep": format!("see {}", BASE64_STANDARD.encode(VALUE))}]}),
            json!({VALUE: "a name of an argument"}),
            json!({"to": "x", "api_key": VALUE}),
        ] {
            let reply = agent.call("send", &arguments.to_string()).await;
            assert!(reply.message().get("result").is_some(), "{reply:?}");
            expected += 1;
            let records = repeated(&operator).await;
            assert_eq!(records.len(), expected, "{era:?} {arguments}");
            let newest = &records[0];
            assert_eq!(newest["secret_id"], *id);
            assert_eq!(newest["version"], 1);
            assert_eq!(newest["tool"], "linear__send");
            assert_eq!(newest["actor"], format!("key:{}", key.key_id));
            assert!(!newest.to_string().contains(VALUE));
        }
        agent.call("send", r#"{"to":"a value"}"#).await;
    }
    assert_eq!(repeated(&operator).await.len(), expected);
    let metrics = operator.get("/metrics").await.text().to_owned();
    let line = format!("toolvault_mcp_repeated_values_total {expected}");
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}

#[tokio::test]
async fn other_requests_are_searched_too() {
    let (gate, _) = gate().await;
    let operator = gate.world.operator();
    for (index, era) in ERAS.into_iter().enumerate() {
        let agent = gate.agent(era).await;
        agent.call("send", "{}").await;
        let params = json!({"name": "a prompt", "arguments": {"about": VALUE}});
        agent.ask("prompts/get", &params.to_string()).await;
        let records = repeated(&operator).await;
        assert_eq!(records.len(), index + 1, "{era:?}");
        assert_eq!(records[0]["tool"], "linear__");
    }
}

#[tokio::test]
async fn another_users_text_that_happens_to_be_the_value_is_not_recorded() {
    let (gate, _) = gate().await;
    let other = gate.world.other_tenant().await;
    for era in ERAS {
        gate.agent(era).await.call("send", "{}").await;
        let theirs = gate.client(&other, era).await;
        let arguments = json!({"to": VALUE}).to_string();
        theirs.call("send", &arguments).await;
    }
    assert_eq!(repeated(&gate.world.operator()).await.len(), 0);
    assert_eq!(repeated(&other).await.len(), 0);
}

#[tokio::test]
async fn after_ten_values_the_tool_is_refused_for_the_key_and_for_nothing_else() {
    let (gate, _) = gate().await;
    for era in ERAS {
        let key = gate.world.scoped(&[Use]).await;
        let agent = gate.client(&key, era).await;
        let arguments = json!({"to": VALUE}).to_string();
        for _ in 0..10 {
            let reply = agent.call("send", &arguments).await;
            assert!(reply.message().get("result").is_some(), "{reply:?}");
        }
        let before = gate.upstream.heard("tools/call").len();
        for arguments in ["{}", &arguments] {
            let refused = agent.call("send", arguments).await;
            let (code, text) = refused.error();
            assert_eq!(code, 1000, "{era:?}");
            assert!(text.contains("value.repeated"), "{text}");
        }
        // A new session does not help.
        let again = Client::begin(&gate.world, &key, PATH, Era::Legacy).await;
        assert_eq!(again.call("send", "{}").await.error().0, 1000);
        assert_eq!(gate.upstream.heard("tools/call").len(), before);
        agent.result("tools/call", r#"{"name":"other"}"#).await;
        let another = gate.agent(era).await;
        another.result("tools/call", r#"{"name":"send"}"#).await;
    }
}
