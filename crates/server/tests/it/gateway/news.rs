//! Notifications about changes of a client's list of tools.

use serde_json::json;
use tokio::sync::mpsc;

use super::relay::{Client, ERAS, Era, Events, Gate, Said, Upstream, settings_of};

const SEND: &str =
    r#"{"name":"send","inputSchema":{"type":"object","properties":{"api_key":{"type":"string"}}}}"#;
const CHANGED: &str = "notifications/tools/list_changed";

/// A client that listens to a scripted server.
async fn listening(gate: &Gate, era: Era) -> (Client, Events, mpsc::UnboundedSender<String>) {
    let agent = gate.agent(era).await;
    let feed = match era {
        Era::Legacy => gate.upstream.streams(),
        Era::Modern => {
            let (feed, receiver) = mpsc::unbounded_channel();
            let receiver = std::sync::Mutex::new(Some(receiver));
            gate.upstream.on("subscriptions/listen", move |_| {
                Said::Stream(receiver.lock().unwrap().take().unwrap())
            });
            let acknowledged = json!({
                "jsonrpc": "2.0",
                "method": "notifications/subscriptions/acknowledged",
                "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": 7}, "notifications": {}},
            });
            feed.send(format!("data: {acknowledged}\n\n")).unwrap();
            feed
        }
    };
    let mut events = agent.listen().await;
    if era == Era::Modern {
        let acknowledged = events.message().await;
        // The server announces no changes of tools; the gateway does.
        assert_eq!(
            acknowledged["params"]["notifications"],
            json!({"toolsListChanged": true})
        );
    }
    (agent, events, feed)
}

/// Makes the server send a message, and reads until it arrives; returns what came before it.
async fn heard_before_marker(
    events: &mut Events,
    feed: &mpsc::UnboundedSender<String>,
) -> Vec<serde_json::Value> {
    let marker = json!({"jsonrpc": "2.0", "method": "notifications/marker"});
    feed.send(format!("data: {marker}\n\n")).unwrap();
    let mut heard = Vec::new();
    loop {
        let message = events.message().await;
        if message == marker {
            return heard;
        }
        heard.push(message);
    }
}

#[tokio::test]
async fn a_change_of_the_users_secrets_is_told_to_their_clients() {
    let gate = Gate::start(&[SEND]).await;
    let operator = gate.world.operator();
    for era in ERAS {
        let (agent, mut events, feed) = listening(&gate, era).await;
        assert!(agent.ask("tools/list", "{}").await.text.contains("api_key"));
        let id = operator
            .default_for("linear__send", "api_key", "a value that is secret")
            .await;
        let expected = match era {
            Era::Legacy => json!({"jsonrpc": "2.0", "method": CHANGED}),
            Era::Modern => json!({
                "jsonrpc": "2.0",
                "method": CHANGED,
                "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": 7}},
            }),
        };
        assert_eq!(events.message().await, expected);
        // The new list matches the announcement.
        assert!(!agent.ask("tools/list", "{}").await.text.contains("api_key"));
        let path = format!("/v1/secrets/{id}");
        let rebound = json!({"tool_name": "linear__other"});
        operator.patch(&path, &rebound).await.expect(200);
        let heard = heard_before_marker(&mut events, &feed).await;
        assert!(heard.contains(&expected), "{era:?} {heard:?}");
        assert!(agent.ask("tools/list", "{}").await.text.contains("api_key"));
        operator.delete(&path).await;
        let heard = heard_before_marker(&mut events, &feed).await;
        assert!(heard.contains(&expected), "{era:?} {heard:?}");
    }
}

#[tokio::test]
async fn a_client_is_told_later_what_changed_while_it_had_no_stream() {
    let gate = Gate::start(&[SEND]).await;
    let operator = gate.world.operator();
    let other = gate.world.other_tenant().await;
    for path in ["/mcp/linear", "/mcp"] {
        let agent = Client::begin(&gate.world, &gate.world.agent(), path, Era::Legacy).await;
        let id = operator
            .default_for("linear__send", "api_key", "a value that is secret")
            .await;
        let mut events = agent.listen().await;
        assert_eq!(events.message().await["method"], CHANGED, "{path}");
        drop(events);
        // It has not asked for the new list yet: the announcement may have been lost with the stream.
        let mut events = agent.listen().await;
        assert_eq!(events.message().await["method"], CHANGED, "{path}");
        drop(events);
        let unseen = agent.ask("tools/list", r#"{"cursor":"1"}"#).await;
        assert_eq!(unseen.head.status, 200);
        let mut events = agent.listen().await;
        assert_eq!(events.message().await["method"], CHANGED, "{path}");
        drop(events);
        assert!(!agent.ask("tools/list", "{}").await.text.contains("api_key"));
        let others = other
            .default_for("linear__send", "api_key", "a value that is secret")
            .await;
        other.delete(&format!("/v1/secrets/{others}")).await;
        let feed = gate.upstream.streams();
        let mut events = agent.listen().await;
        let heard = heard_before_marker(&mut events, &feed).await;
        assert!(heard.is_empty(), "{path} {heard:?}");
        operator.delete(&format!("/v1/secrets/{id}")).await;
    }
}

#[tokio::test]
async fn another_users_changes_are_not_told() {
    let gate = Gate::start(&[SEND]).await;
    let other = gate.world.other_tenant().await;
    for era in ERAS {
        let (_agent, mut events, feed) = listening(&gate, era).await;
        let id = other
            .default_for("linear__send", "api_key", "a value that is secret")
            .await;
        other.delete(&format!("/v1/secrets/{id}")).await;
        let heard = heard_before_marker(&mut events, &feed).await;
        assert!(heard.is_empty(), "{era:?} {heard:?}");
    }
}

#[tokio::test]
async fn a_client_that_did_not_ask_for_tools_hears_nothing_of_them() {
    let gate = Gate::start(&[SEND]).await;
    let (feed, receiver) = mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    gate.upstream.on("subscriptions/listen", move |_| {
        Said::Stream(receiver.lock().unwrap().take().unwrap())
    });
    let agent = gate.agent(Era::Modern).await;
    let params = r#"{"notifications":{"promptsListChanged":true}}"#;
    let message = agent.message("subscriptions/listen", params);
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let mut events = agent.open("POST", &message, headers).await;
    gate.world
        .operator()
        .named("a", "a value that is secret")
        .await;
    assert!(heard_before_marker(&mut events, &feed).await.is_empty());
}

#[tokio::test]
async fn the_clients_of_a_server_that_tells_nothing_hear_of_their_secrets() {
    let gate = Gate::start(&[SEND]).await;
    let agent = gate.agent(Era::Legacy).await;
    // The server answers 405, so the stream has only the gateway's messages.
    let mut events = agent.listen().await;
    assert_eq!(events.head.status, 200);
    gate.world
        .operator()
        .named("a", "a value that is secret")
        .await;
    assert_eq!(events.message().await["method"], CHANGED);
}

#[tokio::test]
async fn a_stream_that_was_begun_with_another_credential_ends() {
    let gate = Gate::start_with(&[SEND], |_, server| {
        let toolvault_gateway::settings::Transport::Http(http) = &mut server.transport else {
            panic!("it is reached over HTTP")
        };
        http.headers.push(toolvault_gateway::settings::Header {
            name: "authorization".parse().unwrap(),
            spelling: "Authorization".to_owned(),
            value: toolvault_gateway::Template::parse("secret://linear-prod").unwrap(),
        });
    })
    .await;
    let operator = gate.world.operator();
    let id = operator.named("linear-prod", "the first key of all").await;
    for era in ERAS {
        let (_agent, mut events, _feed) = listening(&gate, era).await;
        let rotated = json!({"secret_value": format!("another key for {era:?}")});
        operator
            .patch(&format!("/v1/secrets/{id}"), &rotated)
            .await
            .expect(200);
        if era == Era::Modern {
            let last = events.message().await;
            assert!(last["id"] == 7 && last.get("error").is_some(), "{last}");
        }
        assert!(events.next().await.is_none(), "{era:?}");
    }
}

#[tokio::test]
async fn on_the_path_of_all_servers_one_that_arrives_or_leaves_is_announced() {
    let gate = Gate::start(&[SEND]).await;
    let other = Upstream::start(&[r#"{"name":"other","inputSchema":{"type":"object"}}"#]).await;
    for era in ERAS {
        let agent = Client::begin(&gate.world, &gate.world.agent(), "/mcp", era).await;
        let mut events = agent.listen().await;
        if era == Era::Modern {
            assert!(events.message().await.get("method").is_some());
        }
        let mut settings = toolvault_gateway::GatewaySettings::default();
        let servers = &mut settings.servers;
        servers.insert("linear".parse().unwrap(), settings_of(&gate.upstream));
        let mut both = settings.clone();
        both.servers
            .insert("other".parse().unwrap(), settings_of(&other));
        for (settings, tools) in [
            (&both, &["linear__send", "other__other"][..]),
            (&settings, &["linear__send"]),
        ] {
            gate.world.handle.reload_gateway(settings.clone()).unwrap();
            assert_eq!(events.message().await["method"], CHANGED, "{era:?}");
            assert_eq!(agent.tool_names().await, tools, "{era:?}");
        }
    }
}
