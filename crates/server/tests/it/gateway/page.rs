//! The page for a missing secret: the same for all users, with a strict content security policy.

use serde_json::json;
use toolvault_core::scope::Scope::{Manage, Use};

use crate::harness::World;

const UNKNOWN: &str = "/v1/pending-secrets/00000000000000000000000000000000";

#[tokio::test]
async fn the_page_is_the_same_for_every_id_and_says_nothing_of_any() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let page = anonymous
        .get("/mcp-secrets/0123456789abcdef0123456789abcdef")
        .await;
    assert_eq!(page.status, 200);
    let other = anonymous.get("/mcp-secrets/x").await;
    assert_eq!(page.body, other.body);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let text = page.text();
    // It loads nothing from other hosts, has no inline code, and no field has a name with which a form could send it.
    for absent in [
        "http:",
        "https:",
        "style=",
        "onclick",
        "<script>",
        "<style",
        " name=\"key",
        " action=",
    ] {
        assert!(!text.contains(absent), "{absent}");
    }
    for (path, content_type) in [
        ("page.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
    ] {
        assert!(text.contains(&format!("\"{path}\"")), "{path}");
        let part = anonymous.get(&format!("/mcp-secrets/{path}")).await;
        assert_eq!(part.header("content-type"), Some(content_type));
        assert_eq!(part.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn an_id_that_is_not_known_is_404_for_whoever_manages_secrets() {
    let world = World::start().await;
    let manager = world.scoped(&[Manage]).await;
    let value = json!({"secret_value": "a value"});
    for path in [
        UNKNOWN,
        "/v1/pending-secrets/x",
        "/v1/pending-secrets/%00",
        "/v1/pending-secrets/%FF",
    ] {
        manager.get(path).await.refused(404, "not_found");
        let refused = manager.post(path, &value).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.text(), r#"{"detail":"Not found"}"#);
    }
    let agent = world.scoped(&[Use]).await;
    agent.get(UNKNOWN).await.refused(403, "missing_scope");
    agent
        .post(UNKNOWN, &value)
        .await
        .refused(403, "missing_scope");
}

#[tokio::test]
async fn a_value_has_4_to_65536_bytes() {
    let world = World::start().await;
    let operator = world.operator();
    for (body, mistake) in [
        (json!({}), "missing body.secret_value"),
        (
            json!({"secret_value": null}),
            "string_type body.secret_value",
        ),
        (
            json!({"secret_value": "abc"}),
            "bytes_too_short body.secret_value",
        ),
        (
            json!({"secret_value": "é".repeat(32_769)}),
            "bytes_too_long body.secret_value",
        ),
        (
            json!({"secret_value": "ab\u{0}c"}),
            "value_error body.secret_value",
        ),
    ] {
        let refused = operator.post(UNKNOWN, &body).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(refused.mistakes(), [mistake]);
    }
    for length in [4, 65_536] {
        let body = json!({"secret_value": "x".repeat(length)});
        operator
            .post(UNKNOWN, &body)
            .await
            .refused(404, "not_found");
    }
}
