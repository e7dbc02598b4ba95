//! Messages that no gateway would send.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::plane::{Answer, Plane, Question, REQUEST, RESULT, TOKEN, exchange, field, framed};
use crate::harness::Actor;

fn failed(code: &str) -> Answer {
    Answer::Failed(code.to_owned())
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let plane = Plane::start(&["linear"]).await;
    let mut nested = field(3, b"x");
    for _ in 0..2_000 {
        nested = field(5, &field(1, &field(2, &nested)));
    }
    let nested = field(3, &field(1, &field(2, &nested)));
    for (body, code) in [
        (Vec::new(), "3"),
        (b"\0\0\0\0".to_vec(), "3"),
        (framed(0, b"\xff\xff\xff"), "3"),
        (framed(0, &[10, 200, 1, 1]), "3"),
        (framed(1, b""), "12"),
        (framed(7, b""), "3"),
        ([framed(0, b""), framed(0, b"")].concat(), "3"),
        (framed(0, &vec![0; 18 << 20]), "8"),
    ] {
        let answer = plane.send(REQUEST, &body).await;
        assert_eq!(answer, failed(code), "{} bytes", body.len());
    }
    // A message within messages that are not read is skipped or refused, but harms nothing.
    let answer = plane.send(RESULT, &framed(0, &nested)).await;
    assert!(
        matches!(answer, Answer::Failed(_) | Answer::Error(..)),
        "{answer:?}"
    );
    let answer = plane.send("Other", &framed(0, b"")).await;
    assert_eq!(answer, failed("12"));
}

#[tokio::test]
async fn only_grpc_is_answered() {
    let plane = Plane::start(&["linear"]).await;
    let uri = "http://localhost/agentgateway.dev.ext_mcp.ExtMcp/CheckRequest";
    let bearer = format!("Bearer {TOKEN}");
    let json = Request::post(uri)
        .header("content-type", "application/json")
        .header("authorization", &bearer)
        .body(Body::from("{}"));
    let (head, body, _) = exchange(plane.address(), json.unwrap()).await;
    assert_eq!((head.status().as_u16(), body.len()), (415, 0));
    for path in ["/", "/v1/secrets/", "/mcp", "/metrics"] {
        let uri = format!("http://localhost{path}");
        let agent = plane.world.operator();
        let request = Request::get(uri).header("x-api-key", agent.sends("x-api-key"));
        let request = request.body(Body::empty());
        let (head, body, _) = exchange(plane.address(), request.unwrap()).await;
        assert_eq!(
            (&head.headers()["grpc-status"], body.len()),
            (&"12".parse().unwrap(), 0)
        );
    }
    // Two tokens are ambiguous.
    let twice = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("authorization", &bearer)
        .header("authorization", &bearer)
        .body(Body::from(framed(0, b"")));
    let (head, ..) = exchange(plane.address(), twice.unwrap()).await;
    assert_eq!(head.headers()["grpc-status"], "16");
}

/// A question about the server `linear`.
fn question<'a>(agent: &'a Actor, method: &'a str, content: &str) -> Question<'a> {
    Question {
        servers: &["linear"],
        method,
        metadata: vec![("x-api-key", agent.sends("x-api-key"))],
        content: Some(content.to_owned()),
        ..Question::default()
    }
}

#[tokio::test]
async fn what_cannot_be_read_does_not_go_on() {
    let plane = Plane::start(&["linear"]).await;
    let agent = plane.world.agent();
    for content in [
        "",
        "{",
        "[]",
        "7",
        "{}",
        r#"{"name":7}"#,
        r#"{"name":"send","arguments":[]}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":"send","arguments":{"\ud800":1}}"#,
        "\u{feff}{",
    ] {
        let asked = question(&agent, "tools/call", content);
        let answer = plane.ask(REQUEST, &asked).await;
        assert!(
            matches!(answer, Answer::Error(3, _)),
            "{content}: {answer:?}"
        );
    }
    for (method, content) in [
        ("tools/list", "{}"),
        ("tools/list", r#"{"tools":7}"#),
        ("tools/list", "["),
        ("tools/call", ""),
        ("tools/call", "nul"),
    ] {
        let asked = question(&agent, method, content);
        let answer = plane.ask(RESULT, &asked).await;
        assert!(
            matches!(answer, Answer::Error(0, _)),
            "{content}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_message_is_for_one_known_server_and_of_one_caller() {
    let plane = Plane::start(&["linear", "files"]).await;
    let agent = plane.world.agent();
    let call = json!({"name": "send"}).to_string();
    for servers in [
        &[][..],
        &["linear", "files"],
        &["unknown"],
        &["LINEAR"],
        &[""],
    ] {
        let asked = Question {
            servers,
            ..question(&agent, "tools/call", &call)
        };
        let answer = plane.ask(REQUEST, &asked).await;
        assert!(
            matches!(answer, Answer::Error(1, _)),
            "{servers:?}: {answer:?}"
        );
    }
    let key = agent.sends("x-api-key");
    for metadata in [
        vec![("x-api-key", key), ("x-api-key", key)],
        vec![("x-api-key", "a\nb")],
        vec![("X-Api-Key", key)],
        vec![("token", key)],
    ] {
        let asked = Question {
            metadata: metadata.clone(),
            ..question(&agent, "ping", "{}")
        };
        let answer = plane.ask(REQUEST, &asked).await;
        assert!(matches!(answer, Answer::Error(1 | 3, _)), "{answer:?}");
    }
    let answer = plane.ask(REQUEST, &question(&agent, "ping", "{}")).await;
    assert_eq!(answer, Answer::Pass);
}
