//! `mcp test`: working servers, and the messages about problems.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::script::{Asked, Reply, Script};
use crate::installation::Installation;

fn run(gateway: &Script, arguments: &[&str]) -> String {
    let installation = Installation::empty();
    let mut command = installation.command(&[&["mcp", "test"], arguments].concat());
    command
        .env("TOOLVAULT_URL", gateway.url())
        .env("TOOLVAULT_API_KEY", "tvk_canary");
    let transcript = installation.transcript(&mut command, "");
    assert!(!transcript.contains("canary"), "{transcript}");
    transcript
}

/// The API's answer about a tool.
fn explain(asked: &Asked, outcome: &str) -> Reply {
    let tool = asked.path.split('/').nth(3).unwrap();
    let token = json!({"arg": "api_token", "outcome": outcome, "winner": "x", "tied": false, "near": [], "candidates": [{
        "secret_id": "x", "secret_name": "linear-prod", "pattern": "linear__*", "wins": true,
        "why": "the only default for this argument",
    }]});
    let header = json!({"arg": "headers.Authorization", "outcome": "binding", "winner": "h", "tied": false, "near": [],
        "candidates": [{"secret_id": "h", "secret_name": "linear-header", "pattern": "linear__*", "wins": true,
            "why": "the binding names it"}]});
    // A default for the whole server does not concern tools that do not declare its argument.
    let undeclared = json!({"arg": "api_token", "outcome": "none", "winner": null, "tied": false, "candidates": [],
        "near": [{"secret_id": "x", "secret_name": "linear-prod", "why": "the tool does not declare this argument, only q"}]});
    let broad = json!({"arg": "anything", "outcome": "none", "winner": null, "tied": false, "candidates": [],
        "near": [{"secret_id": "y", "secret_name": "for-everything", "why": "its pattern is too broad for the gateway"}]});
    let arguments = match tool {
        "linear__" => json!([header]),
        _ if tool.ends_with("plain") => json!([undeclared]),
        _ if outcome == "broad" => json!([broad]),
        _ => json!([token]),
    };
    let would_succeed = matches!(outcome, "default" | "broad") || !tool.contains("issue");
    Reply::json(
        200,
        &json!({"tool_name": tool, "would_succeed": true, "arguments": [], "gateway": {
            "server": "linear", "would_succeed": would_succeed, "schema_known": true, "arguments": arguments}}),
    )
}

fn tools(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| json!({"name": name, "inputSchema": {"properties": {"q": {}}}}))
        .collect()
}

/// A server of the later era, whose secrets have this `outcome`.
fn modern(outcome: &'static str) -> Script {
    Script::start(move |asked| match (asked.path.as_str(), asked.rpc()) {
        ("/mcp/linear", "server/discover") => Reply::result(
            asked,
            &json!({"supportedVersions": ["2026-07-28"], "_meta": {
                "io.modelcontextprotocol/serverInfo": {"name": "Linear\u{1b}[2J", "version": "1.2"}}}),
        ),
        ("/mcp/linear", "tools/list") if asked.body["params"]["cursor"] == "2" => {
            Reply::result(asked, &json!({"tools": tools(&["plain"])}))
        }
        ("/mcp/linear", "tools/list") => Reply::result(
            asked,
            &json!({"tools": tools(&["get\u{202e}issue"]), "nextCursor": "2"}),
        ),
        ("/mcp/linear", _) => Reply::empty(500),
        _ => explain(asked, outcome),
    })
}

#[test]
fn a_server_of_the_later_era_is_shown_with_what_its_tools_would_get() {
    let gateway = modern("default");
    assert_snapshot!(run(&gateway, &["linear"]), @r"
    exit status 0
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  Linear\u{1b}[2J 1.2
    CREDENTIAL  SECRET
    headers.Authorization  linear-header
    TOOL  HIDDEN  SECRET
    get\u{202e}issue  api_token  linear-prod
    plain  -  -
    ");
    assert_snapshot!(run(&gateway, &["linear", "--tool", "plain"]), @r"
    exit status 0
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  Linear\u{1b}[2J 1.2
    CREDENTIAL  SECRET
    headers.Authorization  linear-header
    TOOL  HIDDEN  SECRET
    plain  -  -
    Through the gateway, at the server linear, it would get no secret:
    api_token: none
      almost  linear-prod  x  the tool does not declare this argument, only q
    ");
    assert_snapshot!(run(&gateway, &["linear", "--tool", "other"]), @r"
    exit status 1
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  Linear\u{1b}[2J 1.2
    error: the server has no tool 'other'
    ");
}

#[test]
fn a_secret_that_cannot_be_used_is_told() {
    assert_snapshot!(run(&modern("secret_expired"), &["linear"]), @r"
    exit status 1
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  Linear\u{1b}[2J 1.2
    CREDENTIAL  SECRET
    headers.Authorization  linear-header
    TOOL  HIDDEN  SECRET
    get\u{202e}issue  api_token  linear-prod
    plain  -  -
    error: get\u{202e}issue: the secret 'linear-prod' for api_token has expired; give it a new value and a later end
    ");
}

#[test]
fn a_secret_that_serves_no_tool_is_told() {
    assert_snapshot!(run(&modern("broad"), &["linear", "--tool", "get\u{202e}issue"]), @r"
    exit status 1
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  Linear\u{1b}[2J 1.2
    CREDENTIAL  SECRET
    headers.Authorization  linear-header
    TOOL  HIDDEN  SECRET
    get\u{202e}issue  -  -
    Through the gateway, at the server linear, it would get no secret:
    anything: none
      almost  for-everything  y  its pattern is too broad for the gateway
    error: the secret 'for-everything' is not used for anything: its pattern is too broad for the gateway
    ");
}

#[test]
fn a_credential_that_the_model_is_asked_for_is_told() {
    let gateway = Script::start(|asked| match (asked.path.as_str(), asked.rpc()) {
        ("/mcp/linear", "server/discover") => {
            Reply::result(asked, &json!({"supportedVersions": ["2026-07-28"]}))
        }
        ("/mcp/linear", _) => Reply::result(
            asked,
            &json!({"tools": [
            {"name": "get", "inputSchema": {"properties": {"api_token": {}, "page_token": {}, "id": {}}}}]}),
        ),
        (path, _) => Reply::json(
            200,
            &json!({"tool_name": path, "would_succeed": true, "arguments": [], "gateway": {
            "server": "linear", "would_succeed": true, "schema_known": true, "arguments": []}}),
        ),
    });
    assert_snapshot!(run(&gateway, &["linear"]), @r"
    exit status 1
    gateway  http://[address]/mcp/linear
    protocol  2026-07-28 (each request by itself)
    server  -
    TOOL  HIDDEN  SECRET
    get  -  -
    error: get: no secret serves api_token, so the model is asked for it
    ");
}

#[test]
fn a_server_that_only_the_file_knows_is_told() {
    let gateway = Script::start(|_| Reply::json(404, &json!({"detail": "Not Found"})));
    let installation = Installation::empty();
    let file = installation.path().join("toolvault.toml");
    std::fs::write(&file, "[gateway.servers.linear]\ncommand = ['x']\n").unwrap();
    let mut command =
        installation.command(&["mcp", "test", "linear", "--config", file.to_str().unwrap()]);
    command
        .env("TOOLVAULT_URL", gateway.url())
        .env("TOOLVAULT_API_KEY", "tvk_canary");
    assert_snapshot!(installation.transcript(&mut command, ""), @r"
    exit status 1
    error: the configuration file has the server 'linear', but the running server does not know it
    hint: run toolvault reload, or restart the server
    ");
}

#[test]
fn a_server_of_the_earlier_era_is_opened_with_a_session_that_is_ended() {
    let gateway = Script::start(|asked| {
        match (asked.method.as_str(), asked.rpc()) {
        ("DELETE", _) => Reply::empty(200),
        (_, "server/discover") => Reply::json(400, &json!({"detail": "no"})),
        (_, "initialize") => Reply::result(
            asked,
            &json!({"protocolVersion": "2025-06-18", "serverInfo": {"name": "Files", "version": "3"}}),
        )
        .with("Mcp-Session-Id", "session-1"),
        (_, "notifications/initialized") => Reply::empty(202),
        (_, "tools/list") => Reply::result(asked, &json!({"tools": []})),
        ("POST", "") => Reply::json(200, &json!({"tool_name": "files__", "would_succeed": true, "arguments": [],
            "gateway": {"server": "files", "would_succeed": true, "schema_known": false, "arguments": []}})),
        _ => Reply::empty(500),
    }
    });
    assert_snapshot!(run(&gateway, &["files"]), @r"
    exit status 0
    gateway  http://[address]/mcp/files
    protocol  2025-06-18 (with a session)
    server  Files 3
    It lists no tool.
    ");
    let asked = gateway.asked();
    let session: Vec<&str> = asked
        .iter()
        .skip(2)
        .filter(|asked| asked.path.starts_with("/mcp/"))
        .map(|asked| asked.header("mcp-session-id"))
        .collect();
    assert_eq!(session, ["session-1"; 3]);
    assert_eq!(asked.last().unwrap().method, "DELETE");
}

#[test]
fn what_is_wrong_is_said_in_plain_words() {
    for (status, body, expected) in [
        (
            401,
            json!({"detail": "x"}),
            "exit status 1\nerror: the gateway does not accept this key\nhint: check the key in TOOLVAULT_API_KEY, or sign in with: toolvault login",
        ),
        (
            403,
            json!({"detail": "x"}),
            "exit status 1\nerror: the gateway refuses this key\nhint: it needs the scope 'use', and tools of this server among its patterns",
        ),
        (
            404,
            json!({"detail": "x"}),
            "exit status 1\nerror: there is nothing at http://[address]/mcp/linear\nhint: toolvault mcp list shows the servers of the configuration; to serve one that was added, run toolvault reload or restart the server",
        ),
        (
            200,
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": 1001, "message": "api_token has no secret"}}),
            "exit status 1\nerror: the gateway says: api_token has no secret",
        ),
        (
            200,
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": 1002, "message": "no answer from 'linear'"}}),
            "exit status 1\nerror: the gateway says: no answer from 'linear'\nhint: the log of toolvault serve says why, and what a program printed; for a service: journalctl --user --unit toolvault",
        ),
        (
            502,
            json!({}),
            "exit status 2\nerror: the gateway says: the gateway answered 502 Bad Gateway, without a message of the protocol\nhint: the log of toolvault serve says why, and what a program printed; for a service: journalctl --user --unit toolvault",
        ),
    ] {
        let gateway = Script::start(move |_| Reply::json(status, &body));
        assert_eq!(run(&gateway, &["linear"]), expected);
    }
}
