//! Values that go through the gateway stand in no log line, file, figure or record.

use serde_json::json;
use toolvault_core::scope::Scope::{Resolve, Use};
use toolvault_gateway::Template;
use toolvault_gateway::settings::{Header, Transport};

use super::assert_in_no_file;
use super::log::Log;
use super::needles::{Needles, core, plain_value, value};
use crate::gateway::relay::{Client, ERAS, Era, Gate, PATH};
use crate::harness::Rights;

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

/// All texts that an agent may choose, with a value in each.
async fn name_it(agent: &Client, era: Era, value: &str) {
    let named = json!({"name": value, "arguments": {value: value}}).to_string();
    let reference = json!({"ref": {"type": "ref/prompt", "name": value}, "argument": {"name": value, "value": value}});
    let echo = if agent.path == PATH {
        "echo"
    } else {
        "linear__echo"
    };
    agent.call(value, "{}").await;
    agent.call(&format!("linear__{value}"), "{}").await;
    agent
        .call(echo, &json!({value: 1, "x": value}).to_string())
        .await;
    agent.ask(value, "{}").await;
    agent.ask("prompts/get", &named).await;
    agent
        .ask("completion/complete", &reference.to_string())
        .await;
    let uri = json!({"uri": value}).to_string();
    agent.ask("resources/read", &uri).await;
    let task = json!({"taskId": value}).to_string();
    let headers = [("mcp-name", value), ("mcp-param-to", value)];
    let headers = if era == Era::Modern {
        &headers[..]
    } else {
        &[]
    };
    agent.ask_with("tasks/get", &task, headers).await;
    // Another version than the gateway knows, and another server.
    let body = agent.message("tools/list", "{}");
    let body = body.replace("2026-07-28", value).replace("test", value);
    let headers = [
        ("mcp-protocol-version", value),
        ("mcp-method", "tools/list"),
    ];
    agent.post(&body, &headers).await;
    agent.post(&body, &[("mcp-session-id", value)]).await;
    let elsewhere = Client {
        path: format!("/mcp/{value}"),
        ..agent.clone()
    };
    elsewhere.ask("tools/list", "{}").await;
}

#[tokio::test]
async fn a_value_that_an_agent_uses_as_a_name_stands_in_no_record_log_or_figure() {
    let log = Log::install();
    let needles = Needles::of_values();
    let mut gate = gate().await;
    let (world, operator) = (&gate.world, gate.world.operator());
    let (given, kept) = (core(1), core(2));
    operator
        .default_for("linear__echo", "api_key", &given)
        .await;
    // No server was ever given this one.
    operator.default_for("elsewhere__*", "k", &kept).await;
    let header = json!({
        "secret_name": "header", "secret_value": plain_value(3), "tool_name": "linear__*",
        "tool_arg": "headers.Authorization",
    });
    operator.create(header).await;
    for (era, path) in ERAS
        .into_iter()
        .flat_map(|era| [(era, PATH), (era, "/mcp")])
    {
        for value in [&given, &kept] {
            let key = world.scoped(&[Use]).await;
            let agent = Client::begin(world, &key, path, era).await;
            name_it(&agent, era, value).await;
        }
    }
    let rights = Rights {
        scopes: &[Resolve],
        tools: &["elsewhere__*"],
        ..Rights::default()
    };
    let limited = world.holder(rights).await;
    for tool in [kept.clone(), format!("elsewhere__{kept}")] {
        let call = json!({"require": [kept], "bindings": {&kept: "secret://none"}});
        for actor in [&limited, &world.scoped(&[Resolve]).await] {
            actor
                .post(&format!("/v1/tools/{tool}/resolve"), &call)
                .await;
            actor
                .post(&format!("/v1/tools/{tool}/explain"), &call)
                .await;
            actor
                .post(&format!("/v1/tools/{tool}/resolve"), &json!({}))
                .await;
        }
    }
    for (path, proof) in [
        ("/metrics", "/mcp/{server}"),
        ("/v1/audit?limit=1000", "[secret:api_key of linear__echo]"),
        ("/v1/audit?limit=1000", "[secret:k of elsewhere__*]"),
    ] {
        let answer = operator.get(path).await;
        assert!(answer.text().contains(proof), "{}", answer.text());
        assert_eq!(needles.find(&answer.body), None, "{}", answer.text());
    }
    // Calls are recorded a little later than they end, at the latest when the server stops.
    gate.world.shutdown.cancel();
    gate.world.running.take().unwrap().await.unwrap().unwrap();
    gate.world.vault.close().await;
    assert_in_no_file(&gate.world, &needles);
    log.assert_clean(&["toolvault", "toolvault_gateway"]);
}
