//! Bodies that are too long, or whose announced length is wrong.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{CANARY, WITH_BODY, is_silent};
use crate::harness::{World, exchange, read_answer, read_answers};

#[tokio::test]
async fn beyond_256_kib_is_413_announced_or_not() {
    let world = World::start().await;
    let operator = world.operator();
    for (method, path) in WITH_BODY {
        let head = operator.head(method, path);
        let announced = format!("{head}content-length: 262145\r\n\r\n");
        let answer = exchange(world.address, announced.as_bytes()).await;
        answer.refused(413, "body_too_large");
        let body = [CANARY.as_bytes(), &vec![b'['; 262_145 - CANARY.len()]].concat();
        let answer = operator
            .send(method, path, Some("application/json"), &body)
            .await;
        answer.refused(413, "body_too_large");
        is_silent(&answer);
        let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
        for _ in 0..5 {
            chunked.extend_from_slice(b"10000\r\n");
            chunked.extend_from_slice(&vec![b'['; 65_536]);
            chunked.extend_from_slice(b"\r\n");
        }
        exchange(world.address, &chunked)
            .await
            .refused(413, "body_too_large");
    }
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let world = World::start().await;
    let operator = world.operator();
    let mut body = br#"{"secret_name":"n","secret_value":"a value"}"#.to_vec();
    body.resize(262_144, b' ');
    let answer = operator.send("POST", "/v1/secrets/", None, &body).await;
    answer.expect(200);
    let head = operator.head("POST", "/v1/secrets/");
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for part in body.chunks(1_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    exchange(world.address, &chunked).await.expect(200);
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_400() {
    let world = World::start().await;
    let operator = world.operator();
    let head = operator.head("POST", "/v1/secrets/");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let short = format!("{head}content-length: 100\r\n\r\n{{\"secret_name\":\"{CANARY}\"}}");
    stream.write_all(short.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_answer(&mut stream).await.expect("an answer");
    answer.refused(400, "incomplete");
    is_silent(&answer);
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn what_follows_a_body_is_no_second_request_without_a_credential_of_its_own() {
    let world = World::start().await;
    let operator = world.operator();
    let body = r#"{"secret_name":"n","secret_value":"a value"}"#;
    let head = operator.head("POST", "/v1/secrets/");
    let smuggled = format!(
        "POST /v1/secrets/ HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for framing in [
        format!("content-length: {}\r\n\r\n{body}{smuggled}", body.len()),
        format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{smuggled}"),
        format!(
            "content-length: {}\r\ncontent-length: 0\r\n\r\n{body}{smuggled}",
            body.len()
        ),
        format!("content-length: 0, {}\r\n\r\n{body}{smuggled}", body.len()),
        format!("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("content-length: +{}\r\n\r\n{body}", body.len()),
        format!("content-length: -1\r\n\r\n{body}"),
        format!("content-length: 99999999999999999999\r\n\r\n{body}"),
    ] {
        let before = operator.count().await;
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream
            .write_all(format!("{head}{framing}").as_bytes())
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
        let answers = read_answers(&mut stream).await;
        let stored = operator.count().await - before;
        let accepted = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(stored, accepted as u64, "{framing:?}");
        assert!(accepted <= 1, "{framing:?}");
        assert!(!answers.is_empty(), "{framing:?} was not answered");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert!(
                matches!(answer.status, 400 | 401 | 413 | 422),
                "{framing:?} {}",
                answer.status
            );
        }
    }
}
