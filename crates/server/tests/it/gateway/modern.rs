//! Stateless requests (2026-07-28): required headers, and refusals.

use serde_json::json;
use toolvault_core::scope::Scope::Manage;

use super::relay::{Client, ERAS, Era, Gate, PATH};

const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object"}}"#;
const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const METHOD: (&str, &str) = ("mcp-method", "tools/call");
const NAME: (&str, &str) = ("mcp-name", "plain");

#[tokio::test]
async fn headers_that_say_something_else_than_the_body_are_refused_before_anything_is_asked() {
    let gate = Gate::start(&[PLAIN]).await;
    for path in [PATH, "/mcp"] {
        let name = if path == PATH {
            "plain"
        } else {
            "linear__plain"
        };
        let agent = Client::begin(&gate.world, &gate.world.agent(), path, Era::Modern).await;
        let params = format!(r#"{{"name":"{name}","arguments":{{}}}}"#);
        let body = agent.message("tools/call", &params);
        let named = ("mcp-name", name);
        for headers in [
            vec![METHOD, named],
            vec![("mcp-protocol-version", "2025-11-25"), METHOD, named],
            vec![("mcp-protocol-version", "2026-07-29"), METHOD, named],
            vec![VERSION, named],
            vec![VERSION, ("mcp-method", "tools/list"), named],
            vec![VERSION, METHOD],
            vec![VERSION, METHOD, ("mcp-name", "other")],
            vec![VERSION, METHOD, named, ("mcp-name", "other")],
            vec![VERSION, METHOD, ("mcp-name", "=?base64?b3RoZXI=?=")],
        ] {
            let refused = agent.post(&body, &headers).await;
            assert_eq!(refused.head.status, 400, "{path} {headers:?}");
            assert_eq!(refused.error().0, -32020, "{path} {headers:?}");
            assert_eq!(refused.message()["id"], 7);
        }
        assert!(gate.upstream.all().is_empty());
    }
    let agent = gate.agent(Era::Modern).await;
    let body = agent.message("tools/call", r#"{"name":"plain"}"#);
    for name in [NAME, ("mcp-name", "=?base64?cGxhaW4=?=")] {
        let reply = agent.post(&body, &[VERSION, METHOD, name]).await;
        assert_eq!(reply.head.status, 200, "{reply:?}");
        let heard = gate.upstream.last("tools/call");
        for (header, said) in [VERSION, METHOD, name] {
            assert_eq!(heard.header(header).as_deref(), Some(said));
        }
    }
}

#[tokio::test]
async fn there_is_no_stream_to_get_and_no_session_to_delete() {
    let gate = Gate::start(&[PLAIN]).await;
    for path in [PATH, "/mcp"] {
        let agent = gate
            .world
            .agent()
            .with("mcp-protocol-version", "2026-07-28");
        for method in ["GET", "DELETE"] {
            let refused = agent.send(method, path, None, b"").await;
            assert_eq!(refused.status, 405, "{method} {path}");
        }
    }
    let agent = gate.agent(Era::Modern).await;
    let reply = agent.ask("tools/list", "{}").await;
    assert_eq!(reply.head.header("mcp-session-id"), None);
    // A session ID from the client is not passed to the server.
    let headers = [("mcp-session-id", "ours")];
    agent.ask_with("tools/list", "{}", &headers).await;
    assert_eq!(
        gate.upstream.last("tools/list").header("mcp-session-id"),
        None
    );
}

#[tokio::test]
async fn an_unknown_server_is_404_and_a_key_without_the_scope_is_403() {
    let gate = Gate::start(&[PLAIN]).await;
    for era in ERAS {
        for path in ["/mcp/unknown", "/mcp/Linear", "/mcp/%6Cinear"] {
            let client = Client::unbegun(&gate.world, &gate.world.agent(), path, era);
            let reply = client.ask("ping", "{}").await;
            assert_eq!(reply.head.status, 404, "{path}");
            assert_eq!(reply.error().1, "There is no such server.");
        }
        let manager = gate.world.scoped(&[Manage]).await;
        for path in [PATH, "/mcp", "/mcp/unknown"] {
            let client = Client::unbegun(&gate.world, &manager, path, era);
            let reply = client.ask("ping", "{}").await;
            assert_eq!(reply.head.status, 403, "{path}");
            let challenge = reply.head.header("www-authenticate").unwrap();
            assert!(
                challenge.contains(r#"error="insufficient_scope", scope="use""#),
                "{challenge}"
            );
        }
    }
    assert!(gate.upstream.all().is_empty());
}

#[tokio::test]
async fn a_server_of_the_later_era_is_asked_exactly_what_the_client_asked() {
    let gate = Gate::start(&[PLAIN]).await;
    gate.upstream.on("odd/method", |heard| {
        heard.result(&json!({"odd": [1, {"x": null}]}))
    });
    let agent = gate.agent(Era::Modern).await;
    let params = r#"{"a":1.0,"a b":{"c":[ ]}}"#;
    let reply = agent.ask("odd/method", params).await;
    assert_eq!(reply.message()["result"]["odd"], json!([1, {"x": null}]));
    let heard = gate.upstream.last("odd/method");
    let sent = agent.message("odd/method", params);
    assert_eq!(
        heard.json(),
        serde_json::from_str::<serde_json::Value>(&sent).unwrap()
    );
    assert!(
        heard.body.contains(r#""a":1.0,"a b":{"c":[ ]}"#),
        "{}",
        heard.body
    );
    assert_eq!(gate.upstream.all().len(), 1);
    // The server's refusal is returned with its status.
    gate.upstream.on("odd/method", |heard| {
        let error =
            json!({"jsonrpc": "2.0", "id": heard.id(), "error": {"code": -32601, "message": "no"}});
        super::relay::Said::Json(404, error.to_string())
    });
    let reply = agent.ask("odd/method", params).await;
    assert_eq!((reply.head.status, reply.error()), (404, (-32601, "no")));
    // The multiplexed path supports only known methods.
    let all = Client::begin(&gate.world, &gate.world.agent(), "/mcp", Era::Modern).await;
    let reply = all.ask("odd/method", params).await;
    assert_eq!((reply.head.status, reply.error().0), (404, -32601));
}
