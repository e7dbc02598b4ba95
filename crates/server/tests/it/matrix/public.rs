//! The paths that need no credential: this list, and nothing else.

use super::table::rows;
use crate::harness::World;

#[tokio::test]
async fn only_what_is_on_this_list_needs_no_credential() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let document = anonymous.get("/openapi.json").await.expect(200);
    assert_eq!(
        document,
        serde_json::json!(toolvault_server::openapi_document())
    );
    for path in [
        "/",
        "/dashboard/index.html",
        "/docs",
        "/docs/page.js",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/mcp-secrets/00000000000000000000000000000000",
        "/mcp-secrets/page.js",
        "/mcp-secrets/page.css",
    ] {
        let answer = anonymous.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for (path, state) in [("/healthz", "ok"), ("/readyz", "ready")] {
        assert_eq!(anonymous.get(path).await.expect(200)["status"], state);
    }
    for path in [
        "/dashboard",
        "/dashboard/",
        "/dashboard/nothing.js",
        "/dashboard/../index.html",
        "/dashboard/%2e%2e/index.html",
        "/v1",
        "/api/v1",
        "/v2/secrets/",
        "/V1/secrets/",
        "/favicon.ico",
        "/admin",
        "/MCP",
        "//mcp",
        "/mcp/a/b",
        "/mcp//",
        "/mcp-secrets",
        "/mcp-secrets/",
        "/mcp-secrets/a/b",
        "/oauth",
        "/oauth/callback/x",
        // No public URL is configured here.
        "/oauth/client.json",
        // No issuer is configured here.
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/mcp/linear",
        "/.well-known/oauth-authorization-server",
    ] {
        let answer = anonymous.get(path).await;
        answer.refused(404, "no_such_route");
    }
}

#[tokio::test]
async fn no_other_spelling_of_a_path_reaches_a_handler() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    for path in [
        "//v1/secrets/".to_owned(),
        "/v1//secrets/".to_owned(),
        "/%761/secrets/".to_owned(),
        "/v1/./secrets/".to_owned(),
        "/healthz/../v1/secrets/".to_owned(),
        "/v1/Secrets/".to_owned(),
        "/v1/secret%73/".to_owned(),
        format!("/v1/secrets/{id}/policy/../"),
        format!("/v1/secrets/{id}/value/x"),
        "/api/api/v1/secrets/".to_owned(),
        "/api/v1/v1/secrets/".to_owned(),
    ] {
        let answer = operator.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        let answer = world.anonymous().get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405_with_those_that_it_has() {
    let world = World::start().await;
    let operator = world.operator();
    let methods = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW",
    ];
    for path in rows().iter().map(|row| row.path) {
        if !path.starts_with("/api") {
            continue;
        }
        let mut has: Vec<&str> = rows()
            .iter()
            .filter(|row| row.path == path)
            .map(|row| row.method)
            .collect();
        has.sort_unstable();
        let asked = path
            .replace("{secret_id}", "x")
            .replace("{key_id}", "x")
            .replace("{user_id}", "x")
            .replace("{pending_id}", "x")
            .replace("{tool_name}", "x");
        for method in methods.into_iter().filter(|method| !has.contains(method)) {
            let bytes = operator.bytes(method, &asked, None, b"");
            let answer = crate::harness::exchange_without_body(world.address, &bytes, method).await;
            assert_eq!(
                answer.outcome(),
                "405 method_not_allowed",
                "{method} {asked}"
            );
            let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(',').collect();
            allowed.sort_unstable();
            assert_eq!(allowed, has, "{method} {asked}");
        }
    }
}
