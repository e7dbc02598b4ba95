//! Sessions of the earlier era: their owner, and when they end.

use serde_json::json;
use toolvault_core::scope::Scope::{Manage, Use};
use toolvault_gateway::{GatewaySettings, ServerSettings};

use super::relay::{Client, Era, Gate, PATH, Said, settings_of};
use crate::harness::World;

const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object","properties":{}}}"#;

/// The answers to the session's requests, one of each kind.
async fn statuses(client: &Client) -> [u16; 2] {
    let ping = client.ask("ping", "{}").await.head.status;
    let stream = client.listen().await.head.status;
    [ping, stream]
}

#[tokio::test]
async fn a_session_is_one_keys_on_one_path_and_nobody_elses() {
    let gate = Gate::start_with(&[PLAIN], |gateway, server| {
        let other: ServerSettings = server.clone();
        gateway.servers.insert("other".parse().unwrap(), other);
    })
    .await;
    let agent = gate.agent(Era::Legacy).await;
    let without_use = gate.world.scoped(&[Manage]).await;
    let mut foreign = Vec::new();
    for actor in [
        without_use.clone(),
        gate.world.other_tenant().await,
        gate.world.scoped(&[Use]).await,
        gate.world.operator(),
    ] {
        foreign.push(Client {
            actor,
            ..agent.clone()
        });
    }
    for path in ["/mcp", "/mcp/other"] {
        foreign.push(Client {
            path: path.to_owned(),
            ..agent.clone()
        });
    }
    for id in ["upstream-session-1", "", "0"] {
        foreign.push(Client {
            session: Some(id.to_owned()),
            ..agent.clone()
        });
    }
    let before = gate.upstream.all().len();
    for client in &foreign {
        // A key without `use` cannot use the gateway at all.
        let status = if client.actor.key_id == without_use.key_id {
            403
        } else {
            404
        };
        let ended = client.open("DELETE", "", Vec::new()).await.head;
        assert_eq!(
            statuses(client).await,
            [status; 2],
            "{} {:?}",
            client.path,
            client.session
        );
        assert_eq!(ended.status, status);
    }
    assert_eq!(gate.upstream.all().len(), before);
    let without = Client {
        session: None,
        ..agent.clone()
    };
    assert_eq!(statuses(&without).await, [400; 2]);
    assert_eq!(statuses(&agent).await, [200; 2]);
}

#[tokio::test]
async fn the_servers_session_is_between_it_and_us() {
    let gate = Gate::start(&[PLAIN]).await;
    let client = Client::unbegun(&gate.world, &gate.world.agent(), PATH, Era::Legacy);
    let reply = client.initialize().await;
    let ours = reply.head.header("mcp-session-id").unwrap().to_owned();
    assert!(
        !format!("{reply:?}").contains("upstream-session"),
        "{reply:?}"
    );
    let agent = Client {
        session: Some(ours.clone()),
        ..client
    };
    let reply = agent.ask("ping", "{}").await;
    assert_eq!(reply.head.header("mcp-session-id"), None);
    let heard = gate.upstream.last("ping");
    assert_eq!(
        heard.header("mcp-session-id").as_deref(),
        Some("upstream-session-1")
    );
    assert_eq!(
        heard.header("mcp-protocol-version").as_deref(),
        Some("2025-11-25")
    );
    assert!(
        gate.upstream
            .all()
            .iter()
            .all(|heard| !heard.everything().contains(&ours))
    );
}

#[tokio::test]
async fn delete_ends_a_session_here_and_there() {
    let gate = Gate::start(&[PLAIN]).await;
    let feed = gate.upstream.streams();
    let agent = gate.agent(Era::Legacy).await;
    let mut news = agent.listen().await;
    let ended = agent.open("DELETE", "", Vec::new()).await.head;
    assert_eq!(ended.status, 200);
    assert!(news.next().await.is_none());
    let told = gate.upstream.last("DELETE");
    assert_eq!(
        told.header("mcp-session-id").as_deref(),
        Some("upstream-session-1")
    );
    assert_eq!(statuses(&agent).await, [404; 2]);
    assert_eq!(agent.open("DELETE", "", Vec::new()).await.head.status, 404);
    assert_eq!(gate.upstream.heard("DELETE").len(), 1);
    drop(feed);
}

#[tokio::test]
async fn a_key_that_is_revoked_takes_its_sessions_and_streams_with_it() {
    let gate = Gate::start(&[PLAIN]).await;
    let _feed = gate.upstream.streams();
    let holder = gate.world.scoped(&[Use]).await;
    let agent = gate.client(&holder, Era::Legacy).await;
    let mut news = agent.listen().await;
    let other = gate.agent(Era::Legacy).await;
    let path = format!("/v1/keys/{}", holder.key_id);
    let revoked = gate.world.operator().delete(&path).await;
    assert!(revoked.status < 300, "{}", revoked.text());
    assert!(news.next().await.is_none());
    gate.upstream.hears("DELETE", 1).await;
    let ended = gate.upstream.last("DELETE");
    assert_eq!(
        ended.header("mcp-session-id").as_deref(),
        Some("upstream-session-1")
    );
    let before = gate.upstream.all().len();
    assert_eq!(statuses(&agent).await, [401; 2]);
    let modern = Client {
        era: Era::Modern,
        session: None,
        ..agent
    };
    assert_eq!(modern.ask("ping", "{}").await.head.status, 401);
    assert_eq!(gate.upstream.all().len(), before);
    assert_eq!(other.ask("ping", "{}").await.head.status, 200);
}

#[tokio::test]
async fn a_call_that_goes_on_ends_with_its_key() {
    let gate = Gate::start(&[PLAIN]).await;
    let holder = gate.world.scoped(&[Use]).await;
    for era in [Era::Modern, Era::Legacy] {
        let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
        let receiver = std::sync::Mutex::new(Some(receiver));
        gate.upstream.on("tools/call", move |_| {
            Said::Stream(receiver.lock().unwrap().take().unwrap())
        });
        let holder = if era == Era::Legacy {
            &gate.world.scoped(&[Use]).await
        } else {
            &holder
        };
        let agent = gate.client(holder, era).await;
        let message = agent.message("tools/call", r#"{"name":"plain"}"#);
        let mut headers = Vec::new();
        if era == Era::Modern {
            for (name, value) in [
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "plain"),
            ] {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let mut events = agent.open("POST", &message, headers).await;
        let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
        feed.send(format!("data: {progress}\n\n")).unwrap();
        assert_eq!(events.message().await["method"], "notifications/progress");
        let path = format!("/v1/keys/{}", holder.key_id);
        gate.world.operator().delete(&path).await;
        let last = events.message().await;
        assert_eq!(last["id"], 7, "{era:?}");
        assert!(last.get("error").is_some(), "{era:?} {last}");
        assert!(events.next().await.is_none(), "{era:?}");
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let gate = Gate::start(&[PLAIN]).await;
    let mut settings = GatewaySettings::default();
    let server = settings_of(&gate.upstream);
    settings.servers.insert("linear".parse().unwrap(), server);
    let limit = settings.limits.session_idle.as_secs();
    let pass = |seconds: u64| {
        gate.world.clock.advance(seconds.try_into().unwrap());
        gate.world.handle.reload_gateway(settings.clone()).unwrap();
    };
    let idle = gate.agent(Era::Legacy).await;
    let used = gate.agent(Era::Legacy).await;
    pass(limit - 1);
    assert_eq!(used.ask("ping", "{}").await.head.status, 200);
    pass(1);
    gate.upstream.hears("DELETE", 1).await;
    assert_eq!(statuses(&idle).await, [404; 2]);
    assert_eq!(statuses(&used).await, [200; 2]);
}

#[tokio::test]
async fn one_session_more_than_a_caller_may_have_ends_the_oldest() {
    let gate = Gate::start_with(&[PLAIN], |gateway, _| {
        gateway.limits.sessions_per_caller = 2;
    })
    .await;
    let first = gate.agent(Era::Legacy).await;
    let second = gate.agent(Era::Legacy).await;
    // The first is used after the second, so the second is now idle longest.
    assert_eq!(first.ask("ping", "{}").await.head.status, 200);
    let third = gate.agent(Era::Legacy).await;
    let ended = gate.upstream.last("DELETE");
    assert_eq!(
        ended.header("mcp-session-id").as_deref(),
        Some("upstream-session-2")
    );
    assert_eq!(statuses(&second).await, [404; 2]);
    for client in [&first, &third] {
        assert_eq!(statuses(client).await, [200; 2]);
    }
}

#[tokio::test]
async fn many_keys_of_one_user_leave_half_of_the_sessions_to_others() {
    let gate = Gate::start_with(&[PLAIN], |gateway, _| {
        gateway.limits.sessions = 4;
        gateway.limits.sessions_per_caller = 1;
    })
    .await;
    let keys = [
        gate.world.scoped(&[Use]).await,
        gate.world.scoped(&[Use]).await,
    ];
    let third = gate.world.scoped(&[Use]).await;
    let other = gate.world.other_tenant().await;
    for (actor, status) in [
        (&keys[0], 200),
        (&keys[1], 200),
        (&third, 429),
        (&other, 200),
    ] {
        let client = Client::unbegun(&gate.world, actor, PATH, Era::Legacy);
        assert_eq!(client.initialize().await.head.status, status);
    }
}

#[tokio::test]
async fn nobody_begins_a_session_when_there_are_too_many() {
    let gate = Gate::start_with(&[PLAIN], |gateway, _| gateway.limits.sessions = 1).await;
    let agent = gate.agent(Era::Legacy).await;
    let other = gate.world.other_tenant().await;
    let refused = Client::unbegun(&gate.world, &other, PATH, Era::Legacy)
        .initialize()
        .await;
    assert_eq!(refused.head.status, 429);
    assert_eq!(refused.head.header("mcp-session-id"), None);
    // The server's session that was begun for it is ended, too.
    gate.upstream.hears("DELETE", 1).await;
    let ended = gate.upstream.last("DELETE");
    assert_eq!(
        ended.header("mcp-session-id").as_deref(),
        Some("upstream-session-2")
    );
    assert_eq!(statuses(&agent).await, [200; 2]);
}

#[tokio::test]
async fn a_server_that_has_forgotten_its_session_ends_ours() {
    let gate = Gate::start(&[PLAIN]).await;
    for method in ["ping", "tools/call", "tools/list"] {
        let agent = gate.agent(Era::Legacy).await;
        gate.upstream.on(method, |_| Said::Empty(404));
        let params = r#"{"name":"plain"}"#;
        assert_eq!(agent.ask(method, params).await.head.status, 404, "{method}");
        gate.upstream.on(method, |heard| heard.result(&json!({})));
        assert_eq!(statuses(&agent).await, [404; 2], "{method}");
    }
}

#[tokio::test]
async fn a_404_to_get_ends_a_session_only_if_requests_in_it_get_404_too() {
    let gate = Gate::start(&[PLAIN]).await;
    for status in [404, 405] {
        gate.upstream.on("GET", move |_| Said::Empty(status));
        let agent = gate.agent(Era::Legacy).await;
        let before = gate.upstream.heard("GET").len();
        let mut news = agent.listen().await;
        gate.upstream.hears("GET", before + 1).await;
        agent.result("tools/call", r#"{"name":"plain"}"#).await;
        // The stream stays open for what the gateway itself announces.
        let operator = gate.world.operator();
        let name = format!("a-{status}");
        operator
            .default_for("linear__plain", &name, "a value of a secret")
            .await;
        let method = &news.message().await["method"];
        assert_eq!(method, "notifications/tools/list_changed", "{status}");
        assert_eq!(statuses(&agent).await, [200; 2], "{status}");
    }
    gate.upstream.on("GET", |_| Said::Empty(404));
    gate.upstream.on("ping", |_| Said::Empty(404));
    let agent = gate.agent(Era::Legacy).await;
    assert!(agent.listen().await.next().await.is_none());
    gate.upstream.on("ping", |heard| heard.result(&json!({})));
    assert_eq!(statuses(&agent).await, [404; 2]);
}

#[tokio::test]
async fn a_server_that_answers_400_may_have_forgotten_its_session() {
    let gate = Gate::start(&[PLAIN]).await;
    let refused = |_: &_| {
        let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No session"}}"#;
        Said::Json(400, text.to_owned())
    };
    for is_forgotten in [true, false] {
        let agent = gate.agent(Era::Legacy).await;
        gate.upstream.on("tools/call", refused);
        if is_forgotten {
            gate.upstream.on("ping", refused);
        }
        let reply = agent.ask("tools/call", r#"{"name":"plain"}"#).await;
        let (status, code) = if is_forgotten {
            (404, 1005)
        } else {
            (400, -32000)
        };
        assert_eq!((reply.head.status, reply.error().0), (status, code));
        for method in ["tools/call", "ping"] {
            gate.upstream.on(method, |heard| heard.result(&json!({})));
        }
        assert_eq!(
            statuses(&agent).await,
            [if is_forgotten { 404 } else { 200 }; 2]
        );
    }
}

#[tokio::test]
async fn the_last_event_is_named_only_to_the_session_that_knew_it() {
    let last = [("last-event-id", "41")];
    let gate = Gate::start(&[PLAIN]).await;
    let agent = gate.agent(Era::Legacy).await;
    let _events = agent.listen_with(&last).await;
    gate.upstream.hears("GET", 1).await;
    assert_eq!(
        gate.upstream.last("GET").header("last-event-id").as_deref(),
        Some("41")
    );
    // Without sessions at the server, the ID could belong to anyone.
    gate.upstream.knows_no_sessions();
    let agent = gate.agent(Era::Legacy).await;
    let _events = agent.listen_with(&last).await;
    gate.upstream.hears("GET", 2).await;
    let heard = gate.upstream.last("GET");
    assert_eq!(heard.header("mcp-session-id"), None);
    assert_eq!(heard.header("last-event-id"), None);
}

#[tokio::test]
async fn a_server_that_is_taken_out_of_the_configuration_takes_its_sessions_along() {
    let gate = Gate::start(&[PLAIN]).await;
    let _feed = gate.upstream.streams();
    let agent = gate.agent(Era::Legacy).await;
    let mut news = agent.listen().await;
    let world: &World = &gate.world;
    world
        .handle
        .reload_gateway(toolvault_gateway::GatewaySettings::default())
        .unwrap();
    assert!(news.next().await.is_none());
    assert_eq!(statuses(&agent).await, [404; 2]);
    let mut settings = toolvault_gateway::GatewaySettings::default();
    settings
        .servers
        .insert("linear".parse().unwrap(), settings_of(&gate.upstream));
    world.handle.reload_gateway(settings).unwrap();
    assert_eq!(statuses(&agent).await, [404; 2]);
    gate.agent(Era::Legacy).await;
}
