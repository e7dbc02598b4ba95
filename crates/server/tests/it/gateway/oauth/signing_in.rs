//! A call without a token leads to a page; after the sign-in it is made with the token of the person.

use super::super::relay::{ERAS, Reply};
use toolvault_vault::Error;

use super::*;

/// The text that a client without elicitation gets.
fn told(era: Era, reply: &Reply) -> String {
    match era {
        // In the earlier era the session itself cannot begin.
        Era::Legacy => {
            let (code, text) = reply.error();
            assert_eq!(code, 1_006, "{reply:?}");
            text.to_owned()
        }
        Era::Modern => reply.tool_error().to_owned(),
    }
}

async fn first(agent: &Client) -> Reply {
    match agent.era {
        Era::Legacy => agent.initialize().await,
        Era::Modern => agent.call("send", "{}").await,
    }
}

#[tokio::test]
async fn a_person_signs_in_calls_and_signs_out() {
    for era in ERAS {
        let scene = Scene::start().await;
        let reply = first(&scene.unbegun(era)).await;
        let text = told(era, &reply);
        let page = "http://localhost/#/connect/linear";
        assert!(text.contains(page), "{text}");
        assert!(text.contains("toolvault mcp connect linear"), "{text}");
        assert!(scene.tokens_sent().is_empty());

        let begun = scene.begin().await.unwrap();
        assert!(scene.authority.url.ends_with(&begun.issuer_host));
        assert_eq!(begun.scopes, ["read"]);
        assert!(
            begun
                .authorization_url
                .contains("code_challenge_method=S256")
        );
        let resource = format!(
            "resource=http%3A%2F%2F127.0.0.1%3A{}%2Fmcp",
            scene.upstream.address.port()
        );
        assert!(
            begun.authorization_url.contains(&resource),
            "{}",
            begun.authorization_url
        );
        let answer = scene.authority.signs_in(&begun.authorization_url);
        let connection = scene.complete(&begun.flow, answer).await.unwrap();
        assert_eq!(connection.issuer, scene.authority.url);
        assert!(connection.can_refresh && !connection.needs_sign_in);

        scene.upstream.on("tools/call", |heard| {
            let token = heard.header("authorization").unwrap();
            heard.result(&json!({"content": [{"type": "text", "text": token}]}))
        });
        let agent = scene.agent(era).await;
        let reply = agent.call("send", "{}").await;
        assert!(
            reply.text.contains("Bearer [secret:linear]"),
            "{}",
            reply.text
        );
        assert_eq!(scene.tokens_sent(), ["Bearer the-access-token-number-1"]);

        let gone = scene.desk.disconnect(&scene.person(), "linear").await;
        assert_eq!(gone.unwrap(), Some(true));
        let revoked = scene.authority.shared.lock().unwrap().revoked.clone();
        let revoked: Vec<_> = revoked.iter().map(|form| form["token"].as_str()).collect();
        assert_eq!(
            revoked,
            ["the-refresh-token-number-1", "the-access-token-number-1"]
        );
        let reply = agent.call("send", "{}").await;
        assert!(reply.text.contains("#/connect/linear"), "{}", reply.text);
        assert_eq!(scene.tokens_sent().len(), 1);
        let gone = scene.desk.disconnect(&scene.person(), "linear").await;
        assert!(matches!(gone, Err(ConnectError::Vault(Error::NotFound))));
    }
}

#[tokio::test]
async fn a_client_that_can_open_urls_is_sent_to_the_page() {
    let scene = Scene::start().await;
    let mut agent = scene.unbegun(Era::Modern);
    agent.capabilities = json!({"elicitation": {"url": {}}});
    let reply = agent.call("send", "{}").await;
    let result = &reply.message()["result"];
    assert_eq!(result["resultType"], "input_required", "{reply:?}");
    let (input, request) = result["inputRequests"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    assert_eq!(
        request["params"]["url"],
        "http://localhost/#/connect/linear"
    );
    // Who comes back without a sign-in is told in words.
    let params = json!({
        "name": "send", "arguments": {}, "inputResponses": {input: {"action": "accept"}},
    });
    let reply = agent.ask("tools/call", &params.to_string()).await;
    assert!(reply.tool_error().contains("needs a sign-in"), "{reply:?}");
    scene.connect().await;
    let reply = agent.ask("tools/call", &params.to_string()).await;
    assert_eq!(
        reply.message()["result"]["isError"],
        json!(null),
        "{reply:?}"
    );
}

#[tokio::test]
async fn an_account_belongs_to_its_user_alone() {
    let scene = Scene::start().await;
    scene.connect().await;
    let other = scene.world.new_user("other").await;
    let rights = crate::harness::Rights {
        scopes: &[toolvault_core::scope::Scope::Use],
        user: Some(other),
        ..crate::harness::Rights::default()
    };
    let other = scene.world.holder(rights).await;
    let agent = Client::unbegun(&scene.world, &other, PATH, Era::Modern);
    let reply = agent.call("send", "{}").await;
    assert!(reply.tool_error().contains("needs a sign-in"), "{reply:?}");
    assert!(scene.tokens_sent().is_empty());
}

#[tokio::test]
async fn more_rights_are_asked_for_beside_those_granted_before() {
    let scene = Scene::start().await;
    scene.connect().await;
    let agent = scene.agent(Era::Legacy).await;
    scene.authority.shared.lock().unwrap().scope = Some("write admin:x");
    let reply = agent.call("send", "{}").await;
    let text = reply.tool_error();
    let page = "http://localhost/#/connect/linear?scopes=write%20admin%3Ax";
    assert!(text.contains(page), "{text}");
    let wanted = Some(vec!["write".to_owned(), "admin:x".to_owned()]);
    let person = scene.person();
    let begun = scene
        .desk
        .begin_connection(&person, "linear", REDIRECT, wanted);
    let begun = begun.await.unwrap();
    assert_eq!(begun.scopes, ["write", "admin:x", "read"]);
    let answer = scene.authority.signs_in(&begun.authorization_url);
    let connection = scene.complete(&begun.flow, answer).await.unwrap();
    assert_eq!(connection.scopes, ["write", "admin:x", "read"]);
    scene.authority.shared.lock().unwrap().scope = None;
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    let sent = scene.tokens_sent();
    assert_eq!(sent.last().unwrap(), "Bearer the-access-token-number-2");
}

#[tokio::test]
async fn a_server_cannot_tell_a_value_with_the_scopes_that_it_wants() {
    let scene = Scene::start().await;
    scene.connect().await;
    let agent = scene.agent(Era::Legacy).await;
    scene.authority.shared.lock().unwrap().scope = Some("read the-access-token-number-1");
    let reply = agent.call("send", "{}").await;
    assert!(!reply.text.contains("access-token"), "{}", reply.text);
}

#[tokio::test]
async fn an_explanation_says_that_a_sign_in_is_needed() {
    let scene = Scene::start().await;
    let agent = scene.world.agent();
    let calls = json!({"calls": [{"tool_name": "linear__send"}, {"tool_name": "linear__send"}]});
    for is_needed in [true, false] {
        let told = agent.post("/v1/explain", &calls).await.expect(200);
        for result in told["results"].as_array().unwrap() {
            let gateway = &result["result"]["gateway"];
            assert_eq!(gateway["needs_sign_in"], is_needed, "{told}");
            assert_eq!(gateway["would_succeed"], !is_needed, "{told}");
        }
        if is_needed {
            scene.connect().await;
        }
    }
}

#[tokio::test]
async fn a_registration_for_a_command_line_is_kept_by_the_sign_in_alone() {
    let scene = Scene::start().await;
    let methods = json!(["client_secret_post"]);
    let description = [("token_endpoint_auth_methods_supported", methods)].into();
    scene.authority.shared.lock().unwrap().description = description;
    let begun = scene.begin().await.unwrap();
    let (vault, issuer) = (&scene.world.vault, &scene.authority.url);
    let kept = vault.client_registration(issuer, REDIRECT).await.unwrap();
    assert!(kept.is_none());
    let answer = scene.authority.signs_in(&begun.authorization_url);
    scene.complete(&begun.flow, answer).await.unwrap();
    let agent = scene.agent(Era::Modern).await;
    scene.world.clock.advance(3_600);
    let reply = agent.call("send", "{}").await;
    assert!(reply.message().get("result").is_some(), "{reply:?}");
    for grant in ["authorization_code", "refresh_token"] {
        let requests = scene.authority.requests(grant);
        assert_eq!(requests.len(), 1, "{grant}");
        assert_eq!(requests[0]["client_secret"], authority::REGISTERED_SECRET);
    }
    assert_eq!(
        scene.authority.shared.lock().unwrap().registrations.len(),
        1
    );
}

#[tokio::test]
async fn a_registration_is_used_again_only_at_its_issuer() {
    let scene = Scene::start().await;
    let person = scene.person();
    let callback = "http://127.0.0.1:8710/oauth/callback";
    for _ in 0..2 {
        let begun = scene
            .desk
            .begin_connection(&person, "linear", callback, None);
        let begun = begun.await.unwrap();
        let answer = scene.authority.signs_in(&begun.authorization_url);
        scene.complete(&begun.flow, answer).await.unwrap();
    }
    assert_eq!(
        scene.authority.shared.lock().unwrap().registrations.len(),
        1
    );
    // The server now names another one.
    let other = Authority::start().await;
    other.guards(&scene.upstream);
    let begun = scene
        .desk
        .begin_connection(&person, "linear", callback, None);
    begun.await.unwrap();
    assert_eq!(other.shared.lock().unwrap().registrations.len(), 1);
}
