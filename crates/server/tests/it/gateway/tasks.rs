//! Tasks: only the caller who started a task can use it, even if another caller knows its ID.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::Use;
use toolvault_gateway::GatewaySettings;

use super::relay::{Client, ERAS, Era, Gate, settings_of};
use crate::harness::Rights;

const SLOW: &str = r#"{"name":"slow","inputSchema":{"type":"object"}}"#;
const OTHER: &str = r#"{"name":"other","inputSchema":{"type":"object"}}"#;
const METHODS: [&str; 4] = ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"];
/// The ID of a task that the caller did not start.
const UNKNOWN: &str = "toolvault-unknown-task";

/// A server whose tool starts the task `t-1`, and that identifies tasks by their IDs alone.
async fn gate() -> Gate {
    let gate = Gate::start(&[SLOW, OTHER]).await;
    gate.upstream.on("tools/call", |heard| {
        let result = if heard.header("mcp-protocol-version").as_deref() == Some("2026-07-28") {
            json!({"resultType": "task", "taskId": "t-1", "status": "working"})
        } else {
            json!({"task": {"taskId": "t-1", "status": "working"}})
        };
        heard.result(&result)
    });
    for method in METHODS {
        gate.upstream.on(method, |heard| {
            match heard.json()["params"]["taskId"].as_str() {
                Some("t-1") => heard.result(&json!({"taskId": "t-1", "status": "completed"})),
                _ => heard.error(-32602, "no such task"),
            }
        });
    }
    gate.upstream.on("tasks/list", |heard| {
        heard.result(&json!({"tasks": [{"taskId": "t-1"}, {"taskId": "t-2"}]}))
    });
    gate
}

/// Requests the task; the later era repeats its ID in a header.
async fn ask(client: &Client, method: &str) -> Value {
    let headers = [("mcp-name", "t-1")];
    let headers = match client.era {
        Era::Legacy => &headers[..0],
        Era::Modern => &headers,
    };
    let reply = client.ask_with(method, r#"{"taskId":"t-1"}"#, headers);
    reply.await.message().clone()
}

#[tokio::test]
async fn who_began_a_task_reaches_it() {
    let gate = gate().await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        agent.call("slow", "{}").await;
        for method in METHODS {
            let answer = ask(&agent, method).await;
            assert_eq!(answer["result"]["status"], "completed", "{era:?} {method}");
        }
        let listed = agent.result("tasks/list", "{}").await;
        assert_eq!(listed["tasks"], json!([{"taskId": "t-1"}]), "{era:?}");
    }
}

#[tokio::test]
async fn another_caller_who_knows_the_id_of_a_task_does_not_reach_it() {
    let gate = gate().await;
    for era in ERAS {
        gate.agent(era).await.call("slow", "{}").await;
        let same_user = gate.world.scoped(&[Use]).await;
        let other_user = gate.world.other_tenant().await;
        for actor in [&same_user, &other_user] {
            let other = gate.client(actor, era).await;
            for method in METHODS {
                let answer = ask(&other, method).await;
                assert_eq!(answer["error"]["message"], "no such task", "{method}");
                let heard = gate.upstream.last(method);
                assert_eq!(heard.json()["params"]["taskId"], UNKNOWN);
                assert!(!heard.everything().contains("t-1"), "{heard:?}");
            }
            let listed = other.result("tasks/list", "{}").await;
            assert_eq!(listed["tasks"], json!([]), "{era:?}");
        }
    }
}

#[tokio::test]
async fn a_key_for_other_tools_reaches_no_task() {
    let gate = gate().await;
    for era in ERAS {
        gate.agent(era).await.call("slow", "{}").await;
        let limited = gate.world.holder(Rights {
            scopes: &[Use],
            tools: &["linear__other"],
            ..Rights::default()
        });
        let limited = gate.client(&limited.await, era).await;
        assert!(ask(&limited, "tasks/get").await.get("error").is_some());
        // It cannot begin one either.
        assert_eq!(limited.call("slow", "{}").await.error().0, -32602);
    }
}

#[tokio::test]
async fn on_the_path_of_all_servers_a_task_is_found_for_its_caller_only() {
    let gate = gate().await;
    for era in ERAS {
        let begin = |actor| Client::begin(&gate.world, actor, "/mcp", era);
        let (agent, other) = (gate.world.agent(), gate.world.scoped(&[Use]).await);
        let (agent, other) = (begin(&agent).await, begin(&other).await);
        agent.call("linear__slow", "{}").await;
        assert_eq!(ask(&agent, "tasks/get").await["result"]["taskId"], "t-1");
        let before = gate.upstream.heard("tasks/get").len();
        assert_eq!(ask(&other, "tasks/get").await["error"]["code"], -32602);
        assert_eq!(gate.upstream.heard("tasks/get").len(), before);
    }
}

// After a reload this server knows as little of the caller as another one of the store.
#[tokio::test]
async fn a_task_of_the_later_era_is_found_by_a_server_that_did_not_begin_it() {
    let gate = gate().await;
    let mut settings = GatewaySettings::default();
    let server = settings_of(&gate.upstream);
    settings.servers.insert("linear".parse().unwrap(), server);
    let agent = gate.agent(Era::Modern).await;
    agent.call("slow", "{}").await;
    let begin = |actor| Client::begin(&gate.world, actor, "/mcp", Era::Modern);
    let (own, other) = (gate.world.agent(), gate.world.scoped(&[Use]).await);
    let (together, other) = (begin(&own).await, begin(&other).await);
    for client in [&agent, &together] {
        let reload = |settings| gate.world.handle.reload_gateway(settings).unwrap();
        reload(GatewaySettings::default());
        reload(settings.clone());
        assert_eq!(ask(client, "tasks/get").await["result"]["taskId"], "t-1");
    }
    assert_eq!(ask(&other, "tasks/get").await["error"]["code"], -32602);
}
