//! Values that go through the gateway stand in no log line, file, figure or record.

use serde_json::json;
use toolvault_gateway::Template;
use toolvault_gateway::settings::{Header, Transport};

use super::assert_in_no_file;
use super::log::Log;
use super::needles::{Needles, plain_value, value};
use crate::gateway::relay::{ERAS, Gate};

const ECHO: &str =
    r#"{"name":"echo","inputSchema":{"type":"object","properties":{"api_key":{"type":"string"}}}}"#;

/// A gate to a server that wants a header, and repeats all that it was given.
async fn gate() -> Gate {
    let gate = Gate::start_with(&[ECHO], |_, server| {
        let Transport::Http(http) = &mut server.transport else {
            panic!("it is reached over HTTP")
        };
        http.headers.push(Header {
            name: "authorization".parse().unwrap(),
            spelling: "Authorization".to_owned(),
            value: Template::parse("Bearer {{ secret://header }}").unwrap(),
        });
    })
    .await;
    gate.upstream.on("tools/call", |heard| {
        let told = heard.everything();
        if heard.arguments()["fails"].is_null() {
            heard.result(&json!({"content": [{"type": "text", "text": told}], "structuredContent": heard.arguments()}))
        } else {
            heard.error(-32000, &told)
        }
    });
    gate
}

#[tokio::test]
async fn a_value_that_went_through_the_gateway_is_found_at_its_server_only() {
    let log = Log::install();
    let needles = Needles::of_values();
    let gate = gate().await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__echo", "api_key", &value(1))
        .await;
    let header = json!({
        "secret_name": "header", "secret_value": plain_value(2), "tool_name": "linear__*",
        "tool_arg": "headers.Authorization",
    });
    operator.create(header).await;
    // An agent that has the value from elsewhere; the gateway logs and records that.
    let repeated = json!({"text": value(1)}).to_string();
    for era in ERAS {
        let agent = gate.agent(era).await;
        for arguments in [
            "{}",
            r#"{"fails":true}"#,
            r#"{"api_key":"made up"}"#,
            &repeated,
        ] {
            let reply = agent.call("echo", arguments).await;
            assert!(reply.text.contains("[secret:header]"), "{reply:?}");
            assert_eq!(needles.find(reply.text.as_bytes()), None, "{reply:?}");
            let head = format!("{:?}", reply.head.headers);
            assert_eq!(needles.find(head.as_bytes()), None, "{head}");
        }
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.arguments()["api_key"], value(1));
        assert_eq!(
            heard.header("authorization"),
            Some(format!("Bearer {}", plain_value(2)))
        );
    }
    for (path, proof) in [
        ("/metrics", "/mcp/{server}"),
        ("/v1/audit?limit=1000", "secret.used"),
        ("/v1/audit?action=value.repeated", "value.repeated"),
    ] {
        let answer = operator.get(path).await;
        assert!(answer.text().contains(proof), "{}", answer.text());
        assert_eq!(needles.find(&answer.body), None, "{path}");
    }
    assert_in_no_file(&gate.world, &needles);
    gate.world.vault.close().await;
    assert_in_no_file(&gate.world, &needles);
    log.assert_clean(&["toolvault", "toolvault_gateway", "sqlx", "hyper"]);
}
