//! Whole exchanges: what is sent, what comes back, and where an exchange ends.

use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Builder;

use super::super::{
    GuardedClient, HeaderMap, HeaderValue, HttpError, HttpPolicy, Method, StatusCode,
};
use super::server::{Behaviour, CannedServer};
use super::{local_client, local_policy};

#[tokio::test]
async fn status_headers_and_body_come_back_as_sent() {
    let server = CannedServer::start(Behaviour::Answer(
        "HTTP/1.1 404 Not Found\r\nx-told: yes\r\ncontent-length: 4\r\n\r\nnone",
    ))
    .await;
    let response = local_client().get(&server.url("/a?b=c")).await.unwrap();
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert_eq!(response.headers["x-told"], "yes");
    assert_eq!(response.body, "none");
    assert!(server.heads()[0].starts_with("get /a?b=c http/1.1\r\n"));
}

#[tokio::test]
async fn method_headers_and_body_are_sent_and_nothing_of_our_own_but_the_agent() {
    let server = CannedServer::start(Behaviour::Answer("HTTP/1.1 204 No Content\r\n\r\n")).await;
    let mut headers = HeaderMap::new();
    headers.insert("x-mine", HeaderValue::from_static("1"));
    local_client()
        .send(
            Method::POST,
            &server.url("/"),
            headers,
            Bytes::from_static(b"{}"),
        )
        .await
        .unwrap();
    let mut names: Vec<String> = server.heads()[0]
        .lines()
        .skip(1)
        .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["accept", "content-length", "host", "user-agent", "x-mine"]
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = CannedServer::start(Behaviour::Answer(
        "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let response = local_client().get(&server.url("/")).await.unwrap();
    assert_eq!(response.status, StatusCode::FOUND);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_cookie_is_not_kept() {
    let server = CannedServer::start(Behaviour::Answer(
        "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let client = local_client();
    client.get(&server.url("/")).await.unwrap();
    client.get(&server.url("/")).await.unwrap();
    assert_eq!(server.heads().len(), 2);
    assert!(server.heads().iter().all(|head| !head.contains("cookie")));
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_read_and_one_more_byte_is_not() {
    const AT_CAP: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n12345678";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n";
    let client = GuardedClient::new(HttpPolicy {
        max_body_bytes: 8,
        ..local_policy()
    })
    .unwrap();
    let server = CannedServer::start(Behaviour::Answer(AT_CAP)).await;
    assert_eq!(client.get(&server.url("/")).await.unwrap().body, "12345678");
    let server = CannedServer::start(Behaviour::Answer(CHUNKED)).await;
    let error = client.get(&server.url("/")).await.err().unwrap();
    assert!(matches!(error, HttpError::TooLarge { limit: 8 }));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n",
    ] {
        let server = CannedServer::start(Behaviour::Endless(head)).await;
        let error = local_client().get(&server.url("/")).await.err().unwrap();
        assert!(
            matches!(error, HttpError::TooLarge { limit: 1024 }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let server = CannedServer::start(Behaviour::Answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123",
    ))
    .await;
    let error = local_client().get(&server.url("/")).await.err().unwrap();
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    let server = CannedServer::start(Behaviour::Answer("SSH-2.0-OpenSSH\r\n")).await;
    let error = local_client().get(&server.url("/")).await.err().unwrap();
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_none() {
    let server = CannedServer::start(Behaviour::Silent).await;
    let client = GuardedClient::new(HttpPolicy {
        connect_timeout: Duration::from_millis(50),
        ..local_policy()
    })
    .unwrap();
    let url = server.url("/").replacen("http", "https", 1);
    let error = client.get(&url).await.err().unwrap();
    assert!(matches!(error, HttpError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_total_timeout() {
    let server = CannedServer::start(Behaviour::Silent).await;
    let client = GuardedClient::new(HttpPolicy {
        total_timeout: Duration::from_millis(50),
        ..local_policy()
    })
    .unwrap();
    let error = client.get(&server.url("/")).await.err().unwrap();
    assert!(matches!(error, HttpError::Timeout), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    drop(server);
    let error = local_client().get(&url).await.err().unwrap();
    assert!(matches!(error, HttpError::Unreachable(_)), "{error}");
}

#[test]
fn a_runtime_does_not_wait_for_the_connections_of_another() {
    let others = Builder::new_multi_thread().enable_all().build().unwrap();
    let server = others.block_on(CannedServer::start(Behaviour::Pausing(
        "HTTP/1.1 204 No Content\r\n\r\n",
    )));
    let client = local_client();
    // The first one keeps its connection open, and does not run any more.
    let runtimes = [(); 2].map(|()| Builder::new_current_thread().enable_all().build().unwrap());
    for runtime in &runtimes {
        let answer = runtime.block_on(client.get(&server.url("/")));
        assert_eq!(answer.unwrap().status, StatusCode::NO_CONTENT);
    }
    assert_eq!(server.heads().len(), 2);
}
