//! Slow, silent and numerous clients. The tests wait only for the server.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{World, exchange, read_answer};

/// Much more time than the server should need.
const PATIENCE: Duration = Duration::from_secs(20);

async fn impatient() -> World {
    World::start_with(|settings| {
        settings.server.limits.header_seconds = 1;
        settings.server.limits.body_seconds = 1;
    })
    .await
}

/// Everything until the server closes the connection, which it must do.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let reading = stream.read_to_end(&mut received);
    let ended = timeout(PATIENCE, reading).await.expect("the server closes");
    // A reset is a close, too.
    let _ = ended;
    received
}

#[tokio::test]
async fn whoever_sends_nothing_or_only_a_beginning_is_cut_off() {
    let world = impatient().await;
    let beginnings: [&[u8]; 6] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n",
        b"\r\n\r\n\r\n",
    ];
    for beginning in beginnings {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let received = until_closed(&mut stream).await;
        assert!(!received.starts_with(b"HTTP/1.1 200"), "{beginning:?}");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off() {
    let world = impatient().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();
    let dripping = async {
        loop {
            let mut byte = [0];
            // Waiting for the server's answers sets the pace.
            match timeout(Duration::from_millis(20), stream.read(&mut byte)).await {
                Err(_) => {}
                Ok(_) => break,
            }
            if stream.write_all(b"x").await.is_err() {
                break;
            }
        }
    };
    timeout(PATIENCE, dripping)
        .await
        .expect("the server closes");
}

#[tokio::test]
async fn a_connection_that_is_kept_without_use_is_closed() {
    let world = impatient().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = world.anonymous().bytes("GET", "/healthz", None, b"");
    stream.write_all(&request).await.unwrap();
    read_answer(&mut stream).await.unwrap().expect(200);
    assert_eq!(until_closed(&mut stream).await, b"");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408_and_stores_nothing() {
    let world = impatient().await;
    let operator = world.operator();
    for (method, path) in [
        ("POST", "/v1/secrets/"),
        ("POST", "/v1/resolve"),
        ("POST", "/v1/keys"),
    ] {
        let head = operator.head(method, path);
        let begun = format!("{head}content-length: 100\r\n\r\n{{\"secret_name\":");
        let answer = exchange(world.address, begun.as_bytes()).await;
        answer.refused(408, "timeout");
        assert_eq!(
            answer.text(),
            r#"{"detail":"The body did not arrive in time."}"#
        );
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"sec\r\n");
        exchange(world.address, chunked.as_bytes())
            .await
            .refused(408, "timeout");
    }
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn beyond_the_limit_a_connection_waits_until_another_is_idle() {
    let world = World::start_with(|settings| settings.server.limits.connections = 2).await;
    let request = world.anonymous().bytes("GET", "/healthz", None, b"");
    let body = br#"{"secret_name":"n","secret_value":"a value"}"#;
    let head = world.operator().head("POST", "/v1/secrets/");
    let length = body.len();
    let begin = format!("{head}content-length: {length}\r\nexpect: 100-continue\r\n\r\n");
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        read_answer(&mut stream).await.unwrap().expect(200);
        // Its request is in flight once the server sends `100 Continue`.
        stream.write_all(begin.as_bytes()).await.unwrap();
        let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut interim).await.unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100"));
        open.push(stream);
    }
    let mut third = TcpStream::connect(world.address).await.unwrap();
    third.write_all(&request).await.unwrap();
    let early = timeout(Duration::from_millis(200), read_answer(&mut third)).await;
    assert!(early.is_err(), "it was served beyond the limit");
    // Connections in use stay in use.
    open[0].write_all(body).await.unwrap();
    read_answer(&mut open[0]).await.unwrap().expect(200);
    drop(open.pop());
    let late = timeout(PATIENCE, read_answer(&mut third)).await;
    late.expect("a place became free").unwrap().expect(200);
}

#[tokio::test]
async fn silent_connections_do_not_keep_their_slots_for_ever() {
    let world = World::start_with(|settings| {
        settings.server.limits.connections = 4;
        settings.server.limits.header_seconds = 1;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(world.address).await.unwrap());
    }
    let served = timeout(PATIENCE, world.anonymous().get("/healthz")).await;
    served.expect("a place becomes free").expect(200);
}

#[tokio::test]
async fn one_that_asks_and_never_reads_is_cut_off() {
    let world = World::start_with(|settings| {
        settings.server.limits.connections = 1;
        settings.server.limits.body_seconds = 1;
    })
    .await;
    let mut deaf = TcpStream::connect(world.address).await.unwrap();
    let request = world.anonymous().bytes("GET", "/openapi.json", None, b"");
    // As many requests as the server accepts before its answers stall.
    let asking = async { while deaf.write_all(&request).await.is_ok() {} };
    timeout(PATIENCE, asking).await.expect("the server closes");
    world.anonymous().get("/healthz").await.expect(200);
}
