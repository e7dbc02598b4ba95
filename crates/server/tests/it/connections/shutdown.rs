//! Stopping: requests in flight are finished, and new ones are refused.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use toolvault_vault::ListFilter;

use crate::harness::{World, read_answer};

const PATIENCE: Duration = Duration::from_secs(20);

/// Begins a request, and returns once the server waits for its body of so many bytes.
async fn begin_request(world: &World, length: usize) -> TcpStream {
    let head = world.operator().head("POST", "/v1/secrets/");
    let begin = format!("{head}content-length: {length}\r\nexpect: 100-continue\r\n\r\n");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(begin.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().status, 100);
    stream
}

/// Connects until the server does not listen any more.
async fn until_refused(world: &World) {
    let connecting = async { while TcpStream::connect(world.address).await.is_ok() {} };
    timeout(PATIENCE, connecting)
        .await
        .expect("new connections are refused");
}

#[tokio::test]
async fn a_request_in_flight_is_finished_and_a_new_connection_refused() {
    let mut world = World::start().await;
    let body = br#"{"secret_name":"in flight","secret_value":"a value"}"#;
    let mut stream = begin_request(&world, body.len()).await;
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    idle.write_all(&world.operator().bytes("GET", "/healthz", None, b""))
        .await
        .unwrap();
    read_answer(&mut idle).await.unwrap().expect(200);

    world.shutdown.cancel();
    until_refused(&world).await;
    assert!(
        read_answer(&mut idle).await.is_none(),
        "an idle connection is closed"
    );
    stream.write_all(body).await.unwrap();
    let created = read_answer(&mut stream).await.unwrap().expect(200);
    assert_eq!(created["secret_name"], "in flight");
    assert!(
        read_answer(&mut stream).await.is_none(),
        "the connection is closed after it"
    );

    let ended = timeout(PATIENCE, world.running.take().unwrap()).await;
    ended.expect("the server ends").unwrap().unwrap();
    let filter = ListFilter {
        limit: 10,
        ..ListFilter::default()
    };
    let local = world.local(world.keys.user);
    let list = world.vault.list_secrets(&local, &filter).await.unwrap();
    assert_eq!(list.total, 1);
}

#[tokio::test]
async fn a_request_that_never_ends_is_waited_for_only_so_long() {
    let mut world = World::start_with(|settings| settings.server.limits.shutdown_seconds = 1).await;
    let mut stream = begin_request(&world, 100).await;
    stream.write_all(b"{").await.unwrap();
    world.shutdown.cancel();
    let ended = timeout(PATIENCE, world.running.take().unwrap()).await;
    ended.expect("the server ends").unwrap().unwrap();
}
