//! `mcp stdio` and sessions that the gateway no longer knows.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::script::{Asked, Reply, Script};
use super::{Client, request};

/// A gateway that forgets its first session once the client has sent `forgets` in it.
pub(super) struct Forgetful {
    sessions: AtomicUsize,
    is_forgotten: AtomicUsize,
    forgets: &'static str,
}

impl Forgetful {
    pub(super) fn new(forgets: &'static str) -> Self {
        Self {
            sessions: AtomicUsize::new(0),
            is_forgotten: AtomicUsize::new(0),
            forgets,
        }
    }

    /// Its own answer; `None` if the test answers.
    pub(super) fn answer(&self, asked: &Asked) -> Option<Reply> {
        if asked.rpc() == "initialize" {
            let number = self.sessions.fetch_add(1, Ordering::SeqCst) + 1;
            let result = json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {"listChanged": true}, "prompts": {}},
            });
            let session = format!("session-{number}");
            return Some(Reply::result(asked, &result).with("Mcp-Session-Id", &session));
        }
        if asked.header("mcp-session-id") == "session-1" {
            if asked.rpc() == self.forgets {
                self.is_forgotten.store(1, Ordering::SeqCst);
            }
            if self.is_forgotten.load(Ordering::SeqCst) == 1 {
                return Some(gone(asked));
            }
        }
        match asked.method.as_str() {
            "GET" => Some(Reply::events(": hello\n\n").held()),
            "DELETE" => Some(Reply::empty(200)),
            _ if asked.body["id"].is_null() => Some(Reply::empty(202)),
            _ => None,
        }
    }
}

/// The gateway's answer in a session that it does not know.
pub(super) fn gone(asked: &Asked) -> Reply {
    let error = json!({"code": 1005, "message": "There is no such session: initialize again."});
    let id = &asked.body["id"];
    Reply::json(404, &json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

/// A client that has opened a session.
pub(super) fn attached(gateway: &Script) -> Client {
    let mut client = Client::start(&gateway.url(), &["up"]);
    client.say(&request(
        1,
        "initialize",
        &json!({"protocolVersion": "2025-11-25"}),
    ));
    assert_eq!(client.hear()["result"]["protocolVersion"], "2025-11-25");
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    gateway.asked_until(|asked| asked.method == "GET");
    client
}

/// What was sent in a session, in order.
pub(super) fn sent_in<'a>(asked: &'a [Asked], session: &str) -> Vec<&'a str> {
    let sent = asked.iter();
    sent.filter(|asked| asked.method == "POST" && asked.header("mcp-session-id") == session)
        .map(Asked::rpc)
        .collect()
}

#[test]
fn a_session_that_has_ended_is_opened_again_with_all_that_was_set_in_it() {
    let forgetful = Forgetful::new("tools/call");
    let gateway = Script::start(move |asked| {
        forgetful
            .answer(asked)
            .unwrap_or_else(|| Reply::result(asked, &json!({"of": asked.rpc()})))
    });
    let mut client = attached(&gateway);
    for (id, method, params) in [
        (2, "logging/setLevel", json!({"level": "info"})),
        (3, "logging/setLevel", json!({"level": "error"})),
        (4, "resources/subscribe", json!({"uri": "file:///a"})),
        (5, "resources/subscribe", json!({"uri": "file:///b"})),
        (6, "resources/unsubscribe", json!({"uri": "file:///a"})),
    ] {
        client.say(&request(id, method, &params));
        assert_eq!(client.hear()["id"], id);
    }
    client.say(&request(7, "tools/call", &json!({"name": "get"})));
    assert_eq!(client.hear()["method"], "notifications/tools/list_changed");
    assert_eq!(client.hear()["result"]["of"], "tools/call");
    // The call and the stream come in any order.
    let mut missing = vec!["POST", "GET"];
    let asked = gateway.asked_until(|asked| {
        if asked.header("mcp-session-id") == "session-2" && matches!(asked.rpc(), "tools/call" | "")
        {
            missing.retain(|method| *method != asked.method);
        }
        missing.is_empty()
    });
    assert_eq!(
        sent_in(&asked, "session-2"),
        [
            "notifications/initialized",
            "logging/setLevel",
            "resources/subscribe",
            "tools/call"
        ]
    );
    let again = |method: &str| {
        let mut all = asked.iter().rev();
        all.find(|asked| asked.rpc() == method).unwrap().body["params"].clone()
    };
    assert_eq!(again("logging/setLevel")["level"], "error");
    assert_eq!(again("resources/subscribe")["uri"], "file:///b");
    assert_eq!(client.close(), (Some(0), Vec::new()));
}

#[test]
fn a_session_is_opened_again_once_for_all_requests_and_only_once_for_each() {
    let forgetful = Forgetful::new("tools/list");
    let gateway = Script::start(move |asked| match asked.rpc() {
        // It ends every session at once.
        "tools/call" => gone(asked),
        _ => forgetful
            .answer(asked)
            .unwrap_or_else(|| Reply::result(asked, &json!({}))),
    });
    let mut client = attached(&gateway);
    let ids: Vec<u64> = (2..12).collect();
    for &id in &ids {
        client.say(&request(id, "tools/list", &json!({})));
    }
    let mut answered: Vec<u64> = Vec::new();
    while answered.len() < ids.len() {
        answered.extend(client.hear()["id"].as_u64());
    }
    answered.sort_unstable();
    assert_eq!(answered, ids);
    let opened = |asked: &[Asked]| {
        let opened = asked.iter().filter(|asked| asked.rpc() == "initialize");
        opened.count()
    };
    assert_eq!(opened(&gateway.asked()), 1);
    client.say(&request(20, "tools/call", &json!({"name": "get"})));
    assert_eq!(client.answer_to(20)["error"]["code"], 1101);
    assert_eq!(
        sent_in(&gateway.asked(), "session-3"),
        ["notifications/initialized", "tools/call"]
    );
}

#[test]
fn a_stream_that_finds_its_session_ended_opens_it_again_without_a_request() {
    let forgetful = Forgetful::new("notifications/progress");
    let gateway = Script::start(move |asked| match asked.method.as_str() {
        "GET" if asked.header("mcp-session-id") == "session-1" => {
            let ended = forgetful.answer(asked).unwrap();
            if forgetful.is_forgotten.swap(1, Ordering::SeqCst) == 1 {
                ended
            } else {
                Reply::events(": hello\n\n")
            }
        }
        _ => forgetful.answer(asked).unwrap(),
    });
    let client = attached(&gateway);
    let asked = gateway.asked_until(|asked| {
        asked.method == "GET" && asked.header("mcp-session-id") == "session-2"
    });
    assert_eq!(sent_in(&asked, "session-2"), ["notifications/initialized"]);
    assert_eq!(client.hear()["method"], "notifications/tools/list_changed");
}

#[test]
fn a_proxy_that_lacks_the_stream_ends_no_session() {
    for status in [404, 405] {
        let forgetful = Forgetful::new("never");
        let gateway = Script::start(move |asked| match asked.method.as_str() {
            "GET" => Reply::text(status, "text/html", "<h1>no such page</h1>"),
            _ => forgetful
                .answer(asked)
                .unwrap_or_else(|| Reply::result(asked, &json!({}))),
        });
        let mut client = attached(&gateway);
        client.say(&request(2, "tools/call", &json!({"name": "get"})));
        assert_eq!(client.answer_to(2)["result"], json!({}));
        assert_eq!(client.close(), (Some(0), Vec::new()));
        let asked = gateway.asked();
        let of = |method: &str| asked.iter().filter(|asked| asked.rpc() == method).count();
        // No other session was begun since the first.
        assert_eq!((of("initialize"), of("tools/call")), (0, 1), "{status}");
        assert_eq!(sent_in(&asked, "session-2"), [""; 0]);
    }
}

#[test]
fn why_a_session_cannot_be_opened_again_is_told() {
    for (again, expected) in [
        (
            json!({"error": {"code": 1002, "message": "The server cannot be reached."}}),
            "The server cannot be reached.",
        ),
        (
            json!({"result": {"protocolVersion": "2025-06-18"}}),
            "the session has ended, and the server now speaks another version of the protocol: start the client again",
        ),
    ] {
        let forgetful = Forgetful::new("tools/call");
        let gateway = Script::start(move |asked| {
            if asked.rpc() == "initialize" && forgetful.sessions.load(Ordering::SeqCst) > 0 {
                let mut answer = again.clone();
                answer["jsonrpc"] = json!("2.0");
                answer["id"] = asked.body["id"].clone();
                return Reply::json(200, &answer);
            }
            forgetful.answer(asked).unwrap()
        });
        let mut client = attached(&gateway);
        client.say(&request(2, "tools/call", &json!({"name": "get"})));
        assert_eq!(client.answer_to(2)["error"]["message"], expected);
    }
}
