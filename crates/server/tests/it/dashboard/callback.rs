//! Where authorization servers of tool servers send the browser, and how the server describes itself to them.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn an_answer_goes_into_the_fragment_and_nowhere_else() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let answer = anonymous
        .get("/oauth/callback?code=c&state=s&iss=https%3A%2F%2Fa.example")
        .await;
    assert_eq!(answer.status, 303);
    let location = "../#/connected?code=c&state=s&iss=https%3A%2F%2Fa.example";
    assert_eq!(answer.header("location"), Some(location));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let rebound = anonymous.with("host", "rebound.example");
    let answer = rebound.get("/oauth/callback?code=c&state=s").await;
    answer.refused(403, "host_not_allowed");
    let without = World::start_with(|settings| settings.server.dashboard.enabled = false).await;
    let answer = without.anonymous().get("/oauth/callback?code=c").await;
    answer.refused(404, "no_such_route");
}

#[tokio::test]
async fn a_server_with_a_public_url_describes_itself_as_a_client() {
    let world = World::start().await;
    let answer = world.anonymous().get("/oauth/client.json").await;
    answer.refused(404, "no_such_route");
    for (url, is_there) in [
        ("http://vault.example", false),
        ("https://vault.example/below", true),
    ] {
        let world = World::start_with(|settings| {
            settings.server.gateway.public_url = Some(url.to_owned());
        })
        .await;
        let answer = world.anonymous().get("/oauth/client.json").await;
        if !is_there {
            answer.refused(404, "no_such_route");
            continue;
        }
        let expected = json!({
            "client_id": "https://vault.example/below/oauth/client.json",
            "client_name": "Toolvault",
            "client_uri": "https://vault.example/below",
            "redirect_uris": [
                "https://vault.example/below/oauth/callback",
                "http://127.0.0.1/callback",
            ],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        });
        assert_eq!(answer.expect(200), expected);
    }
}
