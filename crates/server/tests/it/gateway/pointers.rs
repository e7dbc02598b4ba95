//! Secrets for members of arguments, and values as the type that a tool takes.

use serde_json::{Value, json};

use super::relay::{ERAS, Era, Gate};

/// One model as the only argument, as Python servers define their tools.
const MODEL: &str = r##"{"name":"send","inputSchema":{"type":"object","properties":{"params":{"$ref":"#/$defs/P"}},"required":["params"],"$defs":{"P":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}},"required":["to","api_key"]}}}}"##;
const VALUE: &str = "a value that is secret";

#[tokio::test]
async fn a_member_is_hidden_injected_and_redacted() {
    let gate = Gate::start(&[MODEL]).await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "/params/api_key", VALUE)
        .await;
    gate.upstream.on("tools/call", |heard| {
        heard.result(&json!({"content": [{"type": "text", "text": heard.arguments().to_string()}]}))
    });
    for era in ERAS {
        let agent = gate.agent(era).await;
        let list = agent.ask("tools/list", "{}").await;
        assert!(!list.text.contains("api_key"), "{era:?} {}", list.text);
        let model = &list.message()["result"]["tools"][0]["inputSchema"]["$defs"]["P"];
        assert_eq!(model["required"], json!(["to"]), "{era:?}");
        for (said, sent) in [
            ("{}", json!({"params": {"api_key": VALUE}})),
            (r#"{"params":null}"#, json!({"params": {"api_key": VALUE}})),
            (r#"{"params":""}"#, json!({"params": {"api_key": VALUE}})),
            (
                r#"{"params":{"to":"x"}}"#,
                json!({"params": {"to": "x", "api_key": VALUE}}),
            ),
            (
                r#"{"params":{"to":"x","api_key":null}}"#,
                json!({"params": {"to": "x", "api_key": VALUE}}),
            ),
            (
                r#"{"params":{"to":"x","api_key":""}}"#,
                json!({"params": {"to": "x", "api_key": VALUE}}),
            ),
            (
                r#"{"params":{"api_key":"made up","to":"x"},"api_key":"y"}"#,
                json!({"params": {"to": "x", "api_key": VALUE}, "api_key": "y"}),
            ),
        ] {
            let reply = agent.call("send", said).await;
            let heard = gate.upstream.last("tools/call");
            assert_eq!(heard.arguments(), sent, "{era:?} {said}");
            assert!(!reply.text.contains(VALUE), "{era:?} {}", reply.text);
            assert!(reply.text.contains("[secret:"), "{era:?} {}", reply.text);
        }
        // A model could hide a value in a text that it sends instead of the object.
        let before = gate.upstream.heard("tools/call").len();
        let refused = agent
            .call("send", r#"{"params":"{\"api_key\":\"made up\"}"}"#)
            .await;
        assert!(
            refused.tool_error().contains("not an object"),
            "{refused:?}"
        );
        assert_eq!(gate.upstream.heard("tools/call").len(), before);
    }
    let dropped = operator
        .get("/v1/audit?action=secret.used")
        .await
        .expect(200);
    assert_eq!(dropped["data"][0]["argument"], "/params/api_key");
}

#[tokio::test]
async fn a_credential_argument_can_be_a_pointer() {
    let gate = Gate::start_with(&[MODEL], |_, server| {
        server.credential_arguments = ["/params/api_key".to_owned()].into();
    })
    .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        assert!(!agent.ask("tools/list", "{}").await.text.contains("api_key"));
        let refused = agent
            .call("send", r#"{"params":{"to":"x","api_key":"y"}}"#)
            .await;
        let text = refused.tool_error();
        assert!(text.contains("'/params/api_key'"), "{text}");
        assert!(text.contains("secret create 'linear-params-api_key' --tool 'linear__*' --arg '/params/api_key' --default"), "{text}");
        agent
            .call("unlisted", r#"{"params":{"to":"x","api_key":"y"}}"#)
            .await;
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(sent, json!({"params": {"to": "x"}}), "{era:?}");
    }
}

#[tokio::test]
async fn a_pointer_wins_over_the_argument_that_holds_it() {
    let gate = Gate::start(&[MODEL]).await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "params", "{\"to\": \"y\"}")
        .await;
    operator
        .default_for("linear__*", "/params/api_key", VALUE)
        .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let tools = agent.tools().await;
        assert_eq!(
            tools[0]["inputSchema"]["properties"],
            json!({"params": {"$ref": "#/$defs/P"}})
        );
        agent.call("send", r#"{"params":{"to":"x"}}"#).await;
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(
            sent,
            json!({"params": {"to": "x", "api_key": VALUE}}),
            "{era:?}"
        );
    }
}

/// Runs a tool with one argument of that schema and a secret for it; returns what is sent, or `None` if it is refused.
async fn sent(schema: &str, value: &str) -> Option<Value> {
    let tool = format!(r#"{{"name":"send","inputSchema":{{"properties":{{"pin":{schema}}}}}}}"#);
    let gate = Gate::start(&[&tool]).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "pin", value).await;
    gate.upstream.on("tools/call", |heard| {
        heard.result(&json!({"content": [], "structuredContent": heard.arguments()}))
    });
    let mut sent = None;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let reply = agent.call("send", "{}").await;
        assert!(!reply.text.contains(value.trim()), "{}", reply.text);
        let Some(heard) = gate.upstream.heard("tools/call").pop() else {
            let text = reply.tool_error();
            assert!(
                text.contains("not of the type") && text.contains("'pin'"),
                "{text}"
            );
            continue;
        };
        sent = Some(heard.arguments()["pin"].clone());
    }
    sent
}

#[tokio::test]
async fn a_text_becomes_the_type_that_the_schema_takes_and_is_redacted_as_that() {
    for (schema, value, expected) in [
        (
            r#"{"type":"integer"}"#,
            "8472639105",
            Some(json!(8_472_639_105_u64)),
        ),
        (
            r#"{"anyOf":[{"type":"number"},{"type":"null"}]}"#,
            "84726391.5\n",
            Some(json!(84_726_391.5)),
        ),
        (
            r#"{"type":["array","null"]}"#,
            r#"["first of them","second of them"]"#,
            Some(json!(["first of them", "second of them"])),
        ),
        (
            r#"{"type":"object"}"#,
            r#"{"token":"the token in it"}"#,
            Some(json!({"token": "the token in it"})),
        ),
        (
            r#"{"type":["string","integer"]}"#,
            "8472639105",
            Some(json!("8472639105")),
        ),
        (r#"{"type":"integer"}"#, "not a number", None),
        (r#"{"type":"boolean"}"#, "not a switch", None),
        (r#"{"type":"object"}"#, "[\"a list of it\"]", None),
    ] {
        assert_eq!(sent(schema, value).await, expected, "{schema}");
    }
}

#[tokio::test]
async fn a_switch_is_no_text() {
    let tool = r#"{"name":"send","inputSchema":{"properties":{"on":{"type":"boolean"}}}}"#;
    let gate = Gate::start(&[tool]).await;
    gate.world
        .operator()
        .default_for("linear__send", "on", "True")
        .await;
    for era in ERAS {
        gate.agent(era).await.call("send", "{}").await;
        assert_eq!(
            gate.upstream.last("tools/call").arguments(),
            json!({"on": true}),
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn a_header_that_repeats_a_hidden_member_is_ours() {
    let tool = r#"{"name":"send","inputSchema":{"properties":{"params":{"properties":{"api_key":{"type":"string","x-mcp-header":"Key"}}}}}}"#;
    let gate = Gate::start(&[tool]).await;
    gate.world
        .operator()
        .default_for("linear__send", "/params/api_key", VALUE)
        .await;
    let agent = gate.agent(Era::Modern).await;
    let headers = [("Mcp-Param-Key", "made up")];
    agent
        .ask_with("tools/call", r#"{"name":"send"}"#, &headers)
        .await;
    let heard = gate.upstream.last("tools/call");
    assert_eq!(heard.arguments(), json!({"params": {"api_key": VALUE}}));
    assert_eq!(heard.header("mcp-param-key").as_deref(), Some(VALUE));
}
