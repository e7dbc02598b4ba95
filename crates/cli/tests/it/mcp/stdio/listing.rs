//! `mcp stdio` and a client of the later era that calls a tool without having listed the tools.

use serde_json::{Value, json};

use super::super::script::{Asked, Reply, Script};
use super::{Client, modern};

/// The answer to a call whose headers do not repeat its arguments.
fn mismatch(asked: &Asked) -> Reply {
    let error = json!({"code": -32020, "message": "the Mcp-Param-Limit header is missing"});
    Reply::json(
        400,
        &json!({"jsonrpc": "2.0", "id": asked.body["id"], "error": error}),
    )
}

/// A list of tools in two pages; the second has the tool `sql`, whose argument `limit` has this schema.
fn list(asked: &Asked, limit: &Value) -> Reply {
    let result = if asked.body["params"]["cursor"].is_null() {
        json!({"tools": [{"name": "other", "inputSchema": {}}], "nextCursor": "two"})
    } else {
        assert_eq!(asked.body["params"]["cursor"], "two");
        json!({"tools": [{"name": "sql", "inputSchema": {"properties": {"limit": limit}}}]})
    };
    Reply::result(asked, &result)
}

fn call(client: &mut Client, id: u64) -> Value {
    let params = json!({"name": "sql", "arguments": {"limit": 7}});
    client.say(&modern(id, "tools/call", params));
    client.answer_to(id)
}

#[test]
fn the_tools_are_listed_if_the_server_asks_for_the_headers_of_arguments() {
    let limit = json!({"type": "integer", "x-mcp-header": "Limit"});
    let gateway = Script::start(move |asked| match asked.rpc() {
        "tools/list" => list(asked, &limit),
        _ if asked.header("mcp-param-limit") == "7" => Reply::result(asked, &json!({"rows": 7})),
        _ => mismatch(asked),
    });
    let mut client = Client::start(&gateway.url(), &["up"]);
    assert_eq!(call(&mut client, 1)["result"]["rows"], 7);
    // It now knows them.
    assert_eq!(call(&mut client, 2)["result"]["rows"], 7);
    let asked = gateway.asked();
    let sent: Vec<&str> = asked.iter().map(Asked::rpc).collect();
    assert_eq!(
        sent,
        [
            "tools/call",
            "tools/list",
            "tools/list",
            "tools/call",
            "tools/call"
        ]
    );
    for list in asked.iter().filter(|asked| asked.rpc() == "tools/list") {
        assert_eq!(
            list.body["params"]["_meta"],
            asked[0].body["params"]["_meta"]
        );
    }
}

#[test]
fn a_refusal_that_the_list_does_not_explain_is_the_answer() {
    let limit = json!({"type": "integer"});
    let gateway = Script::start(move |asked| match asked.rpc() {
        "tools/list" => list(asked, &limit),
        _ => mismatch(asked),
    });
    let mut client = Client::start(&gateway.url(), &["up"]);
    assert_eq!(call(&mut client, 1)["error"]["code"], -32020);
    let asked = gateway.asked();
    let sent: Vec<&str> = asked.iter().map(Asked::rpc).collect();
    assert_eq!(sent, ["tools/call", "tools/list", "tools/list"]);
}
