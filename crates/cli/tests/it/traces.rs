//! Traces on their way to a collector: which spans there are, and that no value or key is in one.

mod collector;
mod settings;

use serde_json::{Value, json};

use self::collector::{Collector, Span};
use crate::full_disk::{request, request_with, text};
use crate::installation::{Installation, Server};
use crate::mcp::script::{Asked, Reply, Script};
use crate::ship::receiver::Receiver;

const VALUE: &str = "sk-the-value-that-stays-here-0123456789";
const TOKEN: &str = "the-token-of-the-collector";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A store whose server sends traces, and has a tool server.
struct World {
    installation: Installation,
    file: String,
    tools: Script,
}

impl World {
    fn new(address: impl std::fmt::Display, settings: &str) -> Self {
        let installation = Installation::empty();
        let headers = installation.path().join("headers");
        std::fs::write(&headers, format!("Authorization: Bearer {TOKEN}\n")).unwrap();
        let tools = Script::start(answer);
        let (headers, url) = (headers.display(), tools.url());
        let text = format!(
            "[traces]\nurl = 'http://{address}/v1/traces'\nheaders_file = '{headers}'\n\
             allow_private_network = true\n{settings}\n\
             [gateway.servers.linear]\nurl = '{url}/mcp'\nallow_private_network = true\n"
        );
        let file = installation.path().join("toolvault.toml");
        std::fs::write(&file, text).unwrap();
        Self {
            file: file.to_str().unwrap().to_owned(),
            installation,
            tools,
        }
    }

    fn serve(&self) -> Server {
        self.installation.serve(&["--config", &self.file])
    }

    fn key(&self) -> String {
        self.installation.first_key("operator_key")
    }

    fn store(&self, server: &Server) {
        let secret = json!({
            "secret_name": "s",
            "secret_value": VALUE,
            "tool_name": "linear__*",
            "tool_arg": "api_token",
            "is_default_for_tool": true,
        });
        let stored = request(
            server,
            &self.key(),
            "POST",
            "/v1/secrets/",
            &secret.to_string(),
        );
        assert_eq!(stored.0, 200, "{stored:?}");
    }
}

/// A tool server whose tool repeats what it got.
fn answer(asked: &Asked) -> Reply {
    match asked.rpc() {
        "server/discover" => Reply::result(
            asked,
            &json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
        ),
        "tools/list" => {
            let properties = json!({"q": {"type": "string"}, "api_token": {"type": "string"}});
            let schema = json!({"type": "object", "properties": properties});
            // A hostile server may name a tool like a value that it got.
            let tools = json!([
                {"name": "get_issue", "inputSchema": schema},
                {"name": VALUE, "inputSchema": schema},
            ]);
            Reply::result(asked, &json!({"tools": tools}))
        }
        _ => {
            let got = asked.body["params"]["arguments"].to_string();
            Reply::result(asked, &json!({"content": [{"type": "text", "text": got}]}))
        }
    }
}

fn call(server: &Server, key: &str, tool: &str, parent: &str) -> (u16, Value) {
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": tool,
        "arguments": {"q": "the-question"},
        "_meta": {
            "traceparent": parent,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let headers = [
        ("x-api-key", key),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
        ("traceparent", parent),
    ];
    request_with(
        server,
        &headers,
        "POST",
        "/mcp/linear?the-query",
        &body.to_string(),
    )
}

#[test]
fn a_call_is_one_trace_without_any_value_key_or_argument() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address, "");
    let server = world.serve();
    let mut collector = Collector::new(&receiver);
    world.store(&server);
    let key = world.key();
    let (status, answer) = call(&server, &key, "get_issue", PARENT);
    assert_eq!(status, 200, "{answer}");
    assert!(!answer.to_string().contains(VALUE), "{answer}");
    let called = collector.until("gateway.call");
    let http = collector.parent_of(&called);
    assert_eq!(called.text("toolvault.server"), Some("linear"));
    assert_eq!(called.text("toolvault.tool"), Some("linear__get_issue"));
    assert_eq!(http.name(), "http.request");
    assert_eq!(http.text("http.route"), Some("/mcp/{server}"));
    assert_eq!(http.text("http.request.method"), Some("POST"));
    assert_eq!(http.number("http.response.status_code"), Some(200));
    assert_eq!(http.parent(), "");
    // The caller is not believed.
    assert!(!PARENT.contains(called.trace()), "{}", called.trace());
    assert!(called.ended() <= http.ended());
    for name in ["resolve", "upstream"] {
        let part = collector.find(|span| span.name() == name && span.trace() == called.trace());
        assert_eq!(part.parent(), called.id(), "{name}");
    }
    let group = collector.find(|span| span.name() == "database.group");
    assert_eq!(group.parent(), "");

    // What the client says in the message reaches the tool server as it is.
    let asked = world.tools.asked_until(|asked| asked.rpc() == "tools/call");
    let meta = &asked.last().unwrap().body["params"]["_meta"];
    assert_eq!(meta["traceparent"], PARENT);

    // A name with a value in it.
    let (_, answer) = call(&server, &key, VALUE, PARENT);
    assert!(!answer.to_string().contains(VALUE), "{answer}");
    let called = collector.until("gateway.call");
    let tool = called.text("toolvault.tool").unwrap_or_default();
    assert!(
        tool.contains("[secret:s]") || tool == "[withheld]",
        "{tool}"
    );
    let log = server.stop_and_read_log();
    for secret in [VALUE, TOKEN, key.as_str(), "the-question", "the-query"] {
        assert!(!collector.everything().contains(secret), "{secret}");
    }
    assert!(!log.contains("toolvault_traces"), "{log}");
    assert!(collector.everything().contains("database.group"));
}

#[test]
fn a_trace_goes_on_only_if_the_configuration_says_so_and_the_header_is_right() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address, "continue = true");
    let server = world.serve();
    let mut collector = Collector::new(&receiver);
    let me = |parent: &str| {
        let (key, headers) = (world.key(), ("traceparent", parent));
        let asked = request_with(
            &server,
            &[("x-api-key", &key), headers],
            "GET",
            "/v1/me",
            "",
        );
        assert_eq!(asked.0, 200);
    };
    let is_me = |span: &Span| {
        span.text("http.route")
            .is_some_and(|route| route.ends_with("/me"))
    };
    me(PARENT);
    let span = collector.find(is_me);
    assert_eq!(span.trace(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.parent(), "b7ad6b7169203331");
    // A caller that does not send its own span, and one whose header is not right.
    me(&PARENT.replace("-01", "-00"));
    me("00-sk-the-value-that-stays-here-0123456789");
    let span = collector.find(is_me);
    assert_eq!(span.parent(), "");
    assert!(!collector.everything().contains("sk-the-value"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_dead_collector_blocks_nothing_and_what_is_dropped_is_counted() {
    let receiver = Receiver::new();
    let world = World::new(receiver.address, "");
    let mut server = world.serve();
    world.store(&server);
    // It hangs, and then it refuses.
    let held = receiver.next();
    let key = world.key();
    for _ in 0..50 {
        assert_eq!(request(&server, &key, "GET", "/v1/me", "").0, 200);
    }
    held.answer("500 Internal Server Error", TOKEN);
    let line = server.wait_for("spans were dropped");
    assert!(
        line.contains("status 500") && !line.contains(TOKEN),
        "{line}"
    );
    let metrics = text(&server, &key, "/metrics");
    let dropped = metrics
        .lines()
        .find_map(|line| line.strip_prefix("toolvault_trace_spans_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
    assert_eq!(server.stop(), Some(0));
}
