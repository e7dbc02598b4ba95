//! `mcp stdio`: the messages to the gateway and to the client.

mod breaks;
mod listing;
mod recovery;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::script::{Asked, Happening, PATIENCE, Reply, Script};
use crate::installation::Installation;

const KEY: &str = "tvk_canary";

/// A client's side of a process.
struct Client {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    _installation: Installation,
}

impl Client {
    fn start(url: &str, arguments: &[&str]) -> Self {
        let installation = Installation::empty();
        let mut process = installation
            .command(&[&["mcp", "stdio"], arguments].concat())
            .env("TOOLVAULT_URL", url)
            .env("TOOLVAULT_API_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            input: process.stdin.take(),
            process,
            lines,
            _installation: installation,
        }
    }

    fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    fn say_text(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, which is JSON.
    fn hear(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        assert!(!line.contains(KEY), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    /// The answer to this request; other messages are skipped.
    fn answer_to(&self, id: u64) -> Value {
        loop {
            let message = self.hear();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Closes its input, and returns the exit status and the remaining output.
    fn close(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        let status = self.process.wait().unwrap().code();
        (status, self.lines.iter().collect())
    }
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A request of the later era.
fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(id, method, &params)
}

/// A gateway of the earlier era.
fn legacy(asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.rpc()) {
        ("POST", "initialize") => Reply::result(asked, &json!({"protocolVersion": "2025-11-25"}))
            .with("Mcp-Session-Id", "session-1"),
        ("POST", "tools/call") => Reply::events(concat!(
            ": hello\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\ndata: \"params\":{}}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"n\":1.0}}\n\n",
        )),
        ("POST", _) => Reply::empty(202),
        ("GET", _) => {
            Reply::events("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n\n").held()
        }
        _ => Reply::empty(200),
    }
}

#[test]
fn a_session_of_the_earlier_era_goes_from_its_opening_to_its_end() {
    let gateway = Script::start(legacy);
    let mut client = Client::start(&gateway.url(), &["linear"]);
    client.say(&request(
        1,
        "initialize",
        &json!({"protocolVersion": "2025-11-25"}),
    ));
    assert_eq!(client.hear()["result"]["protocolVersion"], "2025-11-25");
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    assert_eq!(client.hear()["method"], "ping");
    client.say(&json!({"jsonrpc": "2.0", "id": 7, "result": {}}));
    client.say(&request(
        2,
        "tools/call",
        &json!({"name": "get", "arguments": {"x": 1}}),
    ));
    assert_eq!(client.hear()["method"], "notifications/progress");
    assert_eq!(
        client.lines.recv_timeout(PATIENCE).unwrap(),
        r#"{"jsonrpc":"2.0","id":2,"result":{"n":1.0}}"#
    );
    assert_eq!(client.close(), (Some(0), Vec::new()));

    let asked = gateway.asked_until(|asked| asked.method == "DELETE");
    assert!(asked.iter().all(|asked| asked.path == "/mcp/linear"));
    assert!(
        asked
            .iter()
            .all(|asked| asked.header("authorization") == format!("Bearer {KEY}"))
    );
    let (first, later) = asked.split_first().unwrap();
    assert_eq!(first.header("mcp-session-id"), "");
    assert_eq!(
        first.header("accept"),
        "application/json, text/event-stream"
    );
    for asked in later {
        assert_eq!(asked.header("mcp-session-id"), "session-1", "{asked:?}");
        assert_eq!(
            asked.header("mcp-protocol-version"),
            "2025-11-25",
            "{asked:?}"
        );
        assert_eq!(asked.header("mcp-method"), "", "{asked:?}");
    }
    let mut kinds: Vec<String> = asked
        .iter()
        .map(|asked| format!("{} {}", asked.method, asked.rpc()))
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "DELETE ",
            "GET ",
            "POST ",
            "POST initialize",
            "POST notifications/initialized",
            "POST tools/call"
        ]
    );
}

#[test]
fn requests_of_the_later_era_say_what_they_are_in_headers() {
    let properties = json!({
        "region": {"type": "string", "x-mcp-header": "Region"},
        "limit": {"type": "integer", "x-mcp-header": "Limit"},
    });
    let tools = json!({"tools": [{"name": "sql", "inputSchema": {"properties": properties}}]});
    let gateway = Script::start(move |asked| match asked.rpc() {
        "tools/list" => Reply::result(asked, &tools),
        _ => Reply::result(asked, &json!({})),
    });
    let mut client = Client::start(&gateway.url(), &[]);
    let named = json!({"name": "sql", "arguments": {"region": "us-west1", "limit": 7.0}});
    let version = "2026-07-28";
    let encoded = "=?base64?ZmlsZTovLy/DpA==?=";
    for (id, method, params, headers) in [
        (1, "tools/list", json!({}), ["", "", ""]),
        (2, "tools/call", named.clone(), ["sql", "us-west1", "7"]),
        (3, "prompts/get", named, ["sql", "", ""]),
        (
            4,
            "resources/read",
            json!({"uri": "file:///ä"}),
            [encoded, "", ""],
        ),
        (5, "tasks/get", json!({"taskId": "t-1"}), ["t-1", "", ""]),
    ] {
        client.say(&modern(id, method, params));
        assert_eq!(client.hear()["id"], id);
        let asked = gateway.asked_until(|_| true).remove(0);
        assert_eq!(asked.path, "/mcp");
        assert_eq!(asked.header("mcp-protocol-version"), version);
        assert_eq!(asked.header("mcp-method"), method);
        let found =
            ["mcp-name", "mcp-param-region", "mcp-param-limit"].map(|header| asked.header(header));
        assert_eq!(found, headers, "{method}");
    }
    assert_eq!(client.close(), (Some(0), Vec::new()));
}

#[test]
fn requests_run_side_by_side_and_a_cancelled_one_is_dropped() {
    let gateway = Script::start(|asked| match asked.body["id"].as_u64() {
        Some(1) => Reply::events(": begun\n\n").held(),
        _ => Reply::result(asked, &json!({})),
    });
    let mut client = Client::start(&gateway.url(), &["linear"]);
    client.say(&modern(1, "tools/call", json!({"name": "slow"})));
    client.say(&modern(2, "tools/call", json!({"name": "quick"})));
    assert_eq!(client.hear()["id"], 2);
    gateway.asked_until(|asked| asked.body["id"] == 1);
    client.say(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
    );
    let left = loop {
        if let Happening::Left(asked) = gateway.next() {
            break asked;
        }
    };
    assert_eq!(left.body["id"], 1);
    // It is not forwarded, and the cancelled request gets no answer.
    assert_eq!(client.close(), (Some(0), Vec::new()));
    assert!(
        gateway
            .asked()
            .iter()
            .all(|asked| asked.rpc() == "tools/call")
    );
}

#[test]
fn what_goes_wrong_is_an_error_under_the_id_of_the_request() {
    let gateway = Script::start(|asked| match asked.body["id"].as_u64() {
        Some(1) => Reply::json(401, &json!({"detail": "Missing or invalid credentials."})),
        Some(2) => Reply::text(500, "text/html", "<h1>canary</h1>"),
        Some(3) => Reply::json(
            400,
            &json!({"jsonrpc": "2.0", "id": 3, "error": {"code": -32020, "message": "mismatch"}}),
        ),
        Some(4) => Reply::json(
            400,
            &json!({"jsonrpc": "2.0", "id": null, "error": {"code": 1004, "message": "no such server"}}),
        ),
        Some(5) => Reply::events("data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n"),
        _ => Reply::text(200, "application/json", "{not JSON"),
    });
    let mut client = Client::start(&gateway.url(), &["linear"]);
    let mut answer = |id: u64| {
        client.say(&request(id, "tools/list", &json!({})));
        let mut answer = client.hear();
        while answer["method"] == "x" {
            answer = client.hear();
        }
        assert_eq!(answer["id"], id);
        (
            answer["error"]["code"].as_i64().unwrap(),
            answer["error"]["message"].as_str().unwrap().to_owned(),
        )
    };
    let told = |code: i64, words: &str| (code, words.to_owned());
    assert_eq!(
        answer(1),
        told(1101, "the gateway refuses the key: check TOOLVAULT_API_KEY")
    );
    assert_eq!(
        answer(2),
        told(1101, "the gateway answered 500 Internal Server Error")
    );
    assert_eq!(answer(3), told(-32020, "mismatch"));
    assert_eq!(answer(4), told(1004, "no such server"));
    assert_eq!(
        answer(5),
        told(1100, "the gateway's answer ended before the result")
    );
    assert_eq!(
        answer(6),
        told(1100, "the gateway's answer ended before the result")
    );
    for (line, code) in [
        ("{not JSON", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\"}", -32600),
    ] {
        client.say_text(line);
        let answer = client.hear();
        assert_eq!(
            (&answer["id"], answer["error"]["code"].as_i64()),
            (&Value::Null, Some(code))
        );
    }
    client.say_text("");
    assert_eq!(client.close(), (Some(0), Vec::new()));
}

#[test]
fn a_gateway_that_is_not_there_is_an_error_of_each_request() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut client = Client::start(&format!("http://{free}"), &["linear"]);
    client.say(&modern(1, "tools/list", json!({})));
    let answer = client.hear();
    let words = answer["error"]["message"].as_str().unwrap();
    assert!(
        words.starts_with("no answer from the gateway for 10 s: the host cannot be connected to"),
        "{words}"
    );
    assert!(words.ends_with(". Is it running?"), "{words}");
    assert_eq!(client.close(), (Some(0), Vec::new()));
}
