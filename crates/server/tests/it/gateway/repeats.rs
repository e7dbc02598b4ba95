//! Values that an agent sends itself: recorded, counted, and refused when there are too many.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use toolvault_core::scope::Scope::Use;

use super::relay::{Client, ERAS, Era, Gate, PATH, Said, Upstream, settings_of};
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

/// Sends `send` with a key that has called the tool once, and expects one record, about `tool`.
async fn expect_one<F: Future<Output = ()>>(
    gate: &Gate,
    (path, era): (&str, Era),
    (what, tool): (&str, &str),
    send: impl FnOnce(Client) -> F,
) {
    let key = gate.world.scoped(&[Use]).await;
    let client = Client::begin(&gate.world, &key, path, era).await;
    let name = if path == PATH { "send" } else { "linear__send" };
    client.call(name, "{}").await;
    send(client).await;
    let mut records = repeated(&gate.world.operator()).await;
    records.retain(|record| record["actor"] == format!("key:{}", key.key_id));
    let tools: Vec<_> = records.iter().map(|record| &record["tool"]).collect();
    assert_eq!(tools, [tool], "{what} at {path}, {era:?}");
}

const PATHS: [&str; 2] = [PATH, "/mcp"];

#[tokio::test]
async fn every_kind_of_request_is_searched() {
    let (gate, _) = gate().await;
    let prompt = json!({"type": "ref/prompt", "name": "linear__p"});
    for (path, era) in PATHS
        .into_iter()
        .flat_map(|path| ERAS.map(|era| (path, era)))
    {
        let mut requests = vec![
            (
                "prompts/get",
                json!({"name": "linear__p", "arguments": {"about": VALUE}}),
            ),
            (
                "completion/complete",
                json!({"ref": prompt, "argument": {"name": "x", "value": VALUE}}),
            ),
        ];
        if era == Era::Legacy {
            requests.push(("logging/setLevel", json!({"level": VALUE})));
        }
        if path == PATH {
            requests.push(("resources/read", json!({"uri": VALUE})));
            requests.push(("prompts/list", json!({"cursor": VALUE})));
            requests.push(("tasks/get", json!({"taskId": VALUE})));
        }
        for (method, params) in requests {
            expect_one(
                &gate,
                (path, era),
                (method, "linear__"),
                |client| async move {
                    let named = [("mcp-name", VALUE)];
                    let is_task = method == "tasks/get" && era == Era::Modern;
                    let headers = if is_task { &named[..] } else { &[] };
                    client.ask_with(method, &params.to_string(), headers).await;
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_searched() {
    let (gate, _) = gate().await;
    for path in PATHS {
        let of_client = ("clientInfo", "linear__");
        expect_one(&gate, (path, Era::Legacy), of_client, |client| async move {
            let about = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": VALUE}});
            let again = Client {
                session: None,
                ..client
            };
            again.ask("initialize", &about.to_string()).await;
        })
        .await;
        // Our own requests repeat it: to find out what the server can do, and for its lists.
        for method in ["tools/list", "prompts/list", "server/discover"] {
            let of_client = (method, "linear__");
            expect_one(&gate, (path, Era::Modern), of_client, |client| async move {
                let body = client.message(method, "{}");
                let body = body.replace(r#""test""#, &json!(VALUE).to_string());
                assert!(body.contains(VALUE), "{body}");
                let headers = [
                    ("mcp-protocol-version", "2026-07-28"),
                    ("mcp-method", method),
                ];
                client.post(&body, &headers).await;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn answers_notifications_subscriptions_and_headers_are_searched() {
    let (gate, _) = gate().await;
    for (path, id) in [(PATH, json!(1)), ("/mcp", json!("linear__1"))] {
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"a": VALUE}}});
        let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "message": VALUE}});
        for message in [answer, progress] {
            let what = message.to_string();
            expect_one(&gate, (path, Era::Legacy), (&what, "linear__"), |client| {
                let message = what.clone();
                async move {
                    client.post(&message, &[]).await;
                }
            })
            .await;
        }
        let subscription = ("subscriptions/listen", "linear__");
        expect_one(
            &gate,
            (path, Era::Modern),
            subscription,
            |client| async move {
                let params = json!({"notifications": {"toolsListChanged": true}, "x": VALUE});
                let body = client.message("subscriptions/listen", &params.to_string());
                let headers = [
                    ("mcp-protocol-version", "2026-07-28"),
                    ("mcp-method", "subscriptions/listen"),
                ];
                let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
                client.open("POST", &body, headers.to_vec()).await;
            },
        )
        .await;
        let header = ("a header", "linear__send");
        expect_one(&gate, (path, Era::Modern), header, |client| async move {
            let name = if client.path == PATH {
                "send"
            } else {
                "linear__send"
            };
            let params = json!({"name": name}).to_string();
            client
                .ask_with("tools/call", &params, &[("mcp-param-to", VALUE)])
                .await;
        })
        .await;
    }
    let header = ("an event", "linear__");
    expect_one(&gate, (PATH, Era::Legacy), header, |client| async move {
        client.listen_with(&[("last-event-id", VALUE)]).await;
    })
    .await;
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

#[tokio::test]
async fn what_a_new_session_of_the_server_gets_again_is_searched_again() {
    let gate = Gate::start(&[SEND, OTHER]).await;
    let operator = gate.world.operator();
    let client = Client::begin(&gate.world, &operator, "/mcp", Era::Legacy).await;
    let level = json!({"level": VALUE}).to_string();
    client.ask("logging/setLevel", &level).await;
    operator.default_for("linear__send", "api_key", VALUE).await;
    client.call("linear__send", "{}").await;
    assert_eq!(repeated(&operator).await, [] as [Value; 0]);
    gate.upstream.on("tools/call", |heard| {
        match heard.header("mcp-session-id").as_deref() {
            Some("upstream-session-1") => Said::Empty(404),
            _ => heard.result(&json!({"content": []})),
        }
    });
    let reply = client.call("linear__send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    let records = repeated(&operator).await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["tool"], "linear__");
}

#[tokio::test]
async fn names_of_headers_are_searched() {
    const DIGITS: &str = "6f1ed002ab5595859014ebf0951522d9";
    let gate = Gate::start(&[SEND, OTHER]).await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "api_key", DIGITS)
        .await;
    let agent = gate.agent(Era::Modern).await;
    agent.call("send", "{}").await;
    let header = format!("mcp-param-{DIGITS}");
    agent
        .ask_with("tools/call", r#"{"name":"send"}"#, &[(&header, "x")])
        .await;
    assert!(gate.upstream.last("tools/call").header(&header).is_some());
    assert_eq!(repeated(&operator).await.len(), 1);
}

#[tokio::test]
async fn a_subscription_is_searched_for_each_server_that_arrives_later() {
    let gate = Gate::start(&[SEND]).await;
    let late = Upstream::start(&[OTHER]).await;
    let operator = gate.world.operator();
    operator.named("late-key", VALUE).await;
    let client = Client::begin(&gate.world, &operator, "/mcp", Era::Modern).await;
    let params = json!({"notifications": {"toolsListChanged": true}, "x": VALUE});
    let body = client.message("subscriptions/listen", &params.to_string());
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut events = client.open("POST", &body, headers.to_vec()).await;
    events.message().await;
    let mut settings = toolvault_gateway::GatewaySettings::default();
    let mut server = settings_of(&late);
    let toolvault_gateway::settings::Transport::Http(http) = &mut server.transport else {
        panic!("it is reached over HTTP")
    };
    http.headers.push(toolvault_gateway::settings::Header {
        name: "authorization".parse().unwrap(),
        spelling: "Authorization".to_owned(),
        value: toolvault_gateway::Template::parse("secret://late-key").unwrap(),
    });
    for (name, server) in [("linear", settings_of(&gate.upstream)), ("late", server)] {
        settings.servers.insert(name.parse().unwrap(), server);
    }
    gate.world.handle.reload_gateway(settings).unwrap();
    events.message().await;
    late.hears("subscriptions/listen", 1).await;
    let records = repeated(&operator).await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["tool"], "late__");
}

#[tokio::test]
async fn a_canary_is_found_wherever_it_goes_and_answers_as_if_there_were_none() {
    let gate = Gate::start(&[SEND, OTHER]).await;
    let operator = gate.world.operator();
    let id = operator.default_for("linear__send", "api_key", VALUE).await;
    let policy = format!("/v1/secrets/{id}/policy");
    operator
        .put(&policy, &json!({"canary": true}))
        .await
        .expect(200);
    let mut expected = 0;
    for era in ERAS {
        let key = gate.world.scoped(&[Use]).await;
        let agent = gate.client(&key, era).await;
        let tools = agent.ask("tools/list", "{}").await;
        let listed = tools.message()["result"]["tools"].to_string();
        assert!(
            listed.contains("api_key"),
            "no argument is hidden: {listed}"
        );
        // More often than other values may be repeated, and never with another answer than any text gets.
        for (tool, text) in [("other", VALUE), ("other", "a value that is known")].repeat(11) {
            let reply = agent.call(tool, &json!({"to": text}).to_string()).await;
            let answer = reply.message()["result"].to_string();
            assert!(!answer.contains("[secret:"), "{answer}");
            expected += usize::from(text == VALUE);
        }
        let records = repeated(&operator).await;
        assert_eq!(records.len(), expected, "{era:?}");
        assert_eq!(records[0]["reason"], "canary");
        assert_eq!(records[0]["tool"], "linear__other");
        assert_eq!(records[0]["actor"], format!("key:{}", key.key_id));
        let before = attempts(&operator).await;
        agent.call("send", "{}").await;
        assert_eq!(attempts(&operator).await, before + 1);
    }
}

/// How often a canary would have been applied.
async fn attempts(operator: &Actor) -> usize {
    let path = "/v1/audit?action=canary.used&limit=100";
    let page = operator.get(path).await.expect(200);
    page["data"].as_array().unwrap().len()
}
