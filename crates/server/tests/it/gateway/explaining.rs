//! What explain says about a call through the gateway, and what the gateway then does.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Manage, Use};
use toolvault_gateway::Template;
use toolvault_gateway::settings::{Header, Transport};

use super::relay::{ERAS, Gate, Said};
use crate::harness::Actor;

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}}}"#;
const COUNT: &str =
    r#"{"name":"count","inputSchema":{"type":"object","properties":{"pin":{"type":"integer"}}}}"#;
const VALUE: &str = "a value that is secret";

async fn explain(actor: &Actor, tool: &str) -> Value {
    let answer = actor
        .post(&format!("/v1/tools/{tool}/explain"), &json!({}))
        .await;
    assert!(!answer.text().contains(VALUE), "{}", answer.text());
    answer.expect(200)
}

/// Why a secret almost applies to an argument.
fn near<'a>(told: &'a Value, argument: &str) -> Vec<&'a str> {
    let arguments = told["gateway"]["arguments"].as_array().unwrap();
    let found = arguments.iter().find(|one| one["arg"] == argument);
    let found = found.unwrap_or_else(|| panic!("{argument}: {told}"));
    let near = found["near"].as_array().unwrap().iter();
    near.map(|near| near["why"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn explain_foretells_what_the_gateway_does() {
    let gate = Gate::start_with(&[SEND, COUNT], |_, server| {
        server.credential_arguments = ["pin".to_owned()].into();
    })
    .await;
    let operator = gate.world.operator();
    let broad = "its pattern is too broad for the gateway: the text before the first * has to begin with 'linear__'";
    operator.default_for("*", "api_key", VALUE).await;
    let told = explain(&operator, "linear__send").await;
    // Resolving and the gateway differ here.
    assert_eq!(told["arguments"][0]["outcome"], "default");
    assert_eq!(told["gateway"]["server"], "linear");
    assert_eq!(told["gateway"]["schema_known"], true);
    assert_eq!(told["gateway"]["would_succeed"], true);
    assert_eq!(told["gateway"]["arguments"][0]["outcome"], "none");
    assert_eq!(near(&told, "api_key"), [broad]);
    for era in ERAS {
        gate.agent(era).await.call("send", "{}").await;
        assert_eq!(
            gate.upstream.last("tools/call").arguments(),
            json!({}),
            "{era:?}"
        );
    }
    let told = explain(&operator, "linear__count").await;
    assert_eq!(told["gateway"]["would_succeed"], false);
    assert_eq!(told["gateway"]["arguments"][0]["outcome"], "secret_missing");
    operator.default_for("linear__*", "pin", "12345678").await;
    operator.default_for("linear__*", "Api_Key", VALUE).await;
    let told = explain(&operator, "linear__count").await;
    assert_eq!(told["gateway"]["would_succeed"], true, "{told}");
    assert_eq!(
        near(&told, "Api_Key"),
        ["the tool does not declare this argument, only pin"]
    );
    operator.default_for("linear__count", "pin", VALUE).await;
    let told = explain(&operator, "linear__count").await;
    assert_eq!(told["would_succeed"], true);
    assert_eq!(told["gateway"]["would_succeed"], false, "{told}");
    for era in ERAS {
        let refused = gate.agent(era).await.call("count", "{}").await;
        assert!(
            refused.tool_error().contains("not of the type integer"),
            "{refused:?}"
        );
    }
    assert_eq!(
        explain(&operator, "elsewhere__send").await["gateway"],
        Value::Null
    );
    assert_eq!(explain(&operator, "send").await["gateway"], Value::Null);
}

#[tokio::test]
async fn the_server_is_asked_once_and_only_for_a_caller_who_may_use_it() {
    let gate = Gate::start(&[SEND]).await;
    let operator = gate.world.operator();
    operator.default_for("linear__send", "api_key", VALUE).await;
    let manager = gate.world.scoped(&[Manage]).await;
    let told = explain(&manager, "linear__send").await;
    assert_eq!(told["gateway"]["schema_known"], false);
    assert_eq!(told["gateway"]["arguments"][0]["outcome"], "default");
    assert!(gate.upstream.heard("tools/list").is_empty());
    let agent = gate.world.scoped(&[Use]).await;
    for _ in 0..3 {
        assert_eq!(
            explain(&agent, "linear__send").await["gateway"]["schema_known"],
            true
        );
    }
    assert_eq!(gate.upstream.heard("tools/list").len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_asked_once_for_a_batch() {
    let gate = Gate::start(&[SEND, COUNT]).await;
    gate.upstream.on("tools/list", |_| Said::Empty(500));
    let agent = gate.world.scoped(&[Use]).await;
    explain(&agent, "linear__send").await;
    let asked_for_one = gate.upstream.heard("tools/list").len();
    assert!(asked_for_one > 0);
    let body = json!({"calls": [
        {"tool_name": "linear__send"}, {"tool_name": "linear__count"}, {"tool_name": "linear__send"},
    ]});
    let told = agent.post("/v1/explain", &body).await.expect(200);
    for result in told["results"].as_array().unwrap() {
        assert_eq!(result["result"]["gateway"]["schema_known"], false);
    }
    let asked = gate.upstream.heard("tools/list").len();
    assert_eq!(asked, 2 * asked_for_one);
}

#[tokio::test]
async fn credentials_of_the_server_are_explained() {
    let gate = Gate::start_with(&[SEND], |_, server| {
        if let Transport::Http(http) = &mut server.transport {
            http.headers.push(Header {
                name: "X-Key".parse().unwrap(),
                spelling: "X-Key".to_owned(),
                value: Template::parse("Bearer {{ secret://linear-header }}").unwrap(),
            });
        }
    })
    .await;
    let operator = gate.world.operator();
    for tool in ["linear__", "linear__send"] {
        let told = explain(&operator, tool).await;
        assert_eq!(told["gateway"]["would_succeed"], false, "{told}");
        assert_eq!(told["gateway"]["arguments"][0]["arg"], "headers.X-Key");
        assert_eq!(
            told["gateway"]["arguments"][0]["outcome"],
            "secret_not_available"
        );
    }
    operator.named("Linear-Header", VALUE).await;
    assert_eq!(
        near(&explain(&operator, "linear__").await, "headers.X-Key"),
        ["its name differs in case"]
    );
    let id = operator.named("linear-header", VALUE).await;
    let told = explain(&operator, "linear__").await;
    assert_eq!(told["gateway"]["would_succeed"], true, "{told}");
    assert_eq!(told["gateway"]["arguments"][0]["winner"], json!(id));
    let told = explain(&operator, "linear__send").await;
    assert_eq!(told["gateway"]["schema_known"], true, "{told}");
    assert_eq!(told["gateway"]["arguments"], json!([]));
}
