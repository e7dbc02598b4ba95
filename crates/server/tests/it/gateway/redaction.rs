//! A server that repeats what it receives: no value reaches the client.

use serde_json::json;
use toolvault_gateway::settings::Pin;

use super::relay::{Client, ERAS, Era, Gate, Said};

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}}}"#;
const VALUE: &str = "s3cr\"et/välue+of the test";
const SHOWN: &str = "[secret:api_key of linear__send]";

/// A server whose tools may say anything at any time.
async fn gate() -> (Gate, String) {
    let gate = Gate::start_with(&[SEND], |_, server| server.pin = Pin::Off).await;
    let operator = gate.world.operator();
    let id = operator.default_for("linear__send", "api_key", VALUE).await;
    (gate, id)
}

/// The forms in which a careless server could return the value.
fn forms() -> Vec<String> {
    let escaped = serde_json::to_string(VALUE).unwrap();
    vec![
        VALUE.to_owned(),
        escaped.trim_matches('"').to_owned(),
        percent_encoding::utf8_percent_encode(VALUE, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, VALUE),
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("user:{VALUE}"),
        ),
        toolvault_core::digest::hexadecimal(VALUE.as_bytes()),
    ]
}

#[track_caller]
fn shows_nothing(text: &str) {
    for form in forms() {
        let escaped = serde_json::to_string(&form).unwrap();
        assert!(
            !text.contains(&form) && !text.contains(escaped.trim_matches('"')),
            "{text}"
        );
    }
    // JSON allows yet another spelling.
    let plain = serde_json::from_str::<serde_json::Value>(text).map(|value| value.to_string());
    let escaped = serde_json::to_string(VALUE).unwrap();
    assert!(
        !plain
            .unwrap_or_default()
            .contains(escaped.trim_matches('"')),
        "{text}"
    );
}

#[tokio::test]
async fn results_and_errors_of_calls_hold_no_value() {
    let (gate, _) = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for form in forms() {
            let shown = form.clone();
            gate.upstream.on("tools/call", move |heard| {
                heard.result(&json!({
                    "content": [{"type": "text", "text": format!("You sent {shown}.")}],
                    "structuredContent": {"key": shown, "list": [shown], "n": 1},
                    "_meta": {(shown.clone()): true},
                }))
            });
            let reply = agent.call("send", "{}").await;
            shows_nothing(&reply.text);
            let result = &reply.message()["result"];
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(SHOWN), "{era:?} {form} {text}");
            assert!(
                result["structuredContent"]["key"]
                    .as_str()
                    .unwrap()
                    .contains(SHOWN)
            );
            assert_eq!(result["structuredContent"]["n"], 1);
            let shown = form.clone();
            gate.upstream.on("tools/call", move |heard| {
                heard.error(-32000, &format!("No: {shown}"))
            });
            let reply = agent.call("send", "{}").await;
            shows_nothing(&reply.text);
            assert!(reply.error().1.contains(SHOWN), "{era:?} {form} {reply:?}");
        }
        // JSON with each character escaped.
        gate.upstream.on("tools/call", |heard| {
            let spelled: Vec<String> = VALUE
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            let spelled = spelled.concat();
            let id = heard.id();
            Said::Json(
                200,
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"{spelled}":"{spelled}"}}}}"#),
            )
        });
        let reply = agent.call("send", "{}").await;
        assert_eq!(reply.message()["result"][SHOWN], SHOWN, "{era:?} {reply:?}");
    }
}

#[tokio::test]
async fn what_a_server_says_before_its_answer_holds_no_value() {
    let (gate, _) = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        gate.upstream.on("tools/call", move |heard| {
            let mut said = vec![
                json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1, "message": VALUE}}),
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": {VALUE: [VALUE]}}}),
            ];
            if era == Era::Legacy {
                said.push(json!({"jsonrpc": "2.0", "id": "ask", "method": "elicitation/create", "params": {"message": VALUE}}));
                // The client would have to return an ID unchanged, so a request whose ID contains a value is not passed
                // on.
                said.push(json!({"jsonrpc": "2.0", "id": VALUE, "method": "roots/list"}));
            }
            said.push(heard.response(&json!({"content": [], "resultType": "complete"})));
            let events = said.iter().map(ToString::to_string).collect();
            Said::Events(events)
        });
        let reply = agent.call("send", "{}").await;
        let methods: Vec<_> = reply
            .messages
            .iter()
            .map(|message| message["method"].as_str())
            .collect();
        let mut expected = vec![
            Some("notifications/progress"),
            Some("notifications/message"),
        ];
        if era == Era::Legacy {
            expected.push(Some("elicitation/create"));
        }
        expected.push(None);
        assert_eq!(methods, expected, "{era:?} {reply:?}");
        for message in &reply.messages {
            shows_nothing(&message.to_string());
        }
        assert_eq!(reply.messages[0]["params"]["message"], SHOWN);
        assert_eq!(reply.messages[1]["params"]["data"][SHOWN][0], SHOWN);
    }
}

#[tokio::test]
async fn what_a_server_says_later_and_elsewhere_holds_no_value() {
    let (gate, _) = gate().await;
    for method in ["resources/read", "prompts/get", "resources/list"] {
        gate.upstream.on(method, |heard| {
            heard.result(&json!({"contents": [{"uri": "x:y", "text": VALUE}]}))
        });
    }
    for era in ERAS {
        let agent = gate.agent(era).await;
        agent.call("send", "{}").await;
        for (method, params) in [
            ("resources/read", r#"{"uri":"x:y"}"#),
            ("prompts/get", r#"{"name":"p"}"#),
            ("resources/list", "{}"),
        ] {
            let reply = agent.ask(method, params).await;
            shows_nothing(&reply.text);
            assert_eq!(reply.message()["result"]["contents"][0]["text"], SHOWN);
        }
        // A definition that contains it.
        let tool = json!({"name": "send", "description": VALUE, "inputSchema": {"type": "object"}})
            .to_string();
        gate.upstream.lists(&[&[&tool]]);
        let reply = agent.ask("tools/list", "{}").await;
        shows_nothing(&reply.text);
        assert_eq!(reply.message()["result"]["tools"][0]["description"], SHOWN);
        gate.upstream.lists(&[&[SEND]]);
    }
}

#[tokio::test]
async fn news_hold_no_value_and_no_id_that_carries_one() {
    let (gate, _) = gate().await;
    let feed = gate.upstream.streams();
    let agent = gate.agent(Era::Legacy).await;
    agent.call("send", "{}").await;
    let mut news = agent.listen().await;
    let message = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": VALUE}});
    feed.send(format!("id: 1\ndata: {message}\n\n")).unwrap();
    feed.send(format!("id: {VALUE}\nevent: {VALUE}\ndata: {message}\n\n"))
        .unwrap();
    // In two chunks, with the border inside the value.
    let text = format!("id: 3\ndata: {message}\n\n");
    let middle = text.find("et/v").unwrap();
    feed.send(text[..middle].to_owned()).unwrap();
    feed.send(text[middle..].to_owned()).unwrap();
    // Longer ones are not searched, so they do not pass.
    let longest = "i".repeat(4 << 10);
    for id in [&longest, &format!("{longest}i")] {
        feed.send(format!("id: {id}\ndata: {message}\n\n")).unwrap();
    }
    for id in [Some("1"), None, Some("3"), Some(&longest), None] {
        let event = news.next().await.unwrap();
        shows_nothing(&event.text);
        assert_eq!(event.json()["params"]["data"], SHOWN);
        assert_eq!(event.id.as_deref(), id);
    }
}

#[tokio::test]
async fn a_value_that_is_not_confidential_stays() {
    let (gate, id) = gate().await;
    let operator = gate.world.operator();
    let policy = json!({"redact": false});
    operator
        .put(&format!("/v1/secrets/{id}/policy"), &policy)
        .await
        .expect(200);
    for era in ERAS {
        let agent = gate.agent(era).await;
        let reply = agent.call("send", "{}").await;
        let text = reply.message()["result"]["content"][0]["text"]
            .as_str()
            .unwrap();
        assert!(text.contains("välue+of the test"), "{era:?} {text}");
    }
}

#[tokio::test]
async fn what_one_caller_gave_is_not_looked_for_in_answers_to_another() {
    let (gate, _) = gate().await;
    let other = gate.world.other_tenant().await;
    for era in ERAS {
        gate.agent(era).await.call("send", "{}").await;
        let theirs: Client = gate.client(&other, era).await;
        // The caller's own text happens to be the same, so leaving it reveals nothing.
        let arguments = json!({"to": VALUE}).to_string();
        let reply = theirs.call("send", &arguments).await;
        assert!(!reply.text.contains("secret:"), "{era:?} {reply:?}");
    }
}

#[tokio::test]
async fn calls_and_messages_with_a_value_are_counted() {
    let (gate, _) = gate().await;
    let agent = gate.agent(super::relay::Era::Legacy).await;
    let operator = gate.world.operator();
    let metric = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {text}"))
            .trim()
            .to_owned()
    };
    for calls in 1..=2 {
        // The server repeats what it received.
        agent.call("send", "{}").await;
        let text = operator.get("/metrics").await.text().to_owned();
        let count = calls.to_string();
        assert_eq!(metric(&text, "toolvault_mcp_redactions_total"), count);
        let allowed = r#"toolvault_mcp_tool_calls_total{outcome="allowed"}"#;
        assert_eq!(metric(&text, allowed), count);
        let durations = "toolvault_mcp_tool_call_duration_seconds_count";
        assert_eq!(metric(&text, durations), count);
        assert_eq!(metric(&text, "toolvault_mcp_sessions"), "1");
    }
}
