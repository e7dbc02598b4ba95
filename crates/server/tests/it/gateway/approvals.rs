//! Calls that a person must allow: nothing is sent and no value leaves before that.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::policy::Approval;
use toolvault_gateway::GatewaySettings;
use toolvault_gateway::mcp::Gateway;
use toolvault_gateway::settings::ApprovalRules;
use toolvault_vault::SystemEntropy;

use super::relay::{ERAS, Era, Gate, Reply};
use crate::harness::Actor;

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}},"required":["api_key"]}}"#;
const READ: &str = r#"{"name":"read","inputSchema":{"type":"object","properties":{"api_key":{}}},"annotations":{"readOnlyHint":true}}"#;
const VALUE: &str = "a value that is secret";
const TO: &str = r#"{"to":"ann"}"#;

/// A gate whose configuration asks for approval, and which waits for a person for so long.
async fn gate(rules: &[(&str, Option<Approval>)], wait: Duration) -> Gate {
    let rules = rules
        .iter()
        .map(|(text, rule)| (ToolPattern::parse(text).unwrap(), *rule));
    let rules = ApprovalRules::new(rules.collect());
    Gate::start_with(&[SEND, READ], |gateway, server| {
        server.approval = rules;
        gateway.limits.approval_wait = wait;
    })
    .await
}

const NO_TIME: Duration = Duration::from_millis(1);
const MUCH_TIME: Duration = Duration::from_mins(5);

/// The only call that waits, once it does.
async fn waiting(operator: &Actor) -> Value {
    let looking = async {
        loop {
            let page = operator.get("/v1/approvals").await.expect(200);
            let pending = page["data"].as_array().unwrap().iter();
            let mut pending = pending.filter(|one| one["state"] == "pending");
            if let Some(one) = pending.next() {
                assert!(pending.next().is_none());
                return one.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), looking).await.unwrap()
}

async fn decide(operator: &Actor, approval: &Value, decision: &str) {
    let path = format!(
        "/v1/approvals/{}",
        approval["approval_id"].as_str().unwrap()
    );
    let body = json!({ "decision": decision }).to_string();
    operator.json("POST", &path, &body).await.expect(200);
}

fn text(reply: &Reply) -> String {
    reply.tool_error().to_owned()
}

async fn policy(operator: &Actor, secret: &str, approval: &str) {
    let path = format!("/v1/secrets/{secret}/policy");
    let body = json!({ "approval": approval }).to_string();
    operator.json("PUT", &path, &body).await.expect(200);
}

#[tokio::test]
async fn a_call_waits_and_goes_on_when_it_is_allowed() {
    for era in ERAS {
        let gate = gate(&[("send", Some(Approval::Always))], MUCH_TIME).await;
        let operator = gate.world.operator();
        operator.default_for("linear__send", "api_key", VALUE).await;
        let agent = gate.agent(era).await;
        let deciding = async {
            let approval = waiting(&operator).await;
            assert_eq!(approval["arguments"], json!({"to": "ann"}));
            assert_eq!(
                (&approval["server"], &approval["tool"]),
                (&json!("linear"), &json!("send"))
            );
            assert_eq!(gate.upstream.heard("tools/call").len(), 0);
            let used = operator
                .get("/v1/audit?action=secret.used")
                .await
                .expect(200);
            assert_eq!(used["data"], json!([]));
            decide(&operator, &approval, "once").await;
        };
        let (_, ()) = tokio::join!(agent.call("send", TO), deciding);
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(sent, json!({"to": "ann", "api_key": VALUE}), "{era:?}");
        // The same call again is another one.
        let refusing = async {
            let approval = waiting(&operator).await;
            decide(&operator, &approval, "refuse").await;
        };
        let (refused, ()) = tokio::join!(agent.call("send", TO), refusing);
        assert!(text(&refused).contains("refused"));
        assert_eq!(gate.upstream.heard("tools/call").len(), 1);
    }
}

#[tokio::test]
async fn a_call_that_waited_long_enough_is_told_where_a_person_decides_and_can_be_repeated() {
    let gate = gate(&[("*", Some(Approval::Writes))], NO_TIME).await;
    let operator = gate.world.operator();
    for era in ERAS {
        let agent = gate.agent(era).await;
        let arguments = format!(r#"{{"to":"{era:?}"}}"#);
        let told = text(&agent.call("send", &arguments).await);
        let approval = waiting(&operator).await;
        let id = approval["approval_id"].as_str().unwrap();
        assert!(told.contains(&format!("/#/approvals/{id}")), "{told}");
        assert_eq!(text(&agent.call("send", &arguments).await), told);
        decide(&operator, &approval, "once").await;
        agent.call("send", &arguments).await;
        assert_eq!(
            gate.upstream.last("tools/call").arguments()["to"],
            json!(format!("{era:?}"))
        );
        // It is used up.
        text(&agent.call("send", &arguments).await);
        decide(&operator, &waiting(&operator).await, "refuse").await;
    }
}

#[tokio::test]
async fn a_tool_that_only_reads_needs_no_approval_where_only_writes_do() {
    let gate = gate(
        &[("*", Some(Approval::Writes)), ("unlisted", None)],
        NO_TIME,
    )
    .await;
    let agent = gate.agent(Era::Modern).await;
    agent.call("read", "{}").await;
    assert_eq!(gate.upstream.heard("tools/call").len(), 1);
    text(&agent.call("send", "{}").await);
    // A tool that is not listed says nothing, but this one is excepted.
    agent.call("unlisted", "{}").await;
    assert_eq!(gate.upstream.heard("tools/call").len(), 2);
    text(&agent.call("unlisted_too", "{}").await);
    assert_eq!(gate.upstream.heard("tools/call").len(), 2);
}

#[tokio::test]
async fn the_policy_of_a_secret_asks_where_the_configuration_does_not() {
    for era in ERAS {
        let gate = gate(&[], NO_TIME).await;
        let operator = gate.world.operator();
        let secret = operator.default_for("linear__send", "api_key", VALUE).await;
        policy(&operator, &secret, "first").await;
        let agent = gate.agent(era).await;
        text(&agent.call("send", TO).await);
        assert_eq!(gate.upstream.heard("tools/call").len(), 0);
        let approval = waiting(&operator).await;
        assert_eq!(
            (&approval["need"], approval["secret_name"].is_string()),
            (&json!("first"), true)
        );
        decide(&operator, &approval, "once").await;
        for arguments in [TO, "{}"] {
            agent.call("send", arguments).await;
            assert_eq!(
                gate.upstream.last("tools/call").arguments()["api_key"],
                VALUE
            );
        }
        // What was allowed once is not enough any more.
        policy(&operator, &secret, "always").await;
        text(&agent.call("send", TO).await);
        assert_eq!(gate.upstream.heard("tools/call").len(), 2);
    }
}

#[tokio::test]
async fn a_missing_secret_is_told_before_anyone_is_asked() {
    let rules = [(ToolPattern::parse("send").unwrap(), Some(Approval::Always))];
    let gate = Gate::start_with(&[SEND], |_, server| {
        server.approval = ApprovalRules::new(rules.to_vec());
        server.credential_arguments.insert("api_key".to_owned());
    })
    .await;
    let operator = gate.world.operator();
    let agent = gate.agent(Era::Legacy).await;
    assert!(text(&agent.call("send", TO).await).contains("toolvault secret create"));
    let page = operator.get("/v1/approvals").await.expect(200);
    assert_eq!(page["total"], 0);
}

/// A call with answers to what the server asked before.
fn answering(amount: u64) -> String {
    let answers = json!({"amount": {"action": "accept", "content": {"amount": amount}}});
    json!({"name": "send", "arguments": {"to": "ann"}, "inputResponses": answers, "requestState": "s"})
        .to_string()
}

#[tokio::test]
async fn what_is_allowed_covers_the_answers_to_the_server_and_they_are_shown() {
    let gate = gate(&[("send", Some(Approval::Always))], NO_TIME).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let agent = gate.agent(Era::Modern).await;
    text(&agent.call("send", TO).await);
    decide(&operator, &waiting(&operator).await, "always").await;
    agent.call("send", TO).await;
    assert_eq!(gate.upstream.heard("tools/call").len(), 1);
    // The same arguments with answers are another call, and so are other answers.
    for (times, amount) in [(2, 1), (3, 1_000_000)] {
        text(&agent.ask("tools/call", &answering(amount)).await);
        let approval = waiting(&operator).await;
        let shown = &approval["arguments"];
        assert_eq!(shown["arguments"], json!({"to": "ann"}));
        assert_eq!(
            shown["inputResponses"]["amount"]["content"]["amount"],
            amount
        );
        assert_eq!(shown["requestState"], "s");
        decide(&operator, &approval, "always").await;
        agent.ask("tools/call", &answering(amount)).await;
        assert_eq!(gate.upstream.heard("tools/call").len(), times);
    }
    // Nor are arguments that look like it.
    let alike = json!({"arguments": {"to": "ann"}, "inputResponses": {
        "amount": {"action": "accept", "content": {"amount": 1}},
    }, "requestState": "s"});
    text(&agent.call("send", &alike.to_string()).await);
    assert_eq!(gate.upstream.heard("tools/call").len(), 3);
}

#[tokio::test]
async fn what_a_model_chose_for_a_hidden_argument_is_shown() {
    let gate = Gate::start_with(&[SEND], |gateway, server| {
        let rule = (ToolPattern::parse("send").unwrap(), Some(Approval::Always));
        server.approval = ApprovalRules::new(vec![rule]);
        server.allow_override = true;
        gateway.limits.approval_wait = NO_TIME;
    })
    .await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let agent = gate.agent(Era::Legacy).await;
    let chosen = json!({"to": "ann", "api_key": "a key of the model's own"});
    text(&agent.call("send", &chosen.to_string()).await);
    assert_eq!(waiting(&operator).await["arguments"], chosen);
}

#[tokio::test]
async fn a_call_whose_arguments_are_read_in_different_ways_is_refused() {
    let gate = gate(&[("send", Some(Approval::Always))], MUCH_TIME).await;
    let operator = gate.world.operator();
    for era in ERAS {
        let agent = gate.agent(era).await;
        let twice = r#"{"payment":[{"to":"mallory","to":"ann"}]}"#;
        assert!(text(&agent.call("send", twice).await).contains("repeat the name of a member"));
    }
    assert_eq!(operator.get("/v1/approvals").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_call_that_its_client_cancelled_is_not_made() {
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    for body in [Some(cancel), None] {
        let gate = gate(&[("send", Some(Approval::Always))], MUCH_TIME).await;
        let operator = gate.world.operator();
        operator.default_for("linear__send", "api_key", VALUE).await;
        let agent = gate.agent(Era::Legacy).await;
        let cancelling = async {
            let approval = waiting(&operator).await;
            let status = match body {
                Some(cancel) => agent.post(cancel, &[]).await.head.status,
                None => agent.open("DELETE", "", Vec::new()).await.head.status,
            };
            assert!(matches!(status, 200 | 202));
            decide(&operator, &approval, "once").await;
        };
        let (told, ()) = tokio::join!(agent.call("send", TO), cancelling);
        assert!(text(&told).contains("cancelled"));
        assert_eq!(gate.upstream.heard("tools/call").len(), 0);
    }
}

#[tokio::test]
async fn a_gateway_deletes_what_is_old() {
    let gate = gate(&[("send", Some(Approval::Always))], NO_TIME).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let agent = gate.agent(Era::Modern).await;
    text(&agent.call("send", TO).await);
    let approval = waiting(&operator).await;
    let path = approval["approval_id"].as_str().unwrap();
    let path = format!("/v1/approvals/{path}");
    gate.world.clock.advance(2 * 3_600);
    operator.get(&path).await.expect(200);
    let gateway = Gateway::new(
        gate.world.vault.clone(),
        GatewaySettings::default(),
        Arc::clone(&gate.world.clock) as Arc<_>,
        Arc::new(SystemEntropy),
    );
    let gateway = gateway.unwrap();
    let deleted = async {
        while operator.get(&path).await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), deleted).await.unwrap();
    gateway.close().await;
}
