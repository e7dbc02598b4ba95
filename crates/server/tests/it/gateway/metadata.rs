//! RFC 9728: the issuers of tokens for the gateway.

use serde_json::json;

use crate::harness::{ISSUER, World, issuer_in};

const PLACE: &str = "/.well-known/oauth-protected-resource";

async fn world(public_url: Option<&'static str>) -> World {
    World::start_with(|settings| {
        settings.server.issuers = vec![issuer_in(settings.directory.path())];
        settings.server.gateway.public_url = public_url.map(str::to_owned);
    })
    .await
}

#[tokio::test]
async fn each_resource_is_described_to_anybody() {
    let world = world(None).await;
    let anonymous = world.anonymous().with("host", "localhost:8710");
    // Also a server that does not exist, so the answer does not reveal which ones do.
    for path in ["", "/mcp", "/mcp/linear", "/mcp/unknown"] {
        let document = anonymous.get(&format!("{PLACE}{path}")).await.expect(200);
        let expected = json!({
            "resource": format!("http://localhost:8710{path}"),
            "authorization_servers": [ISSUER],
            "scopes_supported": ["use"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(document, expected);
    }
    for path in [
        "/mcp/Linear",
        "/mcp/a_b",
        "/mcp/%6Cinear",
        "/mcp/a/b",
        "/v1",
        "/mcp-secrets",
    ] {
        anonymous
            .get(&format!("{PLACE}{path}"))
            .await
            .refused(404, "no_such_route");
    }
}

#[tokio::test]
async fn it_is_described_under_its_public_name() {
    for (public, resource, described) in [
        (
            "https://vault.example/",
            "https://vault.example/mcp",
            "https://vault.example/.well-known/oauth-protected-resource/mcp",
        ),
        // Under a path prefix that the proxy strips.
        (
            "https://vault.example/tools",
            "https://vault.example/tools/mcp",
            "https://vault.example/.well-known/oauth-protected-resource/tools/mcp",
        ),
    ] {
        let world = world(Some(public)).await;
        for host in ["localhost:8710", "vault.example"] {
            let anonymous = world.anonymous().with("host", host);
            let document = anonymous.get(&format!("{PLACE}/mcp")).await.expect(200);
            assert_eq!(document["resource"], resource);
            let answer = anonymous.json("POST", "/mcp", "{}").await;
            let challenge = answer.header("www-authenticate").unwrap();
            let told = format!("resource_metadata=\"{described}\"");
            assert!(challenge.ends_with(&told), "{challenge}");
        }
    }
}
