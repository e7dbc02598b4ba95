//! The arguments of a call that reach the server: the injected ones, and none that a model made up.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use toolvault_gateway::settings::Pin;

use super::relay::{ERAS, Era, Gate};
use crate::harness::Actor;

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}},"required":["api_key"]}}"#;
const VALUE: &str = "a value that is secret";

async fn gate() -> Gate {
    gate_with(Pin::default()).await
}

async fn gate_with(pin: Pin) -> Gate {
    let gate = Gate::start_with(&[SEND], |_, server| server.pin = pin).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    gate
}

/// The newest record of a call. It is written after the call, possibly after the client has its answer.
async fn newest_call(operator: &Actor, calls: usize) -> Value {
    let looking = async {
        loop {
            let page = operator
                .get("/v1/audit?action=tool.called")
                .await
                .expect(200);
            let records = page["data"].as_array().unwrap();
            if records.len() == calls {
                return records[0].clone();
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), looking)
        .await
        .expect("a record in time")
}

#[tokio::test]
async fn a_value_is_injected_where_the_model_said_nothing() {
    let gate = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for params in [
            r#"{"name":"send"}"#,
            r#"{"name":"send","arguments":null}"#,
            r#"{"name":"send","arguments":{}}"#,
            r#"{"name":"send","arguments":{"api_key":null}}"#,
            r#"{"name":"send","arguments":{"api_key":""}}"#,
        ] {
            agent.result("tools/call", params).await;
            let sent = gate.upstream.last("tools/call").arguments();
            assert_eq!(sent, json!({"api_key": VALUE}), "{era:?} {params}");
        }
    }
}

#[tokio::test]
async fn what_a_model_says_for_a_hidden_argument_is_dropped_and_recorded_without_its_value() {
    let gate = gate().await;
    let operator = gate.world.operator();
    let mut calls = 0;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for made_up in [r#""made up""#, "[1]", r#"{"a":"made up"}"#, "false", "0"] {
            let arguments = format!(r#"{{"to":"somebody","api_key":{made_up}}}"#);
            agent.call("send", &arguments).await;
            let sent = gate.upstream.last("tools/call").arguments();
            assert_eq!(sent, json!({"to": "somebody", "api_key": VALUE}));
            calls += 1;
            let record = newest_call(&operator, calls).await;
            assert_eq!(record["tool"], "linear__send");
            assert_eq!(record["dropped"], json!(["api_key"]));
            assert_eq!(record["decision"], "allowed");
            let kinds = record["arguments"].as_array().unwrap();
            assert!(kinds.contains(&json!("to:string")), "{record}");
            for value in ["somebody", "made up", VALUE] {
                assert!(!record.to_string().contains(value), "{record}");
            }
        }
        agent.call("send", r#"{"to":"x","api_key":""}"#).await;
        calls += 1;
        assert_eq!(newest_call(&operator, calls).await.get("dropped"), None);
    }
}

#[tokio::test]
async fn allow_override_keeps_what_the_model_says() {
    let gate = Gate::start_with(&[SEND], |_, server| server.allow_override = true).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for (said, sent) in [
            (r#""the model's own""#, "the model's own"),
            (r#""""#, VALUE),
            ("null", VALUE),
        ] {
            agent
                .call("send", &format!(r#"{{"api_key":{said}}}"#))
                .await;
            let arguments = gate.upstream.last("tools/call").arguments();
            assert_eq!(arguments["api_key"], sent, "{era:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_injected_into_what_a_tool_does_not_declare() {
    let other = r#"{"name":"other","inputSchema":{"type":"object","properties":{"to":{},"nested":{"type":"object","properties":{"api_key":{}}}}}}"#;
    let gate = Gate::start(&[SEND, other]).await;
    let operator = gate.world.operator();
    operator.default_for("linear__*", "api_key", VALUE).await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        // `unlisted` may be present: it declares nothing.
        for tool in ["other", "unlisted"] {
            agent
                .call(tool, r#"{"to":"x","nested":{"api_key":"y"}}"#)
                .await;
            let heard = gate.upstream.last("tools/call");
            assert_eq!(
                heard.arguments(),
                json!({"to": "x", "nested": {"api_key": "y"}})
            );
            assert!(!heard.everything().contains(VALUE));
        }
    }
}

#[tokio::test]
async fn what_is_passed_on_is_spelled_as_it_came() {
    let gate = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let params = r#"{"name":"send","arguments":{"to":1.50,"big":123456789012345678901234567890,"e":1E+30,"t":"\u00e9"},"x-own":2.0}"#;
        agent.ask("tools/call", params).await;
        let body = gate.upstream.last("tools/call").body;
        for kept in [
            r#""to":1.50"#,
            r#""big":123456789012345678901234567890"#,
            r#""e":1E+30"#,
            r#""t":"\u00e9""#,
            r#""x-own":2.0"#,
            r#""id":7"#,
        ] {
            assert!(body.contains(kept), "{era:?} {kept} {body}");
        }
    }
}

#[tokio::test]
async fn of_repeated_members_only_the_one_that_was_judged_goes_on() {
    let gate = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for params in [
            r#"{"name":"send","arguments":{"to":"a","api_key":"x","to":"b","api_key":"y"}}"#,
            r#"{"name":"unlisted","arguments":{"api_key":"x"},"name":"send","arguments":{"to":"b","api_key":"y"}}"#,
            r#"{"name":"send","arguments":{"to":"b","api_key":"x","\u0061pi_key":"y"}}"#,
        ] {
            let reply = agent.ask("tools/call", params).await;
            assert!(reply.message().get("result").is_some(), "{reply:?}");
            let heard = gate.upstream.last("tools/call");
            assert_eq!(
                heard.arguments(),
                json!({"to": "b", "api_key": VALUE}),
                "{era:?}"
            );
            for name in ["\"api_key\"", "\"name\":\"", "\"arguments\"", "\"to\""] {
                // The metadata contains the client's name.
                let times = usize::from(era == Era::Modern && name == "\"name\":\"");
                assert_eq!(
                    heard.body.matches(name).count(),
                    1 + times,
                    "{}",
                    heard.body
                );
            }
            assert!(!heard.body.contains("unlisted"), "{}", heard.body);
        }
    }
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    let gate = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for arguments in ["[]", "7", r#""{}""#] {
            let refused = agent.call("send", arguments).await;
            assert_eq!(refused.error().0, -32602, "{era:?} {refused:?}");
        }
    }
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn a_header_that_repeats_a_hidden_argument_is_ours() {
    let mirrored = r#"{"name":"send","inputSchema":{"type":"object","properties":{"api_key":{"type":"string","x-mcp-header":"Key"},"to":{"type":"string","x-mcp-header":"To"}}}}"#;
    let gate = Gate::start(&[mirrored]).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let agent = gate.agent(Era::Modern).await;
    let params = r#"{"name":"send","arguments":{"to":"x"}}"#;
    for own in [None, Some("made up")] {
        let mut headers = vec![("mcp-param-to", "x")];
        headers.extend(own.map(|own| ("Mcp-Param-Key", own)));
        agent.ask_with("tools/call", params, &headers).await;
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.header("mcp-param-key").as_deref(), Some(VALUE));
        assert_eq!(heard.header("mcp-param-to").as_deref(), Some("x"));
        assert!(!heard.everything().contains("made up"));
    }
}

#[tokio::test]
async fn a_header_that_repeats_another_argument_is_the_clients() {
    let mirrored = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{"type":"string","x-mcp-header":"To"}}}}"#;
    let gate = Gate::start(&[mirrored]).await;
    let agent = gate.agent(Era::Modern).await;
    let params = r#"{"name":"send","arguments":{"to":"x"}}"#;
    // The server refuses the first two (specification 2026-07-28, Streamable HTTP, "Server Validation").
    for own in [None, Some("y"), Some("x")] {
        let headers: Vec<_> = own.map(|own| ("mcp-param-to", own)).into_iter().collect();
        agent.ask_with("tools/call", params, &headers).await;
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.header("mcp-param-to").as_deref(), own);
    }
}

#[tokio::test]
async fn a_policy_that_refuses_is_told_as_the_tools_own_error() {
    let tool = r#"{"name":"send","inputSchema":{"type":"object","properties":{"base_url":{},"api_key":{}}}}"#;
    let gate = Gate::start(&[tool]).await;
    let operator = gate.world.operator();
    let id = operator.default_for("linear__send", "api_key", VALUE).await;
    let path = format!("/v1/secrets/{id}/policy");
    let policy = json!({"when": {"base_url": ["https://api.github.com/*"]}});
    operator.put(&path, &policy).await.expect(200);
    for era in ERAS {
        let agent = gate.agent(era).await;
        let before = gate.upstream.heard("tools/call").len();
        for elsewhere in [
            "https://evil.example/",
            "https:///evil.example:pw@api.github.com/",
            "https:/api.github.com/",
            "https://api.github.com./",
        ] {
            let arguments = json!({ "base_url": elsewhere }).to_string();
            let refused = agent.call("send", &arguments).await;
            let text = refused.tool_error();
            assert!(
                text.contains("api_key") && text.contains("toolvault explain"),
                "{elsewhere}: {text}"
            );
        }
        assert_eq!(gate.upstream.heard("tools/call").len(), before);
        agent
            .call("send", r#"{"base_url":"https://api.github.com/x"}"#)
            .await;
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(sent["api_key"], VALUE, "{era:?}");
    }
    let policy = json!({"expires_at": "2030-01-01T00:00:00Z"});
    operator.put(&path, &policy).await.expect(200);
    gate.world.clock.advance(20 * 366 * 86_400);
    let agent = gate
        .world
        .scoped(&[toolvault_core::scope::Scope::Use])
        .await;
    let before = gate.upstream.heard("tools/call").len();
    for era in ERAS {
        let agent = gate.client(&agent, era).await;
        let refused = agent.call("send", "{}").await;
        assert!(refused.tool_error().contains("expired"), "{refused:?}");
    }
    assert_eq!(gate.upstream.heard("tools/call").len(), before);
}

#[tokio::test]
async fn tools_are_listed_before_the_first_call_and_again_when_they_have_changed() {
    let gate = gate_with(Pin::Off).await;
    for era in ERAS {
        let feed = gate.upstream.streams();
        let before = gate.upstream.heard("tools/list").len();
        let agent = gate.agent(era).await;
        agent.call("send", "{}").await;
        agent.call("send", "{}").await;
        assert_eq!(
            gate.upstream.heard("tools/list").len(),
            before + 1,
            "{era:?}"
        );
        if era == Era::Modern {
            continue;
        }
        let mut news = agent.listen().await;
        let undeclared =
            r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{}}}}"#;
        gate.upstream.lists(&[&[undeclared]]);
        let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        feed.send(format!("data: {changed}\n\n")).unwrap();
        assert_eq!(
            news.message().await["method"],
            "notifications/tools/list_changed"
        );
        agent.call("send", "{}").await;
        assert_eq!(gate.upstream.heard("tools/list").len(), before + 2);
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(sent, json!({}));
        gate.upstream.lists(&[&[SEND]]);
    }
}

#[tokio::test]
async fn of_two_defaults_only_the_one_that_the_tool_declares_is_sent() {
    let gate = gate().await;
    let operator = gate.world.operator();
    let undeclared = "a value that no tool declares";
    operator
        .default_for("linear__send", "token", undeclared)
        .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        agent.call("send", r#"{"to":"x"}"#).await;
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.arguments(), json!({"to": "x", "api_key": VALUE}));
        assert!(!heard.everything().contains(undeclared));
    }
}

#[tokio::test]
async fn a_credential_argument_is_taken_out_of_calls_of_tools_that_are_not_listed() {
    let gate = Gate::start_with(&[SEND], |_, server| {
        server.credential_arguments = ["api_key".to_owned()].into();
    })
    .await;
    let operator = gate.world.operator();
    for (calls, era) in ERAS.into_iter().enumerate() {
        let agent = gate.agent(era).await;
        agent
            .call("unlisted", r#"{"to":"x","api_key":"made up"}"#)
            .await;
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.arguments(), json!({"to": "x"}), "{era:?}");
        let record = newest_call(&operator, calls + 1).await;
        assert_eq!(record["dropped"], json!(["api_key"]));
    }
}

#[tokio::test]
async fn a_header_of_the_client_for_a_hidden_argument_without_one_of_ours_is_dropped() {
    let mirrored = r#"{"name":"send","inputSchema":{"type":"object","properties":{"api_key":{"type":"string","x-mcp-header":"Key"}}}}"#;
    let gate = Gate::start_with(&[mirrored], |_, server| server.allow_override = true).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let agent = gate.agent(Era::Modern).await;
    // A list, which stays in the arguments, and which no header can carry.
    let params = r#"{"name":"send","arguments":{"api_key":["a","b"]}}"#;
    let headers = [("Mcp-Param-Key", "made up")];
    agent.ask_with("tools/call", params, &headers).await;
    let heard = gate.upstream.last("tools/call");
    assert_eq!(heard.arguments(), json!({"api_key": ["a", "b"]}));
    assert_eq!(heard.header("mcp-param-key"), None);
}
