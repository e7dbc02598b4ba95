//! Calls through another gateway that a person must allow.

use serde_json::json;
use toolvault_core::pattern::ToolPattern;
use toolvault_core::policy::Approval;
use toolvault_gateway::settings::ApprovalRules;

use super::plane::{Answer, Plane, Question, REQUEST, RESULT};
use super::{VALUE, call, send, tools};
use crate::harness::Actor;

async fn allow(operator: &Actor, reason: &str, decision: &str) {
    let (_, asked) = reason.split_once("/#/approvals/").expect(reason);
    let mut id = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let path = format!("/v1/approvals/{}", id.next().unwrap());
    let decision = json!({ "decision": decision }).to_string();
    operator.json("POST", &path, &decision).await.expect(200);
}

#[tokio::test]
async fn a_call_that_a_person_must_allow_is_refused_until_then() {
    let plane = Plane::start(&["linear"]).await;
    let (operator, agent) = (plane.world.operator(), plane.world.agent());
    let id = operator.default_for("linear__send", "api_key", VALUE).await;
    let always = r#"{"approval":"always"}"#;
    let policy = format!("/v1/secrets/{id}/policy");
    operator.json("PUT", &policy, always).await.expect(200);
    plane
        .of(&agent, RESULT, "tools/list", &tools(&[send()]))
        .await;
    let sent = call(&json!({"to": "ann"}));
    let refused = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    let Answer::Error(1, reason) = refused else {
        panic!("{refused:?}");
    };
    allow(&operator, &reason, "once").await;
    let completed = call(&json!({"to": "ann", "api_key": VALUE}));
    let answer = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    assert_eq!(answer, Answer::Mutated(completed));
    let again = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    assert!(matches!(again, Answer::Error(1, _)), "{again:?}");
}

#[tokio::test]
async fn a_call_goes_on_as_a_person_saw_it() {
    let plane = Plane::start_with(&["linear"], |settings| {
        let servers = settings.server.gateway.servers.values_mut();
        for server in servers {
            let rule = (ToolPattern::parse("*").unwrap(), Some(Approval::Always));
            server.approval = ApprovalRules::new(vec![rule]);
        }
    })
    .await;
    let (operator, agent) = (plane.world.operator(), plane.world.agent());
    let listed = tools(&[json!({"name": "send", "inputSchema": {"type": "object"}})]);
    plane.of(&agent, RESULT, "tools/list", &listed).await;
    let mut sent = call(&json!({"to": "ann"}));
    let refused = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    let Answer::Error(1, reason) = refused else {
        panic!("{refused:?}");
    };
    allow(&operator, &reason, "always").await;
    let answer = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    assert_eq!(answer, Answer::Pass);
    // Of members with one name, only the one goes on that was allowed.
    let twice = sent.to_string();
    let twice = twice.replacen('{', r#"{"arguments":{"to":"mallory"},"#, 1);
    let question = Question {
        servers: &["linear"],
        method: "tools/call",
        metadata: vec![("x-api-key", agent.sends("x-api-key"))],
        content: Some(twice),
        ..Question::default()
    };
    let answer = plane.ask(REQUEST, &question).await;
    assert_eq!(answer, Answer::Mutated(sent.clone()));
    // With answers to what the server asked, it is another call.
    sent["inputResponses"] = json!({"amount": {"action": "accept"}});
    let refused = plane.of(&agent, REQUEST, "tools/call", &sent).await;
    assert!(matches!(refused, Answer::Error(1, _)), "{refused:?}");
}
