//! The challenge for a caller without a credential, or without the scope.

use toolvault_core::scope::Scope::{Manage, Use};

use crate::harness::{Actor, World, issuer_in};

async fn challenge(actor: &Actor, path: &str, status: u16) -> String {
    let answer = actor.json("POST", path, "{}").await;
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.header("www-authenticate").unwrap().to_owned()
}

#[tokio::test]
async fn without_an_issuer_the_challenge_names_the_scheme_and_the_scope_only() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    assert_eq!(
        challenge(&anonymous, "/mcp", 401).await,
        r#"Bearer realm="toolvault""#
    );
    let bad = world
        .anonymous()
        .with("authorization", "Bearer tvk_nonsense");
    assert_eq!(
        challenge(&bad, "/mcp/linear", 401).await,
        r#"Bearer realm="toolvault""#
    );
    let manager = world.scoped(&[Manage]).await;
    assert_eq!(
        challenge(&manager, "/mcp", 403).await,
        r#"Bearer realm="toolvault", error="insufficient_scope", scope="use""#
    );
    let user = world.scoped(&[Use]).await;
    let answer = user.json("POST", "/mcp/linear", "{}").await;
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn with_an_issuer_it_says_where_the_resource_is_described() {
    let world = World::start_with(|settings| {
        settings.server.issuers = vec![issuer_in(settings.directory.path())];
    })
    .await;
    let anonymous = world.anonymous().with("host", "localhost:8710");
    for (path, described) in [
        ("/mcp", "/mcp"),
        ("/mcp/", "/mcp"),
        ("/mcp/linear", "/mcp/linear"),
        ("/mcp/linear/", "/mcp/linear"),
    ] {
        let url = format!("http://localhost:8710/.well-known/oauth-protected-resource{described}");
        assert_eq!(
            challenge(&anonymous, path, 401).await,
            format!(r#"Bearer realm="toolvault", scope="use", resource_metadata="{url}""#)
        );
    }
    // No server can have this name, so there is no such resource.
    assert_eq!(
        challenge(&anonymous, "/mcp/a%22b", 401).await,
        r#"Bearer realm="toolvault""#
    );
    let manager = world.scoped(&[Manage]).await;
    let url = "http://localhost/.well-known/oauth-protected-resource/mcp";
    assert_eq!(
        challenge(&manager, "/mcp", 403).await,
        format!(
            r#"Bearer realm="toolvault", error="insufficient_scope", scope="use", resource_metadata="{url}""#
        )
    );
    // The API's own challenge is unchanged.
    let me = world.anonymous().get("/v1/me").await;
    assert_eq!(
        me.header("www-authenticate"),
        Some(r#"Bearer realm="toolvault""#)
    );
}
