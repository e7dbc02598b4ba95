//! `Host` and `Origin` on real connections; the unit tests next to the code have the tables of all spellings.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use toolvault_gateway::GatewaySettings;
use toolvault_server::GatewaySettingsError;

use crate::harness::{Actor, World};

const PAGE: &str = "/mcp-secrets/00000000000000000000000000000000";

/// The paths that a foreign web page could attack.
const GUARDED: [(&str, &str); 6] = [
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp/linear"),
    ("POST", "/mcp/linear"),
    ("GET", PAGE),
    ("GET", "/.well-known/oauth-protected-resource/mcp"),
];

fn with_hosts(hosts: &[&str]) -> GatewaySettings {
    GatewaySettings {
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        ..GatewaySettings::default()
    }
}

/// The code of the refusal; empty if the name was accepted.
async fn refusal(actor: &Actor, method: &str, path: &str) -> String {
    let answer = actor.send(method, path, None, b"").await;
    let code = answer.code().to_owned();
    let is_about_names = ["host_not_allowed", "origin_not_allowed"].contains(&code.as_str());
    assert_eq!(is_about_names, answer.status == 403, "{}", answer.text());
    if is_about_names { code } else { String::new() }
}

#[tokio::test]
async fn a_name_that_leads_to_us_but_is_not_ours_is_refused() {
    let world = World::start_with(|settings| {
        settings.server.gateway = with_hosts(&["vault.example"]);
    })
    .await;
    let port = world.address.port();
    for (host, expected) in [
        (format!("127.0.0.1:{port}"), ""),
        (format!("localhost:{port}"), ""),
        ("vault.example".to_owned(), ""),
        ("evil.example".to_owned(), "host_not_allowed"),
        (format!("evil.example:{port}"), "host_not_allowed"),
        ("a/?#@localhost".to_owned(), "host_not_allowed"),
        (String::new(), "host_not_allowed"),
    ] {
        let agent = world.agent().with("host", &host);
        for (method, path) in GUARDED {
            assert_eq!(
                refusal(&agent, method, path).await,
                expected,
                "{method} {path} at {host}"
            );
        }
        // The API does not check the host: every request needs a credential, which browsers do not add.
        let operator = world.operator().with("host", &host);
        operator.get("/v1/me").await.expect(200);
    }
}

#[tokio::test]
async fn a_page_of_somebody_else_is_refused_whatever_credential_it_has() {
    let world = World::start().await;
    for (origin, expected) in [
        (format!("http://localhost:{}", world.address.port()), ""),
        ("http://127.0.0.1:6274".to_owned(), ""),
        ("https://evil.example".to_owned(), "origin_not_allowed"),
        ("null".to_owned(), "origin_not_allowed"),
    ] {
        for actor in [world.agent(), world.anonymous()] {
            let actor = actor.with("origin", &origin);
            for (method, path) in GUARDED {
                assert_eq!(
                    refusal(&actor, method, path).await,
                    expected,
                    "{method} {path} from {origin}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_gateway_refuses_in_the_terms_of_json_rpc() {
    let world = World::start().await;
    let agent = world.agent().with("origin", "https://evil.example");
    let refused = agent.json("POST", "/mcp", "{}").await;
    let error = serde_json::json!({
        "jsonrpc": "2.0", "id": null, "error": {
            "code": 403,
            "message": "Pages of this origin are not allowed; add its host to gateway.allowed_hosts.",
        },
    });
    assert_eq!(refused.expect(403), error);
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert_eq!(refused.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn http_2_is_held_to_its_own_name_for_the_host() {
    let world = World::start().await;
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let io = TokioIo::new(stream);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for (authority, host, expected) in [
        ("localhost", None, None),
        ("evil.example", None, Some("host_not_allowed")),
        ("evil.example", Some("localhost"), Some("host_not_allowed")),
        ("localhost", Some("evil.example"), Some("host_not_allowed")),
    ] {
        let mut request = hyper::Request::post(format!("http://{authority}/mcp"))
            .header("x-api-key", world.agent().sends("x-api-key"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let code = answer
            .headers()
            .get("toolvault-error")
            .map(|code| code.to_str().unwrap());
        assert_eq!(
            code.filter(|code| code.ends_with("_not_allowed")),
            expected,
            "{authority} {host:?}"
        );
    }
}

#[tokio::test]
async fn what_a_trusted_proxy_was_asked_counts() {
    let world = World::start_with(|settings| {
        settings.server.gateway = with_hosts(&["vault.example"]);
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    for (forwarded, expected) in [("vault.example", ""), ("evil.example", "host_not_allowed")] {
        let proxied = world
            .agent()
            .with("host", "upstream:8710")
            .with("x-forwarded-host", forwarded);
        assert_eq!(
            refusal(&proxied, "POST", "/mcp").await,
            expected,
            "{forwarded}"
        );
    }
}

#[tokio::test]
async fn hosts_change_while_the_server_runs_and_stay_if_the_new_ones_are_none() {
    let world = World::start().await;
    let agent = world.agent().with("host", "vault.example");
    assert_eq!(refusal(&agent, "POST", "/mcp").await, "host_not_allowed");
    world
        .handle
        .reload_gateway(with_hosts(&["vault.example"]))
        .unwrap();
    assert_eq!(refusal(&agent, "POST", "/mcp").await, "");
    let refused = world
        .handle
        .reload_gateway(with_hosts(&["https://vault.example"]));
    assert!(matches!(refused, Err(GatewaySettingsError::AllowedHost(_))));
    assert_eq!(refusal(&agent, "POST", "/mcp").await, "");
    world.handle.reload_gateway(with_hosts(&[])).unwrap();
    assert_eq!(refusal(&agent, "POST", "/mcp").await, "host_not_allowed");
}
