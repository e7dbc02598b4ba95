//! What lasts between the messages that another gateway asks about: calls that were completed.

use serde_json::json;
use toolvault_gateway::GatewaySettings;

use super::plane::{Answer, Question, REQUEST, RESULT, elsewhere};
use super::{VALUE, call, plane, text};

const MINUTE: i64 = 60;

fn reason(answer: Answer, code: u8) -> String {
    match answer {
        Answer::Error(got, reason) if got == code => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_result_is_refused_where_no_call_was_completed() {
    let plane = plane().await;
    let agent = plane.world.agent();
    let (sent, told) = (call(&json!({"to": "ann"})), text(VALUE));
    let completed = Answer::Mutated(call(&json!({"to": "ann", "api_key": VALUE})));
    let redacted = Answer::Mutated(text("[secret:api_key of linear__send]"));
    for (allow_override, idle) in [(true, 0), (true, 2 * 60 * MINUTE), (false, 0)] {
        let answer = plane.of(&agent, REQUEST, "tools/call", &sent).await;
        assert_eq!(answer, completed);
        let mut settings = GatewaySettings::default();
        let mut server = elsewhere();
        server.allow_override = allow_override;
        settings.servers.insert("linear".parse().unwrap(), server);
        plane.world.clock.advance(idle);
        plane.world.handle.reload_gateway(settings).unwrap();
        for method in ["tools/call", "tasks/get", "tasks/result"] {
            for told in [&told, &text("sent")] {
                let refused = plane.of(&agent, RESULT, method, told).await;
                let reason = reason(refused, 0);
                assert!(reason.contains("withholds this result"), "{reason}");
            }
        }
        // What is no answer to a call goes on.
        let answer = plane.of(&agent, RESULT, "prompts/get", &json!({})).await;
        assert_eq!(answer, Answer::Pass);
        let answer = plane.of(&agent, REQUEST, "tools/call", &sent).await;
        assert_eq!(answer, completed);
        for method in ["tools/call", "tasks/get", "tasks/result"] {
            let answer = plane.of(&agent, RESULT, method, &told).await;
            assert_eq!(answer, redacted);
        }
    }
}

#[tokio::test]
async fn a_result_of_several_servers_is_refused_unless_each_got_a_call() {
    let plane = plane().await;
    let agent = plane.world.agent();
    plane
        .of(&agent, REQUEST, "tools/call", &call(&json!({"to": "ann"})))
        .await;
    let question = Question {
        servers: &["linear", "files"],
        method: "tools/call",
        metadata: vec![("x-api-key", agent.sends("x-api-key"))],
        content: Some(text("sent").to_string()),
        ..Question::default()
    };
    let reason = reason(plane.ask(RESULT, &question).await, 0);
    assert!(reason.contains("withholds this result"), "{reason}");
}
