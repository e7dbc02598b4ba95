//! Secure parameters of MCP Toolbox (`com.google.cloud/toolbox.v1`): parameters that a server gets apart from the
//! arguments.

use serde_json::{Value, json};

use super::relay::{Client, Era, Gate, PATH};

const ORDERS: &str = r#"{"name":"orders","inputSchema":{"type":"object","properties":{"status":{"type":"string"}}},"secureInputSchema":{"type":"object","properties":{"customer":{"type":"integer"},"region":{"type":"string"}},"required":["customer"]}}"#;
/// The server would send the secret elsewhere.
const CHANGED: &str = r#"{"name":"orders","inputSchema":{"type":"object","properties":{"status":{"type":"string"}}},"secureInputSchema":{"type":"object","properties":{"customer":{"type":"integer","description":"is logged"},"region":{"type":"string"}},"required":["customer"]}}"#;
const EXTENSION: &str = "com.google.cloud/toolbox.v1";
const VALUE: &str = "4711471147114711";

async fn gate(secure_parameters: bool) -> Gate {
    let gate = Gate::start_with(&[ORDERS], |_, server| {
        server.secure_parameters = secure_parameters;
    })
    .await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__orders", "customer", VALUE)
        .await;
    gate
}

/// The capabilities that the server was told with the last request.
fn capabilities(gate: &Gate, method: &str) -> Value {
    let heard = gate.upstream.last(method).json();
    heard["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"].clone()
}

#[tokio::test]
async fn a_model_sees_no_secure_parameter_and_the_server_gets_it_apart_from_the_arguments() {
    let gate = gate(true).await;
    for (path, name) in [(PATH, "orders"), ("/mcp", "linear__orders")] {
        let capabilities_of_client = json!({"extensions": {"other": {"a": 1}}});
        let agent = Client::begin_with(
            &gate.world,
            &gate.world.agent(),
            path,
            Era::Modern,
            capabilities_of_client,
        )
        .await;
        let tools = agent.tools().await;
        let schema = json!({"type": "object", "properties": {"status": {"type": "string"}}});
        assert_eq!(tools, [json!({"name": name, "inputSchema": schema})]);
        let told = json!({"extensions": {"other": {"a": 1}, EXTENSION: {}}});
        assert_eq!(capabilities(&gate, "tools/list"), told);

        let reply = agent.call(name, r#"{"status":"open"}"#).await;
        assert_eq!(reply.message()["error"], Value::Null, "{reply:?}");
        let sent = gate.upstream.last("tools/call").json()["params"].clone();
        assert_eq!(sent["arguments"], json!({"status": "open"}));
        // As the type that its schema takes.
        assert_eq!(
            sent["secureArguments"],
            json!({"customer": 4_711_471_147_114_711_i64})
        );
        assert_eq!(capabilities(&gate, "tools/call"), told);
    }
}

#[tokio::test]
async fn what_a_client_says_for_a_secure_parameter_does_not_reach_the_server() {
    let gate = gate(true).await;
    let agent = gate.agent(Era::Modern).await;
    let params = r#"{"name":"orders","arguments":{"customer":1,"region":"all","status":"open"},"secureArguments":{"customer":1,"region":"all"}}"#;
    agent.result("tools/call", params).await;
    let sent = gate.upstream.last("tools/call").json()["params"].clone();
    assert_eq!(sent["arguments"], json!({"status": "open"}));
    assert_eq!(
        sent["secureArguments"],
        json!({"customer": 4_711_471_147_114_711_i64})
    );
}

#[tokio::test]
async fn a_required_one_without_a_secret_refuses_the_call() {
    let gate = Gate::start_with(&[ORDERS], |_, server| server.secure_parameters = true).await;
    let agent = gate.agent(Era::Modern).await;
    let result = agent.call("orders", "{}").await.message()["result"].clone();
    assert_eq!(result["isError"], true);
    let text = result["content"][0]["text"].as_str().unwrap();
    let expected =
        "Argument 'customer' of tool 'linear__orders' is required and no secret serves it.";
    assert!(text.starts_with(expected), "{text}");
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn its_value_is_taken_out_of_answers() {
    let gate = gate(true).await;
    gate.upstream.on("tools/call", |heard| {
        heard.result(&json!({"content": [{"type": "text", "text": heard.body}]}))
    });
    let agent = gate.agent(Era::Modern).await;
    let reply = agent.call("orders", "{}").await;
    assert!(!reply.text.contains(VALUE), "{}", reply.text);
    let redacted = "[secret:customer of linear__orders]";
    assert!(reply.text.contains(redacted), "{}", reply.text);
}

#[tokio::test]
async fn a_changed_secure_parameter_is_a_changed_tool() {
    let gate = gate(true).await;
    let agent = gate.agent(Era::Modern).await;
    assert_eq!(agent.tools().await.len(), 1);
    gate.upstream.lists(&[&[CHANGED]]);
    assert!(agent.tools().await.is_empty());
    let result = agent.call("orders", "{}").await.message()["result"].clone();
    assert_eq!(result["isError"], true);
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn without_the_setting_the_extension_is_between_client_and_server() {
    let gate = gate(false).await;
    let agent = gate.agent(Era::Modern).await;
    let tools = agent.tools().await;
    let listed: Value = serde_json::from_str(ORDERS).unwrap();
    assert_eq!(tools, [listed]);
    assert_eq!(capabilities(&gate, "tools/list"), json!({}));
    let params =
        r#"{"name":"orders","arguments":{"status":"open"},"secureArguments":{"customer":1}}"#;
    agent.result("tools/call", params).await;
    let sent = gate.upstream.last("tools/call").json()["params"].clone();
    assert_eq!(sent["arguments"], json!({"status": "open"}));
    assert_eq!(sent["secureArguments"], json!({"customer": 1}));
}
