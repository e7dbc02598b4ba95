//! Requests that another server forwarded. That it is sent to the right one is tested by `scripts/suites/gateway_replicas`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toolvault_core::replica::ForwardedHead;
use toolvault_core::timestamp::SECOND;
use toolvault_server::ReplicaSettings;
use toolvault_vault::Forwarded;
use uuid::Uuid;

use crate::harness::{Answer, World};

const CLIENT: &str = "192.0.2.9:4711";

async fn reachable() -> World {
    World::start_with(|settings| {
        settings.server.replica = Some(ReplicaSettings {
            url: "http://127.0.0.1:1".to_owned(),
            ca_file: None,
        });
    })
    .await
}

/// What another server would forward: a request with a key.
fn head(world: &World, key: &str) -> ForwardedHead {
    ForwardedHead {
        to: world.vault.replica_id().unwrap(),
        at: world.vault.clock().now(),
        peer: CLIENT.parse().unwrap(),
        local: "192.0.2.1:8710".parse().unwrap(),
        request_id: "of-the-first".to_owned(),
        method: "GET".to_owned(),
        uri: "/api/v1/me".to_owned(),
        headers: vec![("x-api-key".to_owned(), key.to_owned())],
    }
}

fn sealed(world: &World, head: &ForwardedHead) -> Forwarded {
    world.vault.seal_forwarded(head, b"").unwrap()
}

async fn send(world: &World, head: &[u8], body: &[u8]) -> Answer {
    let sender = world
        .anonymous()
        .with("toolvault-forwarded", &URL_SAFE_NO_PAD.encode(head));
    // What arrives beside the sealed parts is not used.
    let sender = sender
        .with("x-api-key", "tvk_other")
        .with("x-forwarded-for", "192.0.2.66")
        .with("x-request-id", "of-this-connection");
    sender.send("POST", "/forwarded", None, body).await
}

#[tokio::test]
async fn it_is_answered_as_if_it_had_arrived_here_and_once() {
    let world = reachable().await;
    let key = world.operator().sends("x-api-key").to_owned();
    let forwarded = sealed(&world, &head(&world, &key));
    let answer = send(&world, &forwarded.head, &forwarded.body).await;
    let me = answer.expect(200);
    assert_eq!(me, world.operator().get("/v1/me").await.expect(200));
    let proof = answer.header("toolvault-forwarded-proof").unwrap();
    assert!(forwarded.passage.is_proof(proof.as_bytes()));
    let again = send(&world, &forwarded.head, &forwarded.body).await;
    again.refused(404, "no_such_route");
    assert_eq!(again.header("toolvault-forwarded-proof"), None);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_recorded_for_the_address_of_its_client() {
    let world = reachable().await;
    let forwarded = sealed(&world, &head(&world, "tvk_wrong"));
    let answer = send(&world, &forwarded.head, &forwarded.body).await;
    answer.refused(401, "unauthenticated");
    world.clock.advance(5);
    world.operator().named("n", "a value").await;
    let page = world
        .operator()
        .get("/v1/audit?action=sign_in.failed")
        .await
        .expect(200);
    let sources: Vec<_> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["source"])
        .collect();
    assert_eq!(sources, ["192.0.2.9"]);
}

#[tokio::test]
async fn what_is_for_another_server_or_of_another_time_is_refused() {
    let world = reachable().await;
    let key = world.operator().sends("x-api-key").to_owned();
    for (what, change) in [
        (
            "another server",
            (|head: &mut ForwardedHead| head.to = Uuid::from_u128(1)) as fn(&mut ForwardedHead),
        ),
        ("too old", |head| head.at = head.at.plus(-40 * SECOND)),
        ("too new", |head| head.at = head.at.plus(40 * SECOND)),
    ] {
        let mut head = head(&world, &key);
        change(&mut head);
        let forwarded = sealed(&world, &head);
        let answer = send(&world, &forwarded.head, &forwarded.body).await;
        assert_eq!(answer.outcome(), "404 no_such_route", "{what}");
    }
}

#[tokio::test]
async fn what_was_changed_is_refused() {
    let world = reachable().await;
    let key = world.operator().sends("x-api-key").to_owned();
    let one = sealed(&world, &head(&world, &key));
    let other = sealed(&world, &head(&world, &key));
    let mut changed = one.head.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (what, head, body) in [
        ("changed head", &changed, &one.body),
        ("body of another request", &one.head, &other.body),
        ("no body", &other.head, &Vec::new()),
        ("no head", &Vec::new(), &one.body),
    ] {
        let answer = send(&world, head, body).await;
        assert_eq!(answer.outcome(), "404 no_such_route", "{what}");
    }
    let stranger = reachable().await;
    let answer = send(
        &stranger,
        &sealed(&world, &head(&world, &key)).head,
        &one.body,
    )
    .await;
    assert_eq!(answer.outcome(), "404 no_such_route");
}

#[tokio::test]
async fn a_server_that_others_do_not_reach_takes_none() {
    let world = World::start().await;
    assert_eq!(world.vault.replica_id(), None);
    let sender = world.anonymous().with("toolvault-forwarded", "AAAA");
    sender
        .send("POST", "/forwarded", None, b"")
        .await
        .refused(404, "no_such_route");
}

#[tokio::test]
async fn it_is_not_forwarded_again() {
    let world = reachable().await;
    let key = world.agent().sends("x-api-key").to_owned();
    let mut head = head(&world, &key);
    head.method = "POST".to_owned();
    head.uri = "/mcp".to_owned();
    let session = format!("{}.aa", Uuid::from_u128(7).simple());
    let more = [
        ("host", "192.0.2.1"),
        ("mcp-session-id", &session),
        ("content-type", "application/json"),
    ];
    head.headers
        .extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let forwarded = world.vault.seal_forwarded(&head, body).unwrap();
    let answer = send(&world, &forwarded.head, &forwarded.body).await;
    let answer = answer.expect(404);
    assert_eq!(answer["error"]["code"], 1005);
}
