//! Answers that are read as they come.

use std::time::Duration;

use bytes::Bytes;

use super::super::{GuardedClient, HeaderMap, HttpError, HttpPolicy, Method, Opening, StatusCode};
use super::local_policy;
use super::server::{Behaviour, CannedServer};

/// The head of a stream and its first event.
const FIRST_EVENT: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";

async fn open(policy: HttpPolicy, behaviour: Behaviour) -> Result<Opening, HttpError> {
    let server = CannedServer::start(behaviour).await;
    let client = GuardedClient::new(policy).unwrap();
    let url = server.url("/mcp");
    let body = Bytes::from_static(b"{}");
    client
        .open(Method::POST, &url, HeaderMap::new(), body)
        .await
}

#[tokio::test]
async fn what_has_arrived_is_there_before_the_end() {
    let mut opening = open(local_policy(), Behaviour::Pausing(FIRST_EVENT))
        .await
        .unwrap();
    assert_eq!(opening.status, StatusCode::OK);
    assert_eq!(opening.headers["content-type"], "text/event-stream");
    assert_eq!(opening.chunk().await.unwrap().unwrap(), "data: 1\n\n");
}

#[tokio::test]
async fn a_body_is_read_to_its_end_and_past_the_cap_of_whole_bodies() {
    let policy = HttpPolicy {
        max_body_bytes: 4,
        ..local_policy()
    };
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n12345678";
    let mut opening = open(policy, Behaviour::Answer(answer)).await.unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = opening.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert_eq!(body, b"12345678");
    assert!(opening.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up_after_the_total_timeout() {
    let policy = HttpPolicy {
        total_timeout: Duration::from_millis(50),
        ..local_policy()
    };
    let error = open(policy, Behaviour::Silent).await.err().unwrap();
    assert!(matches!(error, HttpError::Timeout), "{error}");
}

#[tokio::test]
async fn silence_in_the_middle_of_a_body_is_given_up() {
    let policy = HttpPolicy {
        silence_timeout: Some(Duration::from_millis(50)),
        ..local_policy()
    };
    let mut opening = open(policy, Behaviour::Pausing(FIRST_EVENT)).await.unwrap();
    opening.chunk().await.unwrap();
    let error = opening.chunk().await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123";
    let mut opening = open(local_policy(), Behaviour::Answer(answer))
        .await
        .unwrap();
    assert_eq!(opening.chunk().await.unwrap().unwrap(), "123");
    let error = opening.chunk().await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_url_that_the_policy_refuses_is_not_asked() {
    let client = GuardedClient::new(HttpPolicy::default()).unwrap();
    let url = "http://127.0.0.1:1/mcp";
    let opened = client.open(Method::GET, url, HeaderMap::new(), Bytes::new());
    let error = opened.await.err().unwrap();
    assert!(matches!(error, HttpError::ForbiddenAddress), "{error}");
}
