//! Other pages, other servers on this machine, and copies of a cookie.

use serde_json::json;
use toolvault_gateway::GatewaySettings;

use crate::harness::{Actor, World, cookie_of, token_of};

const METHODS: [(&str, &str); 4] = [
    ("GET", "/v1/secrets/"),
    ("GET", "/v1/session"),
    ("POST", "/v1/secrets/"),
    ("DELETE", "/v1/session"),
];

async fn send(actor: &Actor, method: &str, path: &str) -> String {
    let body = if method == "POST" {
        r#"{"secret_name":"n","secret_value":"value"}"#
    } else {
        ""
    };
    actor.json(method, path, body).await.outcome()
}

#[tokio::test]
async fn a_request_of_another_page_is_refused_even_of_another_port_of_this_machine() {
    let world = World::start().await;
    let person = world.in_session().await;
    for (name, value) in [
        ("origin", "http://localhost:3000"),
        ("origin", "http://127.0.0.1"),
        ("origin", "https://localhost"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ] {
        let foreign = person.clone().with(name, value);
        for (method, path) in METHODS {
            let outcome = send(&foreign, method, path).await;
            assert_eq!(outcome, "403 origin_not_allowed", "{method} {path} {value}");
        }
        let body = json!({"key": world.keys.operator.expose()});
        let sign_in = world
            .anonymous()
            .with(name, value)
            .post("/v1/session", &body)
            .await;
        sign_in.refused(403, "origin_not_allowed");
        assert_eq!(sign_in.header("set-cookie"), None);
    }
    let own = person
        .clone()
        .with("origin", "http://localhost")
        .with("sec-fetch-site", "same-origin");
    own.get("/v1/session").await.expect(200);
    assert_eq!(send(&own, "POST", "/v1/secrets/").await, "200");
    assert_eq!(person.count().await, 1);
}

#[tokio::test]
async fn a_copied_cookie_is_worth_nothing_without_the_token_of_its_session() {
    let world = World::start().await;
    let (person, other) = (world.in_session().await, world.in_session().await);
    let copied = person.clone().without("x-csrf-token");
    for token in ["", "x", "?", other.sends("x-csrf-token")] {
        let thief = copied.clone().with("x-csrf-token", token);
        for (method, path) in METHODS {
            let outcome = send(&thief, method, path).await;
            assert_eq!(outcome, "401 unauthenticated", "{method} {path} {token}");
        }
    }
    for (method, path) in METHODS {
        assert_eq!(send(&copied, method, path).await, "401 unauthenticated");
    }
    // Nothing of this has ended the session, or used it.
    person.get("/v1/session").await.expect(200);
    assert_eq!(person.count().await, 0);
}

#[tokio::test]
async fn a_cookie_that_another_server_adds_signs_nobody_in() {
    let world = World::start().await;
    let (person, fixed) = (world.in_session().await, world.in_session().await);
    for cookie in [
        fixed.sends("cookie"),
        "toolvault-session=",
        "toolvault-session=x",
    ] {
        let victim = person.clone().without("cookie").with("cookie", cookie);
        victim.get("/v1/me").await.refused(401, "unauthenticated");
    }
    let other_world = World::start().await;
    let elsewhere = other_world.in_session().await;
    elsewhere.get("/v1/me").await.expect(200);
    let foreign = world
        .anonymous()
        .with("cookie", elsewhere.sends("cookie"))
        .with("x-csrf-token", elsewhere.sends("x-csrf-token"));
    foreign.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_cookie_that_another_server_adds_does_not_disturb_the_owner() {
    let world = World::start().await;
    let (person, fixed) = (world.in_session().await, world.in_session().await);
    let (own, fixed) = (person.sends("cookie"), fixed.sends("cookie"));
    let added = |count| "toolvault-session=x; ".repeat(count);
    let after = |count| "; toolvault-session=x".repeat(count);
    for among in [
        format!("a=b; {own}; toolvault-sessions=x; toolvault-session-8711=x"),
        format!("{fixed}; {own}"),
        format!("{own}; {fixed}"),
        format!("{own}{}", after(3)),
        // Those for longer paths come first, however many they are.
        format!("{}{own}", added(50)),
    ] {
        let owner = person.clone().without("cookie").with("cookie", &among);
        let session = owner.get("/v1/session").await.expect(200);
        assert_eq!(session["csrf_token"], person.sends("x-csrf-token"));
        assert_eq!(send(&owner, "POST", "/v1/secrets/").await, "200", "{among}");
    }
    let many = format!("{own}{}", after(4));
    let crowded = person.clone().without("cookie").with("cookie", &many);
    crowded.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn each_port_has_a_cookie_of_its_own() {
    let world = World::start().await;
    let body = json!({"key": world.keys.operator.expose()});
    let mut jar = Vec::new();
    for port in [8710, 8711] {
        let page = world
            .anonymous()
            .with("host", &format!("localhost:{port}"))
            .with("origin", &format!("http://localhost:{port}"));
        let answer = page.post("/v1/session", &body).await;
        let token = token_of(&answer.expect(200));
        let cookie = cookie_of(&answer);
        let name = format!("toolvault-session-{port}=");
        assert!(cookie.starts_with(&name), "{cookie}");
        jar.push((page.with("x-csrf-token", &token), cookie));
    }
    let [(first, cookie), (second, other)] = &jar[..] else {
        panic!("two servers")
    };
    // Browsers send both to both.
    let both = format!("{cookie}; {other}");
    for page in [first, second] {
        let person = page.clone().with("cookie", &both);
        person.get("/v1/me").await.expect(200);
    }
    let without = first.clone().with("cookie", other);
    without.get("/v1/me").await.refused(401, "unauthenticated");
    let out = first
        .clone()
        .with("cookie", &both)
        .delete("/v1/session")
        .await;
    let set = out.header("set-cookie").unwrap();
    assert!(set.starts_with("toolvault-session-8710=; "), "{set}");
    let person = second.clone().with("cookie", &both);
    person.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_session_counts_only_without_another_credential() {
    let world = World::start().await;
    let person = world.in_session().await;
    for (name, value) in [
        ("x-api-key", "tvk_x"),
        ("token", "a.b.c"),
        ("authorization", "Bearer x"),
    ] {
        let both = person.clone().with(name, value);
        both.get("/v1/me").await.refused(401, "unauthenticated");
    }
    let agent = world.agent();
    let both = person.with("x-api-key", agent.sends("x-api-key"));
    let me = both.get("/v1/me").await.expect(200);
    assert_eq!(me["scopes"], json!(["use"]));
}

#[tokio::test]
async fn no_value_and_no_tool_is_within_reach_of_a_browser() {
    let world = World::start().await;
    let person = world.in_session().await;
    person
        .default_for("linear__get", "api_key", "a value that is secret")
        .await;
    for (path, body) in [
        ("/v1/tools/linear__get/resolve", json!({})),
        ("/v1/resolve", json!({"tool_name": "linear__get"})),
        ("/mcp", json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})),
        (
            "/mcp/linear",
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}),
        ),
    ] {
        let answer = person.post(path, &body).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.text().contains("secret"), "{path}");
    }
    let told = person
        .post("/v1/tools/linear__get/explain", &json!({}))
        .await;
    assert!(!told.text().contains("a value that is secret"));
    assert_eq!(told.expect(200)["would_succeed"], true);
}

#[tokio::test]
async fn another_name_of_this_machine_is_refused() {
    let world = World::start().await;
    let person = world.in_session().await.with("host", "rebound.example");
    for (method, path) in METHODS {
        assert_eq!(send(&person, method, path).await, "403 host_not_allowed");
    }
    let body = json!({"key": world.keys.operator.expose()});
    let rebound = world.anonymous().with("host", "rebound.example");
    rebound
        .post("/v1/session", &body)
        .await
        .refused(403, "host_not_allowed");
}

#[tokio::test]
async fn nobody_signs_in_over_a_network_without_tls() {
    let world = World::start_with(|settings| {
        settings.server.trusted_proxies = ["127.0.0.1/32".parse().unwrap()].into();
        settings.server.gateway = GatewaySettings {
            allowed_hosts: ["plain.example".to_owned()].into(),
            ..GatewaySettings::default()
        };
    })
    .await;
    let body = json!({"key": world.keys.operator.expose()});
    let plain = world.anonymous().with("host", "plain.example");
    plain
        .post("/v1/session", &body)
        .await
        .refused(403, "sign_in_needs_https");
    plain
        .get("/v1/session")
        .await
        .refused(403, "sign_in_needs_https");
    // A trusted proxy says that it terminated TLS.
    let secure = plain
        .with("x-forwarded-proto", "https")
        .with("origin", "https://plain.example");
    let answer = secure.post("/v1/session", &body).await;
    let session = answer.expect(200);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-toolvault-session="), "{set}");
    assert!(
        set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    let person = secure
        .with("cookie", &cookie_of(&answer))
        .with("x-csrf-token", session["csrf_token"].as_str().unwrap());
    person.get("/v1/me").await.expect(200);
    // The other name is not looked at over HTTPS: another port of this machine may have set it.
    let local = person.sends("cookie").replace("__Host-", "");
    let local = person.without("cookie").with("cookie", &local);
    local.get("/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn behind_a_proxy_that_is_not_trusted_the_public_url_decides() {
    let world = World::start_with(|settings| {
        settings.server.gateway.public_url = Some("https://vault.example/toolvault".to_owned());
    })
    .await;
    let body = json!({"key": world.keys.operator.expose()});
    let person = world
        .anonymous()
        .with("host", "vault.example")
        .with("origin", "https://vault.example");
    let answer = person.post("/v1/session", &body).await;
    answer.expect(200);
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"));
    let plain = world
        .anonymous()
        .with("host", "vault.example")
        .with("origin", "http://vault.example");
    let refused = plain.post("/v1/session", &body).await;
    refused.refused(403, "origin_not_allowed");
    let text = "This page is not the server's own. Open the dashboard at the server's URL; behind a proxy, set \
                gateway.public_url and pass Host unchanged.";
    assert_eq!(refused.expect(403)["detail"], text);
}

#[tokio::test]
async fn a_proxy_may_add_the_default_port_of_the_scheme_and_no_other() {
    let world = World::start_with(|settings| {
        settings.server.gateway.public_url = Some("https://vault.example".to_owned());
    })
    .await;
    let body = json!({"key": world.keys.operator.expose()});
    for (host, origin, expected) in [
        ("vault.example:443", "https://vault.example", "200"),
        ("VAULT.example:443", "https://vault.example", "200"),
        (
            "vault.example:80",
            "https://vault.example",
            "403 origin_not_allowed",
        ),
        (
            "vault.example",
            "https://vault.example:80",
            "403 origin_not_allowed",
        ),
        (
            "vault.example:443",
            "https://vault.example:8443",
            "403 origin_not_allowed",
        ),
        ("localhost:80", "http://localhost", "200"),
        ("[::1]:80", "http://[::1]", "200"),
        (
            "localhost:443",
            "http://localhost",
            "403 origin_not_allowed",
        ),
        (
            "localhost:80",
            "https://localhost",
            "403 origin_not_allowed",
        ),
    ] {
        let page = world.anonymous().with("host", host).with("origin", origin);
        let answer = page.post("/v1/session", &body).await;
        assert_eq!(answer.outcome(), expected, "{host} {origin}");
    }
}
