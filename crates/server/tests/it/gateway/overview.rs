//! What `/v1/gateway` says of the servers that a caller reaches.

use serde_json::{Value, json};
use toolvault_core::pattern::ToolPattern;
use toolvault_core::policy::Approval;
use toolvault_core::scope::Scope::{Manage, Use};
use toolvault_gateway::Template;
use toolvault_gateway::settings::{ApprovalRules, Header, Transport};

use super::relay::{Gate, Said};
use crate::harness::{Actor, Rights};

const SEND: &str = r#"{"name":"send","title":"Send it","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}}}"#;
const COUNT: &str = r#"{"name":"count","annotations":{"title":"Count them"},"inputSchema":{"type":"object","properties":{"pin":{"type":"integer"}}}}"#;
const VALUE: &str = "a value that is secret";

async fn only_server(actor: &Actor) -> Value {
    let answer = actor.get("/v1/gateway").await;
    assert!(!answer.text().contains(VALUE), "{}", answer.text());
    let servers = answer.expect(200)["servers"].as_array().unwrap().clone();
    let [server] = servers.as_slice() else {
        panic!("{servers:?}")
    };
    server.clone()
}

async fn gate_with_credential(tools: &[&str]) -> Gate {
    Gate::start_with(tools, |_, server| {
        server.credential_arguments = ["pin".to_owned()].into();
        let counting = (ToolPattern::parse("cou*").unwrap(), Some(Approval::Writes));
        server.approval = ApprovalRules::new(vec![counting]);
        let Transport::Http(http) = &mut server.transport else {
            panic!("the server is reached over HTTP")
        };
        http.headers.push(Header {
            name: "x-key".parse().unwrap(),
            spelling: "X-Key".to_owned(),
            value: Template::parse("{{ secret://linear-key }}").unwrap(),
        });
    })
    .await
}

async fn store_key(actor: &Actor) {
    let key = json!({
        "secret_name": "linear-key", "secret_value": VALUE, "tool_name": "linear__", "tool_arg": "headers.X-Key",
    });
    actor.create(key).await;
}

#[tokio::test]
async fn it_shows_tools_with_what_is_hidden_and_what_is_missing() {
    let gate = gate_with_credential(&[SEND, COUNT]).await;
    let operator = gate.world.operator();
    store_key(&operator).await;
    operator.default_for("linear__send", "api_key", VALUE).await;
    let server = only_server(&operator).await;
    assert_eq!(server["name"], "linear");
    assert_eq!(server["transport"], "http");
    assert_eq!(
        (&server["state"], &server["error"]),
        (&json!("ok"), &Value::Null)
    );
    assert_eq!(server["missing"], json!([]));
    let as_of = server["as_of"].clone();
    assert!(as_of.is_string());
    let expected = json!([
        {
            "name": "linear__send", "tool_name": "send", "title": "Send it", "arguments": ["api_key", "to"],
            "hidden": ["api_key"], "missing": [], "approval": null,
        },
        {
            "name": "linear__count", "tool_name": "count", "title": "Count them", "arguments": ["pin"],
            "hidden": ["pin"], "missing": ["pin"], "approval": "writes",
        },
    ]);
    assert_eq!(server["tools"], expected);
    let asked = gate.upstream.heard("tools/list").len();
    // A person in a browser sees the same, and the server is not asked again.
    let server = only_server(&gate.world.in_session().await).await;
    assert_eq!(server["tools"], expected);
    assert_eq!(gate.upstream.heard("tools/list").len(), asked);
}

#[tokio::test]
async fn it_says_why_a_server_fails_and_which_credentials_it_lacks() {
    let gate = gate_with_credential(&[SEND]).await;
    let operator = gate.world.operator();
    let server = only_server(&operator).await;
    assert_eq!(server["state"], "failing");
    assert_eq!(server["missing"], json!(["headers.X-Key"]));
    let error = server["error"].as_str().unwrap();
    assert!(error.contains("headers.X-Key"), "{error}");
    store_key(&operator).await;
    gate.upstream.on("tools/list", |_| Said::Empty(500));
    let server = only_server(&operator).await;
    assert_eq!(
        (&server["state"], &server["missing"]),
        (&json!("failing"), &json!([]))
    );
    let error = server["error"].as_str().unwrap();
    assert!(error.contains("500"), "{error}");
    assert_eq!(
        (&server["as_of"], &server["tools"]),
        (&Value::Null, &json!([]))
    );
}

#[tokio::test]
async fn it_shows_only_what_the_caller_reaches_and_asks_only_for_one_who_may_use_it() {
    let gate = Gate::start(&[SEND, COUNT]).await;
    let manager = gate.world.scoped(&[Manage]).await;
    let server = only_server(&manager).await;
    assert_eq!(
        (&server["state"], &server["tools"]),
        (&json!("unknown"), &json!([]))
    );
    assert!(gate.upstream.all().is_empty());
    let narrow = |tools| Rights {
        scopes: &[Use],
        tools,
        ..Rights::default()
    };
    let one = gate.world.holder(narrow(&["linear__send"])).await;
    let server = only_server(&one).await;
    assert_eq!(server["tools"].as_array().unwrap().len(), 1);
    let none = gate.world.holder(narrow(&["github__*"])).await;
    let answer = none.get("/v1/gateway").await.expect(200);
    assert_eq!(answer, json!({"servers": []}));
}

#[tokio::test]
async fn a_tool_whose_definition_holds_a_value_is_not_shown() {
    let echo = format!(r#"{{"name":"echo","title":"{VALUE}","inputSchema":{{"type":"object"}}}}"#);
    let argument = format!(
        r#"{{"name":"argument","inputSchema":{{"type":"object","properties":{{"{VALUE}":{{}}}}}}}}"#
    );
    let gate = gate_with_credential(&[SEND, &echo, &argument]).await;
    let operator = gate.world.operator();
    store_key(&operator).await;
    let server = only_server(&operator).await;
    let tools = server["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0]["tool_name"], "send");
    // Nor does an explanation name the argument.
    operator
        .default_for("linear__argument", "other", "another value")
        .await;
    let told = operator
        .post("/v1/tools/linear__argument/explain", &json!({}))
        .await;
    assert!(!told.text().contains(VALUE), "{}", told.text());
    assert!(told.text().contains("does not declare"), "{}", told.text());
}
