//! `mcp stdio` while the gateway is away or breaks off.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::script::{Asked, Happening, Reply, Script};
use super::recovery::{Forgetful, attached, gone, sent_in};
use super::{Client, modern, request};

const UNKNOWN: i64 = 1102;

/// A gateway that breaks off, and a client that speaks one of the eras.
fn broken_off(breaks: &Reply, is_modern: bool) -> (Script, Client) {
    let (forgetful, count) = (Forgetful::new("never"), AtomicUsize::new(0));
    let breaks = breaks.clone();
    let gateway = Script::start(move |asked| match asked.rpc() {
        "tools/call" | "x/unknown" => breaks.clone(),
        "tools/list" if count.fetch_add(1, Ordering::SeqCst) == 0 => breaks.clone(),
        _ => forgetful
            .answer(asked)
            .unwrap_or_else(|| Reply::result(asked, &json!({}))),
    });
    let client = if is_modern {
        Client::start(&gateway.url(), &["up"])
    } else {
        attached(&gateway)
    };
    (gateway, client)
}

#[test]
fn a_call_that_may_have_been_carried_out_is_not_sent_again() {
    let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    let half = "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"resu";
    let replies = [
        Reply::nothing(),
        Reply::events(progress),
        Reply::events(half),
    ];
    for (breaks, is_modern) in replies
        .iter()
        .flat_map(|reply| [(reply, false), (reply, true)])
    {
        let (gateway, mut client) = broken_off(breaks, is_modern);
        let mut answer = |id, method: &str, params| {
            client.say(&if is_modern {
                modern(id, method, params)
            } else {
                request(id, method, &params)
            });
            client.answer_to(id)
        };
        let error = &answer(2, "tools/call", json!({"name": "pay"}))["error"];
        assert_eq!(error["code"], UNKNOWN, "{error}");
        let words = error["message"].as_str().unwrap();
        assert!(
            words.contains("whether the call was carried out is unknown"),
            "{words}"
        );
        assert_eq!(answer(3, "x/unknown", json!({}))["error"]["code"], UNKNOWN);
        // A control: what may be done twice is sent once more.
        assert_eq!(answer(4, "tools/list", json!({}))["result"], json!({}));
        let asked = gateway.asked();
        let mut sent: Vec<&str> = asked.iter().map(Asked::rpc).collect();
        sent.retain(|method| method.contains('/') && !method.starts_with("notifications/"));
        assert_eq!(
            sent,
            ["tools/call", "x/unknown", "tools/list", "tools/list"]
        );
    }
}

#[test]
fn a_call_whose_stream_cannot_be_resumed_is_not_sent_again() {
    let forgetful = Forgetful::new("never");
    let gateway = Script::start(move |asked| match asked.rpc() {
        "tools/call" => Reply::events("id: 7\nretry: 1\ndata:\n\n"),
        _ if asked.header("last-event-id") == "7" => gone(asked),
        _ => forgetful
            .answer(asked)
            .unwrap_or_else(|| Reply::result(asked, &json!({}))),
    });
    let mut client = attached(&gateway);
    client.say(&request(2, "tools/call", &json!({"name": "pay"})));
    assert_eq!(client.answer_to(2)["error"]["code"], UNKNOWN);
    let asked = gateway.asked();
    let resumed = asked
        .iter()
        .filter(|asked| asked.header("last-event-id") == "7");
    assert_eq!(resumed.count(), 1);
    assert_eq!(sent_in(&asked, "session-1"), ["tools/call"]);
}

#[test]
fn a_request_waits_for_a_gateway_that_is_away() {
    let count = AtomicUsize::new(0);
    let gateway = Script::start(move |asked| {
        if count.fetch_add(1, Ordering::SeqCst) < 3 {
            Reply::text(503, "text/html", "<h1>starting</h1>")
        } else {
            Reply::result(asked, &json!({}))
        }
    });
    let mut client = Client::start(&gateway.url(), &["up"]);
    // What stands before the gateway does not say whether it was reached.
    client.say(&modern(1, "tools/call", json!({"name": "pay"})));
    assert_eq!(client.answer_to(1)["error"]["code"], UNKNOWN);
    client.say(&modern(2, "tools/list", json!({})));
    assert_eq!(client.answer_to(2)["result"], json!({}));
    let asked = gateway.asked();
    let sent: Vec<&str> = asked.iter().map(Asked::rpc).collect();
    assert_eq!(
        sent,
        ["tools/call", "tools/list", "tools/list", "tools/list"]
    );
}

#[test]
fn a_subscription_of_the_later_era_outlives_its_stream() {
    let count = AtomicUsize::new(0);
    let gateway = Script::start(move |asked| {
        let acknowledged = json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
            "params": {"notifications": {"toolsListChanged": true}}});
        let acknowledged = format!("data: {acknowledged}\n\n");
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::events(&acknowledged),
            1 => Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": asked.body["id"], "error": {"code": 1002, "message": "down"}}),
            ),
            _ => Reply::events(&acknowledged).held(),
        }
    });
    let mut client = Client::start(&gateway.url(), &["up"]);
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    client.say(&modern(7, "subscriptions/listen", wanted));
    assert_eq!(
        client.hear()["method"],
        "notifications/subscriptions/acknowledged"
    );
    let changed = client.hear();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    let metadata = &changed["params"]["_meta"];
    assert_eq!(metadata["io.modelcontextprotocol/subscriptionId"], 7);
    let bodies: Vec<Value> = gateway
        .asked()
        .into_iter()
        .map(|asked| asked.body)
        .collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(bodies.len(), 3);
    // The client ends it.
    client.say(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}),
    );
    loop {
        if let Happening::Left(_) = gateway.next() {
            break;
        }
    }
    assert_eq!(client.close(), (Some(0), Vec::new()));
}

#[test]
fn a_stream_of_a_session_that_ends_early_is_resumed() {
    let gateway = Script::start(|asked| match (asked.method.as_str(), asked.rpc()) {
        ("POST", "tools/call") => Reply::events("id: 7\nretry: 1\ndata:\n\n"),
        ("GET", _) if asked.header("last-event-id") == "7" => {
            Reply::events("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n")
        }
        ("GET", _) => Reply::empty(405),
        _ => super::legacy(asked),
    });
    let mut client = Client::start(&gateway.url(), &["linear"]);
    client.say(&request(1, "initialize", &json!({})));
    client.hear();
    client.say(&request(2, "tools/call", &json!({"name": "get"})));
    assert_eq!(
        client.hear(),
        json!({"jsonrpc": "2.0", "id": 2, "result": {}})
    );
    assert_eq!(client.close(), (Some(0), Vec::new()));
}
