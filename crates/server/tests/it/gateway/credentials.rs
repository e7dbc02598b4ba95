//! The headers for a server: its own credential, and nothing from the client.

use serde_json::json;
use toolvault_core::scope::Scope;
use toolvault_gateway::Template;
use toolvault_gateway::settings::{Header, Transport};

use super::relay::{ERAS, Era, Gate, PATH, Said, Upstream};

const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object","properties":{}}}"#;

/// A gate whose server needs a header with the secret `linear-prod`.
async fn gate() -> Gate {
    Gate::start_with(&[PLAIN], |_, server| {
        let Transport::Http(http) = &mut server.transport else {
            panic!("it is reached over HTTP")
        };
        for (name, value) in [
            ("Authorization", "Bearer {{ secret://linear-prod }}"),
            ("X-Api-Key", "fixed"),
            ("Mcp-Param-Region", "eu"),
        ] {
            http.headers.push(Header {
                name: name.parse().unwrap(),
                spelling: name.to_owned(),
                value: Template::parse(value).unwrap(),
            });
        }
    })
    .await
}

/// Stores the secret for the header; returns its ID.
async fn bound(gate: &Gate, value: &str) -> String {
    let secret = json!({
        "secret_name": "linear-prod",
        "secret_value": value,
        "tool_name": "linear__*",
        "tool_arg": "headers.Authorization",
    });
    let stored = gate.world.operator().create(secret).await;
    stored["secret_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_header_is_filled_and_nothing_of_the_client_goes_on() {
    let gate = gate().await;
    bound(&gate, "the upstream's own key").await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let key = agent.actor.sends("x-api-key").to_owned();
        let headers = [
            ("cookie", "session=of-the-client"),
            ("x-own", "of-the-client"),
            ("mcp-param-region", "of-the-client"),
            ("proxy-authorization", "Basic of-the-client"),
            ("x-forwarded-for", "of-the-client"),
            ("referer", "of-the-client"),
        ];
        agent
            .ask_with("tools/call", r#"{"name":"plain","arguments":{}}"#, &headers)
            .await;
        agent.ask_with("ping", "{}", &headers).await;
        for method in ["tools/call", "ping", "tools/list"] {
            let heard = gate.upstream.last(method);
            let authorization = heard.header("authorization");
            assert_eq!(
                authorization.as_deref(),
                Some("Bearer the upstream's own key")
            );
            assert_eq!(heard.header("x-api-key").as_deref(), Some("fixed"));
            assert_eq!(heard.header("mcp-param-region").as_deref(), Some("eu"));
            for absent in ["of-the-client", key.as_str()] {
                assert!(!heard.everything().contains(absent), "{era:?} {heard:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_the_client_does_not_go_on_either() {
    use crate::harness::{World, claims_for, issuer_in, sign};
    let upstream = Upstream::start(&[PLAIN]).await;
    let world = World::start_with(|settings| {
        let mut issuer = issuer_in(settings.directory.path());
        issuer.scopes = [Scope::Use].into_iter().collect();
        settings.server.issuers = vec![issuer];
        let servers = &mut settings.server.gateway.servers;
        servers.insert(
            "linear".parse().unwrap(),
            super::relay::settings_of(&upstream),
        );
    })
    .await;
    let token = sign(&claims_for("somebody"));
    let actor = world
        .anonymous()
        .with("authorization", &format!("Bearer {token}"));
    for era in ERAS {
        let agent = super::relay::Client::begin(&world, &actor, PATH, era).await;
        agent.call("plain", "{}").await;
    }
    assert_eq!(upstream.heard("tools/call").len(), 2);
    for heard in upstream.all() {
        assert_eq!(heard.header("authorization"), None);
        assert!(!heard.everything().contains(&token));
    }
}

#[tokio::test]
async fn after_a_rotation_the_next_call_uses_the_new_value() {
    let gate = gate().await;
    let id = bound(&gate, "the first key of all").await;
    let mut clients = Vec::new();
    for era in ERAS {
        let agent = gate.agent(era).await;
        agent.call("plain", "{}").await;
        clients.push(agent);
    }
    let rotated = json!({"secret_value": "the second key of all"});
    gate.world
        .operator()
        .patch(&format!("/v1/secrets/{id}"), &rotated)
        .await
        .expect(200);
    for agent in &clients {
        let begun = gate.upstream.heard("initialize").len();
        let reply = agent.call("plain", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        let heard = gate.upstream.last("tools/call");
        let authorization = heard.header("authorization");
        assert_eq!(
            authorization.as_deref(),
            Some("Bearer the second key of all")
        );
        if agent.era == Era::Legacy {
            // Our session continues. The server's session used the old key, so there is a new one.
            assert_eq!(gate.upstream.heard("initialize").len(), begun + 1);
            assert_eq!(
                heard.header("mcp-session-id").as_deref(),
                Some("upstream-session-2")
            );
            let initialized = gate.upstream.last("notifications/initialized");
            assert_eq!(
                initialized.header("mcp-session-id"),
                heard.header("mcp-session-id")
            );
            gate.upstream.hears("DELETE", 1).await;
            let ended = gate.upstream.last("DELETE");
            assert_eq!(
                ended.header("mcp-session-id").as_deref(),
                Some("upstream-session-1")
            );
        }
    }
}

#[tokio::test]
async fn both_the_old_and_the_new_value_are_kept_from_the_client() {
    let gate = gate().await;
    let id = bound(&gate, "the first key of all").await;
    gate.upstream.on("tools/call", |heard| {
        heard.result(&json!({"content": [{"type": "text", "text": "the first key of all, the second key of all"}]}))
    });
    for era in ERAS {
        let agent = gate.agent(era).await;
        agent.call("plain", "{}").await;
        let rotated = json!({"secret_value": "the second key of all"});
        gate.world
            .operator()
            .patch(&format!("/v1/secrets/{id}"), &rotated)
            .await
            .expect(200);
        let reply = agent.call("plain", "{}").await;
        let text = &reply.message()["result"]["content"][0]["text"];
        assert_eq!(
            text, "[secret:linear-prod], [secret:linear-prod]",
            "{era:?}"
        );
        let back = json!({"secret_value": "the first key of all"});
        gate.world
            .operator()
            .patch(&format!("/v1/secrets/{id}"), &back)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_credential_that_is_gone_fails_the_call_in_words_that_name_it() {
    let gate = gate().await;
    let id = bound(&gate, "the upstream's own key").await;
    let mut clients = Vec::new();
    for era in ERAS {
        clients.push(gate.agent(era).await);
    }
    gate.world
        .operator()
        .delete(&format!("/v1/secrets/{id}"))
        .await;
    let before = gate.upstream.heard("tools/call").len();
    for agent in &clients {
        let refused = agent.call("plain", "{}").await;
        let text = refused.tool_error();
        assert!(text.contains("'headers.Authorization'"), "{text}");
        let command = "toolvault secret create 'linear-prod' --tool 'linear__*' --arg 'headers.Authorization'";
        assert!(text.contains(command), "{text}");
        // Requests other than calls are refused with a protocol error.
        let refused = agent.ask("prompts/list", "{}").await;
        assert!(
            refused.error().1.contains("'headers.Authorization'"),
            "{refused:?}"
        );
    }
    assert_eq!(gate.upstream.heard("tools/call").len(), before);
    // The secret is back, and so is the session.
    bound(&gate, "another key of its own").await;
    for agent in &clients {
        let reply = agent.call("plain", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
    }
}

#[tokio::test]
async fn whoever_lacks_the_credential_does_not_reach_the_server() {
    let gate = gate().await;
    bound(&gate, "the upstream's own key").await;
    let other = gate.world.other_tenant().await;
    let before = gate.upstream.all().len();
    for era in ERAS {
        let client = super::relay::Client::unbegun(&gate.world, &other, PATH, era);
        let reply = match era {
            Era::Legacy => client.initialize().await,
            Era::Modern => client.ask("server/discover", "{}").await,
        };
        assert!(
            reply.error().1.contains("'headers.Authorization'"),
            "{reply:?}"
        );
    }
    assert_eq!(gate.upstream.all().len(), before);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let gate = gate().await;
    bound(&gate, "the upstream's own key").await;
    let elsewhere = Upstream::start(&[PLAIN]).await;
    let target = format!("http://{}/mcp", elsewhere.address);
    for era in ERAS {
        let agent = gate.agent(era).await;
        // 201 with a location is how servers answer when they have created something.
        for status in [201, 301, 302, 303, 307, 308] {
            let target = target.clone();
            gate.upstream.on("tools/call", move |_| {
                Said::Header(status, "location", target.clone())
            });
            let refused = agent.call("plain", "{}").await;
            assert!(
                refused.error().1.contains("redirect"),
                "{era:?} {refused:?}"
            );
            let is_unknown = refused.error().1.contains("carried out is unknown");
            assert!(is_unknown, "{era:?} {refused:?}");
            assert!(!refused.text.contains("http://"), "{refused:?}");
        }
    }
    assert!(elsewhere.all().is_empty());
}

#[tokio::test]
async fn what_a_server_says_of_a_credential_it_refuses_stays_with_us() {
    let gate = gate().await;
    bound(&gate, "the upstream's own key").await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for status in [401, 403] {
            gate.upstream.on("tools/call", move |_| {
                Said::Header(
                    status,
                    "www-authenticate",
                    "Bearer realm=\"the server's\"".to_owned(),
                )
            });
            let refused = agent.call("plain", "{}").await;
            // A client that saw the server's challenge would start to sign in there.
            assert_eq!(refused.head.status, 200, "{era:?} {status}");
            assert_eq!(refused.head.header("www-authenticate"), None);
            assert!(
                refused.error().1.contains("refused its credential"),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_value_that_would_break_the_header_is_refused_without_being_told() {
    let gate = gate().await;
    bound(&gate, "two\r\nX-Lines: of text").await;
    for era in ERAS {
        let client = super::relay::Client::unbegun(&gate.world, &gate.world.agent(), PATH, era);
        let reply = match era {
            Era::Legacy => client.initialize().await,
            Era::Modern => client.call("plain", "{}").await,
        };
        assert!(
            reply.error().1.contains("headers.Authorization"),
            "{reply:?}"
        );
        assert!(!reply.text.contains("Lines"), "{reply:?}");
    }
    assert!(gate.upstream.all().is_empty());
}
