//! What is sent, and what happens to spans that cannot be.

use super::*;

fn installation() -> InstallationId {
    serde_json::from_str("\"01998000-0000-7000-8000-000000000001\"").unwrap()
}

fn span() -> Span {
    Span {
        trace: [1; 16],
        id: [2; 8],
        parent: Some([3; 8]),
        name: "resolve",
        from_to: (1_800_000_000_000_000_000, 1_800_000_000_000_001_000),
        kind: Kind::Internal,
        has_failed: false,
        attributes: vec![
            ("text", json!("a")),
            ("number", json!(7)),
            ("truth", json!(true)),
        ],
    }
}

#[test]
fn a_span_is_written_as_otlp_has_it() {
    let whole = body(installation(), &[span()]);
    let resource = &whole["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(resource[0]["value"]["stringValue"], "toolvault");
    let expected = json!({
        "traceId": "01010101010101010101010101010101",
        "spanId": "0202020202020202",
        "parentSpanId": "0303030303030303",
        "name": "resolve",
        "kind": 1,
        "startTimeUnixNano": "1800000000000000000",
        "endTimeUnixNano": "1800000000000001000",
        "attributes": [
            { "key": "text", "value": { "stringValue": "a" } },
            { "key": "number", "value": { "intValue": "7" } },
            { "key": "truth", "value": { "boolValue": true } },
        ],
        "status": {},
    });
    assert_eq!(
        whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0],
        expected
    );
    let failed = Span {
        has_failed: true,
        parent: None,
        ..span()
    };
    let failed = written(&failed);
    assert_eq!(failed["status"]["code"], 2);
    assert_eq!(failed["parentSpanId"], "");
}

#[tokio::test]
async fn spans_that_find_the_queue_full_and_those_that_are_not_taken_are_counted() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let policy = HttpPolicy {
        allow_private_network: true,
        ..HttpPolicy::default()
    };
    let made = Spans::new(format!("http://{address}/v1/traces"), policy);
    let (spans, mut exporter) = made.unwrap();
    for _ in 0..WAITING + 3 {
        spans.add(span());
    }
    assert_eq!(spans.counts().dropped.get(), 3);
    let next = exporter.next().await;
    assert_eq!(next.len(), MOST);
    let sent = exporter.send(installation(), &next, HeaderMap::new()).await;
    assert!(matches!(sent, Err(ExportError::NoAnswer(_))));
    assert_eq!(spans.counts().dropped.get(), 3 + MOST as u64);
    assert_eq!(spans.counts().sent.get(), 0);
}
