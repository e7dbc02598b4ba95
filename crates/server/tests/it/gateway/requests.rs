//! Which parts of a message are read, when, and how much.

use serde_json::json;
use tokio::time::{Duration, timeout};

use super::relay::{Client, Era, Gate, PATH};
use crate::harness::{World, exchange, exchange_without_body};

const PATHS: [&str; 3] = ["/mcp", "/mcp/", "/mcp/linear"];
const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object","properties":{}}}"#;

#[tokio::test]
async fn who_calls_is_settled_before_the_message_is_read() {
    let world = World::start().await;
    for path in PATHS {
        for (actor, expected) in [
            (world.anonymous(), "401 unauthenticated"),
            (
                world.agent().with("host", "evil.example"),
                "403 host_not_allowed",
            ),
            (
                world.agent().with("origin", "null"),
                "403 origin_not_allowed",
            ),
        ] {
            // It is announced but never sent; a server that waited for it would not answer.
            let head = actor.head("POST", path);
            let request = format!("{head}content-length: 200000\r\n\r\n");
            let answering = exchange(world.address, request.as_bytes());
            let answer = timeout(Duration::from_secs(20), answering).await.unwrap();
            assert_eq!(answer.outcome(), expected, "{path}");
            assert_eq!(answer.json()["id"], serde_json::Value::Null);
        }
    }
}

#[tokio::test]
async fn a_message_has_a_limit_of_its_own() {
    let world = World::start_with(|settings| {
        settings.server.limits.body_bytes = 1 << 10;
        settings.server.gateway.limits.message_bytes = 8 << 10;
    })
    .await;
    let agent = world.agent();
    for (length, is_too_large) in [(8 << 10, false), ((8 << 10) + 1, true)] {
        for path in PATHS {
            let message = vec![b' '; length];
            let answer = agent
                .send("POST", path, Some("application/json"), &message)
                .await;
            assert_eq!(
                answer.status == 413,
                is_too_large,
                "{length}: {}",
                answer.text()
            );
            if is_too_large {
                assert_eq!(answer.code(), "body_too_large");
                assert_eq!(answer.json()["error"]["message"], "The body is too large.");
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_does_not_arrive_is_408() {
    let world = World::start_with(|settings| settings.server.limits.body_seconds = 1).await;
    let head = world.agent().head("POST", "/mcp");
    let begun = format!("{head}content-length: 100\r\n\r\n{{\"jsonrpc\":");
    let answer = exchange(world.address, begun.as_bytes()).await;
    assert_eq!(answer.outcome(), "408 timeout");
    assert_eq!(answer.json()["jsonrpc"], "2.0");
}

#[tokio::test]
async fn other_methods_are_405_with_those_that_there_are() {
    let world = World::start().await;
    for actor in [world.agent(), world.anonymous()] {
        for path in PATHS {
            for method in ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"] {
                let bytes = actor.bytes(method, path, None, b"");
                let answer = exchange_without_body(world.address, &bytes, method).await;
                assert_eq!(
                    answer.outcome(),
                    "405 method_not_allowed",
                    "{method} {path}"
                );
                let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(',').collect();
                allowed.sort_unstable();
                assert_eq!(allowed, ["DELETE", "GET", "POST"]);
            }
        }
    }
}

#[tokio::test]
async fn a_key_has_one_rate_for_everything() {
    let world = World::start_with(|settings| settings.server.limits.requests_per_second = 1).await;
    let agent = world.agent();
    let mut refused = None;
    for _ in 0..50 {
        let answer = agent.json("POST", "/mcp", "{}").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("fifty requests take no fifty seconds");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["error"]["message"], "Too many requests.");
}

#[tokio::test]
async fn figures_name_the_route_and_no_server() {
    let world = World::start().await;
    world.agent().json("POST", "/mcp/quaint-server", "{}").await;
    let metrics = world.operator().get("/metrics").await;
    let text = metrics.text();
    assert!(text.contains("route=\"/mcp/{server}\""), "{text}");
    assert!(
        text.contains("# TYPE toolvault_mcp_sessions gauge"),
        "{text}"
    );
    assert!(!text.contains("quaint"), "{text}");
}

#[tokio::test]
async fn the_listener_of_metrics_serves_them_without_a_credential_and_nothing_else() {
    let world = World::start_with(|settings| {
        settings.server.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let mut anybody = world.anonymous();
    assert_eq!(anybody.get("/metrics").await.status, 401);
    anybody.address = world.metrics_address.unwrap();
    let metrics = anybody.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let text = metrics.text();
    assert!(text.contains("toolvault_mcp_tool_calls_total"), "{text}");
    for path in ["/", "/v1/secrets/", "/mcp", "/readyz", "/docs"] {
        assert_eq!(anybody.get(path).await.status, 404, "{path}");
    }
    // One listener's metrics count the other's requests.
    world.operator().get("/v1/me").await;
    let again = anybody.get("/metrics").await;
    assert!(again.text().contains("route=\"/api/v1/me\""));
}

#[tokio::test]
async fn what_is_due_for_rotation_is_counted() {
    let world = World::start().await;
    let operator = world.operator();
    for days in ["null", "1", "30"] {
        let id = operator.named("n", "a value").await;
        let policy = format!(r#"{{"rotate_after_days":{days}}}"#);
        let path = format!("/v1/secrets/{id}/policy");
        operator.json("PUT", &path, &policy).await.expect(200);
    }
    world.clock.advance(2 * 86_400);
    let metrics = operator.get("/metrics").await;
    let line = "toolvault_secrets_rotation_due 1";
    assert!(
        metrics.text().lines().any(|found| found == line),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn what_is_kept_after_its_answer_is_small() {
    let gate = Gate::start(&[PLAIN]).await;
    let agent = gate.world.agent();
    let padding = "x".repeat(128 << 10);
    for path in [PATH, "/mcp"] {
        let mut client = Client::begin(&gate.world, &agent, path, Era::Legacy).await;
        let id = &padding[..1_023];
        let ping = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"ping"}}"#);
        let refused = client.post(&ping, &[]).await;
        assert!(refused.error().1.contains("1,024 bytes"), "{refused:?}");
        client.capabilities = json!({ "padding": padding });
        let refused = client.initialize().await;
        assert!(refused.error().1.contains("128 KiB"), "{refused:?}");
        assert_eq!(refused.head.header("mcp-session-id"), None);
        // Any other message may be larger.
        let name = if path == PATH {
            "plain"
        } else {
            "linear__plain"
        };
        let params = json!({"name": name, "arguments": {"padding": client.capabilities}});
        client.result("tools/call", &params.to_string()).await;
    }
}
