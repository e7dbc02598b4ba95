//! Clients that disconnect during a request: it is completed with its record, or not carried out at all.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use toolvault_core::audit::record::Action;
use toolvault_vault::{AuditFilter, ListFilter};

use crate::harness::World;

/// Sends a request and disconnects.
async fn send_and_leave(world: &World, bytes: &[u8]) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
}

/// How many records of that action there are.
async fn records_of(world: &World, action: Action) -> usize {
    let filter = AuditFilter {
        since: None,
        until: None,
        action: Some(action),
        secret: None,
        tool: None,
        limit: 1_000,
        cursor: None,
    };
    let local = world.local(world.keys.user);
    world
        .vault
        .list_audit(&local, &filter)
        .await
        .unwrap()
        .records
        .len()
}

async fn end(world: &mut World) {
    world.shutdown.cancel();
    world.running.take().unwrap().await.unwrap().unwrap();
    // The change is completed without its client and without the server.
    world.reopen_vault().await;
}

#[tokio::test]
async fn a_body_that_is_cut_stores_nothing() {
    let mut world = World::start().await;
    let operator = world.operator();
    let body = br#"{"secret_name":"cut","secret_value":"a value that is whole"}"#;
    let whole = operator.bytes("POST", "/v1/secrets/", Some("application/json"), body);
    for cut in 1..body.len() {
        send_and_leave(&world, &whole[..whole.len() - cut]).await;
    }
    end(&mut world).await;
    let local = world.local(world.keys.user);
    let list = world
        .vault
        .list_secrets(&local, &ListFilter::default())
        .await
        .unwrap();
    assert_eq!(list.total, 0);
    assert_eq!(records_of(&world, Action::SecretCreated).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_whole_is_done_with_its_record_or_not_at_all() {
    let mut world = World::start().await;
    let operator = world.operator();
    let id = operator.default_for("tool", "arg", "a value to use").await;
    let path = format!("/v1/secrets/{id}");
    for number in 0..60 {
        let body =
            json!({"secret_name": format!("gone {number}"), "secret_value": "a value"}).to_string();
        let create = operator.bytes("POST", "/v1/secrets/", None, body.as_bytes());
        let body = json!({"secret_value": format!("value {number}")}).to_string();
        let change = operator.bytes("PATCH", &path, None, body.as_bytes());
        let resolve = operator.bytes("POST", "/v1/tools/tool/resolve", None, b"{}");
        for request in [create, change, resolve] {
            send_and_leave(&world, &request).await;
        }
    }
    end(&mut world).await;
    let local = world.local(world.keys.user);
    let list = world
        .vault
        .list_secrets(&local, &ListFilter::default())
        .await
        .unwrap();
    assert_eq!(records_of(&world, Action::SecretCreated).await, list.total);
    assert!(records_of(&world, Action::SecretUsed).await <= 60);
    let verification = world.vault.verify_audit(None).await.unwrap();
    assert!(verification.ok, "{:?}", verification.faults);
}
