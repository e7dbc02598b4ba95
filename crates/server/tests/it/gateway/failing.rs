//! Servers with a malformed answer, or with none: the client gets an error at once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use toolvault_gateway::ServerSettings;
use toolvault_gateway::settings::{Sandbox, StdioServer, Transport};

use super::relay::{Client, ERAS, Era, Gate, PATH, Said};
use crate::harness::World;

const TOOL: &str = r#"{"name":"plain","inputSchema":{"type":"object"}}"#;

/// A program that answers a call with the text of its argument `answer`, in which `ID` stands for the request's ID and
/// `BIG` for more than a message may have.
const PROGRAM: &str = r#"
import json, sys
def say(message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    method, params = asked.get("method"), asked.get("params", {})
    if "id" not in asked: continue
    result = {}
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "p", "version": "1"}}
    elif method == "server/discover":
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif method == "tools/list":
        result = {"tools": [{"name": "plain", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        text = params["arguments"]["answer"].replace("ID", str(asked["id"])).replace("BIG", "x" * 100_000)
        sys.stdout.buffer.write(text.encode("latin-1") + b"\n")
        sys.stdout.flush()
        continue
    say({"jsonrpc": "2.0", "id": asked["id"], "result": result})
"#;

async fn program() -> World {
    World::start_with(|settings| {
        let file = settings.directory.path().join("program.py");
        std::fs::write(&file, PROGRAM).unwrap();
        let server = ServerSettings {
            transport: Transport::Stdio(StdioServer {
                command: vec!["python3".to_owned(), file.to_str().unwrap().to_owned()],
                env: BTreeMap::new(),
                directory: None,
            }),
            credential_arguments: std::collections::BTreeSet::new(),
            allow_override: false,
            pin: toolvault_gateway::settings::Pin::default(),
            approval: toolvault_gateway::settings::ApprovalRules::default(),
            secure_parameters: false,
        };
        let gateway = &mut settings.server.gateway;
        // This test binary cannot sandbox a program.
        gateway.sandbox = Sandbox::Off;
        gateway.limits.message_bytes = 64 << 10;
        gateway.inherited = vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())];
        gateway.servers.insert("linear".parse().unwrap(), server);
    })
    .await
}

/// Texts that the official SDKs accept as an answer with the result `{"x":1}`.
const ACCEPTED: [&str; 5] = [
    r#"{"jsonrpc":"2.0","id":ID,"result":{"x":1}}"#,
    r#"{"jsonrpc":"2.0","id":"ID","result":{"x":1}}"#,
    r#"{"jsonrpc":"2.0","id":ID.0,"result":{"x":1}}"#,
    r#"{"jsonrpc":"2.0","id":ID,"error":null,"result":{"x":1}}"#,
    "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"x\":1,\"y\":\"\u{ff}\"}}",
];

/// Texts that answer a request, but that the SDKs reject.
const REFUSED: [&str; 8] = [
    r#"{"jsonrpc":"2.0","id":ID,"result":{"x":NaN}}"#,
    r#"{"jsonrpc":"2.0","id":ID,"result":{"x":Infinity}}"#,
    r#"{"id":ID,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":ID}"#,
    r#"{"jsonrpc":"2.0","id":ID,"error":"text"}"#,
    r#"{"jsonrpc":"2.0","id":ID,"result":{},"error":{"code":1,"message":"x"}}"#,
    r#"[{"jsonrpc":"2.0","id":ID,"result":{}}]"#,
    "{\n  \"jsonrpc\": \"2.0\",\n  \"id\": ID,\n  \"result\": {}\n}",
];

#[tokio::test]
async fn what_the_sdks_accept_of_a_program_is_an_answer_and_anything_else_an_error_at_once() {
    let world = program().await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        for text in ACCEPTED {
            let arguments = json!({ "answer": text }).to_string();
            let reply = agent.call("plain", &arguments).await;
            assert_eq!(reply.message()["id"], 7, "{era:?} {text}");
            assert_eq!(reply.message()["result"]["x"], 1, "{era:?} {text}");
        }
        for text in REFUSED {
            let arguments = json!({ "answer": text }).to_string();
            let reply = agent.call("plain", &arguments).await;
            assert_eq!(reply.error().0, 1002, "{era:?} {text}");
            assert_eq!(reply.message()["id"], 7, "{era:?} {text}");
        }
        let errored = r#"{"jsonrpc":"2.0","id":ID,"result":null,"error":{"code":5,"message":"x"}}"#;
        let reply = agent
            .call("plain", &json!({ "answer": errored }).to_string())
            .await;
        assert_eq!(reply.error(), (5, "x"), "{era:?}");
    }
}

#[tokio::test]
async fn a_server_over_http_is_read_in_the_same_way() {
    let gate = Gate::start(&[TOOL]).await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        for is_stream in [false, true] {
            for (texts, is_accepted) in [(&ACCEPTED[..], true), (&REFUSED[..], false)] {
                for text in texts {
                    let answer = text.replace("ID", "7");
                    gate.upstream.on("tools/call", move |_| {
                        if is_stream {
                            let lines: Vec<String> = vec![answer.replace('\n', "\ndata: ")];
                            Said::Events(lines)
                        } else {
                            Said::Json(200, answer.clone())
                        }
                    });
                    let reply = agent.call("plain", "{}").await;
                    let about = format!("{era:?} {is_stream} {text}");
                    assert_eq!(reply.message()["id"], 7, "{about}");
                    // Over HTTP a message may have line breaks between its members.
                    if is_accepted || text.contains('\n') {
                        assert!(reply.message().get("result").is_some(), "{about}");
                    } else {
                        assert_eq!(reply.error().0, 1002, "{about}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_status_of_the_server_is_told_with_its_meaning() {
    let gate = Gate::start(&[TOOL]).await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        assert_eq!(agent.tool_names().await, ["plain"]);
        for (status, code, text, is_undone) in [
            (500, 1002, "500 Internal Server Error", false),
            (405, 1002, "405 Method Not Allowed", true),
            // A proxy answers so to a request that it has passed on, too.
            (408, 1002, "408 Request Timeout", false),
            (503, 1002, "503 Service Unavailable", false),
            (429, 1003, "429 Too Many Requests", true),
        ] {
            gate.upstream.on("tools/call", move |_| Said::Empty(status));
            let reply = agent.call("plain", "{}").await;
            assert_eq!(reply.error().0, code, "{era:?} {status}");
            assert!(reply.error().1.contains(text), "{reply:?}");
            let is_unknown = reply.error().1.contains("carried out is unknown");
            assert_eq!(is_unknown, !is_undone, "{reply:?}");
        }
        for status in [429, 503] {
            gate.upstream.on("tools/call", move |_| {
                Said::Header(status, "retry-after", "17".to_owned())
            });
            let reply = agent.call("plain", "{}").await;
            assert_eq!(reply.error().0, 1003, "{era:?} {status}");
            assert!(reply.error().1.contains("in 17 s"), "{reply:?}");
            assert_eq!(reply.message()["error"]["data"]["retryAfter"], 17);
        }
    }
}

#[tokio::test]
async fn a_size_limit_is_named_and_ends_only_that_call() {
    let gate = Gate::start_with(&[TOOL], |gateway, _| {
        gateway.limits.message_bytes = 64 << 10;
    })
    .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        gate.upstream.on("tools/call", |heard| {
            heard.result(&json!({ "content": "x".repeat(100_000) }))
        });
        let reply = agent.call("plain", "{}").await;
        assert_eq!(reply.error().0, 1002, "{era:?}");
        assert!(reply.error().1.contains("65536 bytes"), "{reply:?}");
        gate.upstream
            .on("tools/call", |heard| heard.result(&json!({ "x": 1 })));
        let reply = agent.call("plain", "{}").await;
        assert_eq!(reply.message()["result"]["x"], 1, "{era:?}");
    }
}

#[tokio::test]
async fn a_message_of_a_program_that_is_too_large_ends_that_call_and_not_the_program() {
    let world = program().await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        let mut numbers = Vec::new();
        for text in [
            r#"{"jsonrpc":"2.0","id":ID,"result":{"number":ID}}"#,
            r#"{"jsonrpc":"2.0","id":ID,"result":{"x":"BIG"}}"#,
            r#"{"result":{"x":"BIG"},"jsonrpc":"2.0","id":ID}"#,
            r#"{"jsonrpc":"2.0","id":ID,"result":{"number":ID}}"#,
        ] {
            let arguments = json!({ "answer": text }).to_string();
            let reply = agent.call("plain", &arguments).await;
            if text.contains("BIG") {
                assert_eq!(reply.error().0, 1002, "{era:?} {text}");
                assert!(reply.error().1.contains("65536 bytes"), "{reply:?}");
            } else {
                numbers.push(reply.message()["result"]["number"].as_u64().unwrap());
            }
        }
        // A restarted program would count from the beginning.
        assert!(numbers[1] > numbers[0] + 2, "{era:?} {numbers:?}");
    }
}

#[tokio::test]
async fn a_session_that_a_call_uses_is_not_evicted() {
    let gate = Gate::start_with(&[TOOL], |gateway, _| {
        gateway.limits.sessions_per_caller = 2;
        gateway.limits.session_idle = Duration::from_hours(1);
    })
    .await;
    let busy = gate.agent(Era::Legacy).await;
    let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    gate.upstream.on("tools/call", move |_| {
        Said::Stream(receiver.lock().unwrap().take().unwrap())
    });
    let message = busy.message("tools/call", r#"{"name":"plain","arguments":{}}"#);
    let mut call = busy.open("POST", &message, Vec::new()).await;
    let idle = gate.agent(Era::Legacy).await;
    // Each new one ends the idle one, never the one in use.
    let other = gate.agent(Era::Legacy).await;
    assert_eq!(idle.ask("ping", "{}").await.head.status, 404);
    let mut stream = other.listen().await;
    let refused = Client::unbegun(&gate.world, &gate.world.agent(), PATH, Era::Legacy)
        .initialize()
        .await;
    assert_eq!(refused.head.status, 429);
    assert!(refused.error().1.contains("in use"), "{refused:?}");
    let answer: Value = json!({ "jsonrpc": "2.0", "id": 7, "result": { "x": 1 } });
    feed.send(format!("data: {answer}\n\n")).unwrap();
    assert_eq!(call.message().await["result"]["x"], 1);
    assert!(call.next().await.is_none());
    assert_eq!(other.ask("ping", "{}").await.head.status, 200);
    drop(feed);
    // The session of the call is idle now, so it is ended for a new one.
    gate.agent(Era::Legacy).await;
    assert_eq!(busy.ask("ping", "{}").await.head.status, 404);
    drop(stream.next());
}
