//! Which tools a model sees, and which of their arguments.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::Use;
use toolvault_gateway::settings::Pin;

use super::relay::{ERAS, Era, Gate};
use crate::harness::Rights;

const SEND: &str = r#"{"name":"send","title":"Send \u00e9","inputSchema":{"type":"object","properties":{"to":{"type":"string","maxLength":1e2},"api_key":{"type":"string"}},"required":["to","api_key"]},"x-own":[1.0,2.50]}"#;
const READ: &str = r#"{"name":"read","inputSchema":{"type":"object","properties":{"id":{"type":"integer"},"token":{"type":"string"}}}}"#;
const PLAIN: &str = r#"{ "name" : "plain", "inputSchema" : {"type":"object"} , "n":1.000 }"#;

fn properties(tool: &Value) -> Vec<&str> {
    let properties = tool["inputSchema"]["properties"].as_object().unwrap();
    properties.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_default_hides_its_argument_and_nothing_else() {
    let gate = Gate::start(&[SEND, READ, PLAIN]).await;
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let reply = agent.ask("tools/list", "{}").await;
        // Everything except the argument keeps the server's spelling, including numbers and escapes.
        for kept in [
            r#""name":"send","title":"Send \u00e9","inputSchema":{"type":"object","properties":{"to":{"type":"string","maxLength":1e2}},"required":["to"]},"x-own":[1.0,2.50]"#,
            READ,
            PLAIN,
            r#""x":1.50"#,
        ] {
            assert!(reply.text.contains(kept), "{era:?} {}", reply.text);
        }
        assert!(!reply.text.contains("api_key"), "{era:?} {}", reply.text);
    }
}

#[tokio::test]
async fn later_pages_are_cleaned_too() {
    let gate = Gate::start(&[]).await;
    gate.upstream.lists(&[&[PLAIN], &[SEND]]);
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let first = agent.result("tools/list", "{}").await;
        assert_eq!(first["tools"].as_array().unwrap().len(), 1);
        let cursor = json!({"cursor": first["nextCursor"]}).to_string();
        let second = agent.ask("tools/list", &cursor).await;
        let tools = &second.message()["result"]["tools"];
        assert_eq!(properties(&tools[0]), ["to"], "{era:?}");
        // Also for a client that begins with the second page.
        let agent = gate.agent(era).await;
        let second = agent.ask("tools/list", r#"{"cursor":"page 1"}"#).await;
        assert!(!second.text.contains("api_key"), "{era:?} {}", second.text);
    }
}

#[tokio::test]
async fn a_page_that_has_changed_since_the_tools_were_listed_is_cleaned_by_what_it_says_now() {
    let gate = Gate::start_with(&[], |_, server| server.pin = Pin::Off).await;
    let before = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{}}}}"#;
    gate.upstream.lists(&[&[PLAIN], &[before]]);
    let operator = gate.world.operator();
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    for era in ERAS {
        gate.upstream.lists(&[&[PLAIN], &[before]]);
        let agent = gate.agent(era).await;
        agent.result("tools/list", "{}").await;
        gate.upstream.lists(&[&[PLAIN], &[SEND]]);
        let second = agent.ask("tools/list", r#"{"cursor":"page 1"}"#).await;
        assert!(!second.text.contains("api_key"), "{era:?} {}", second.text);
        // A call uses the schema that the model was shown.
        agent
            .call("send", r#"{"to":"x","api_key":"made up"}"#)
            .await;
        let sent = gate.upstream.last("tools/call").arguments();
        assert_eq!(sent["api_key"], "a value that is secret", "{era:?}");
    }
}

#[tokio::test]
async fn a_list_is_private_and_not_to_be_kept() {
    let gate = Gate::start(&[PLAIN]).await;
    let agent = gate.agent(Era::Modern).await;
    let list = agent.result("tools/list", "{}").await;
    assert_eq!(list["cacheScope"], "private");
    assert_eq!(list["ttlMs"], 0);
    assert_eq!(list["resultType"], "complete");
    // The server's cache lifetime stays, although the list is private to this caller.
    let greeting = agent.result("server/discover", "{}").await;
    assert_eq!(greeting["cacheScope"], "private");
    assert_eq!(greeting["capabilities"]["tools"]["listChanged"], true);
    let reply = agent.ask("tools/list", "{}").await;
    assert_eq!(reply.head.header("cache-control"), Some("no-store"));
    // The gateway adds no members that the earlier era does not have.
    let legacy = gate.agent(Era::Legacy).await;
    let list = legacy.result("tools/list", "{}").await;
    assert_eq!(list.get("cacheScope"), None);
    assert_eq!(list.get("ttlMs"), None);
}

#[tokio::test]
async fn an_expired_default_hides_its_argument_still() {
    let gate = Gate::start(&[SEND]).await;
    let operator = gate.world.operator();
    let id = operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    let expires = json!({"expires_at": "2030-01-01T00:00:00Z"});
    let path = format!("/v1/secrets/{id}/policy");
    operator.put(&path, &expires).await.expect(200);
    gate.world.clock.advance(20 * 366 * 86_400);
    let agent = gate
        .world
        .holder(Rights {
            scopes: &[Use],
            ..Rights::default()
        })
        .await;
    for era in ERAS {
        let agent = gate.client(&agent, era).await;
        assert_eq!(properties(&agent.tools().await[0]), ["to"], "{era:?}");
        let refused = agent
            .call("send", r#"{"to":"x","api_key":"made up"}"#)
            .await;
        assert!(refused.tool_error().contains("expired"), "{refused:?}");
    }
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn credential_arguments_are_hidden_without_any_secret() {
    let gate = Gate::start_with(&[SEND, READ], |_, server| {
        server.credential_arguments = ["api_key", "token"].map(str::to_owned).into();
    })
    .await;
    for era in ERAS {
        let tools = gate.agent(era).await.tools().await;
        assert_eq!(properties(&tools[0]), ["to"], "{era:?}");
        assert_eq!(tools[0]["inputSchema"]["required"], json!(["to"]));
        assert_eq!(properties(&tools[1]), ["id"], "{era:?}");
    }
}

#[tokio::test]
async fn a_key_for_some_tools_sees_only_those() {
    let gate = Gate::start(&[SEND, READ, PLAIN]).await;
    for (patterns, seen) in [
        (&["linear__re*"][..], &["read"][..]),
        (&["linear__send", "other__*"], &["send"]),
        (&["linear__*"], &["send", "read", "plain"]),
    ] {
        let rights = Rights {
            scopes: &[Use],
            tools: patterns,
            ..Rights::default()
        };
        let holder = gate.world.holder(rights).await;
        for era in ERAS {
            let client = gate.client(&holder, era).await;
            assert_eq!(client.tool_names().await, seen, "{era:?} {patterns:?}");
            for tool in ["send", "read", "plain"] {
                let called = client.call(tool, r#"{"to":"x"}"#).await;
                let is_refused = called.message().get("error").is_some();
                assert_eq!(
                    is_refused,
                    !seen.contains(&tool),
                    "{era:?} {tool} {called:?}"
                );
            }
            // What is no tool belongs to the server as a whole.
            for (method, params) in [
                ("resources/list", "{}"),
                ("resources/read", r#"{"uri":"x:y"}"#),
                ("prompts/get", r#"{"name":"p"}"#),
                (
                    "completion/complete",
                    r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"x","value":"y"}}"#,
                ),
            ] {
                let heard = gate.upstream.heard(method).len();
                client.ask(method, params).await;
                let passed = gate.upstream.heard(method).len() - heard;
                let is_whole = patterns == ["linear__*"];
                assert_eq!(
                    passed,
                    usize::from(is_whole),
                    "{era:?} {method} {patterns:?}"
                );
            }
        }
    }
    // A caller who reaches no tool of a server does not learn that it exists.
    let rights = Rights {
        scopes: &[Use],
        tools: &["other__*"],
        ..Rights::default()
    };
    let stranger = gate.world.holder(rights).await;
    let refused = stranger
        .json(
            "POST",
            super::relay::PATH,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        )
        .await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn two_tools_of_one_name_are_both_withheld() {
    let gate = Gate::start(&[]).await;
    for pages in [
        &[&[SEND, READ, SEND][..]][..],
        &[&[SEND, READ], &[SEND]],
        &[&[READ], &[SEND], &[PLAIN, SEND]],
        &[&[SEND, READ, SEND], &[SEND]],
    ] {
        gate.upstream.lists(pages);
        for era in ERAS {
            let agent = gate.agent(era).await;
            let mut names = Vec::new();
            let mut params = "{}".to_owned();
            loop {
                let page = agent.result("tools/list", &params).await;
                let tools = page["tools"].as_array().unwrap().clone();
                names.extend(tools.iter().map(|tool| tool["name"].clone()));
                if page.get("nextCursor").is_none() {
                    break;
                }
                params = json!({"cursor": page["nextCursor"]}).to_string();
            }
            assert!(!names.contains(&json!("send")), "{era:?} {names:?}");
            assert!(names.contains(&json!("read")), "{era:?} {names:?}");
            let refused = agent.call("send", "{}").await;
            assert_eq!(refused.error().0, -32602, "{era:?} {refused:?}");
        }
    }
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn a_tool_whose_schema_cannot_be_cleaned_is_withheld_and_cannot_be_called() {
    let unclean = r#"{"name":"send","inputSchema":{"$ref":"https://elsewhere.example/schema","properties":{"api_key":{}}}}"#;
    let gate = Gate::start(&[unclean, READ]).await;
    let operator = gate.world.operator();
    for era in ERAS {
        let agent = gate.agent(era).await;
        assert_eq!(agent.tool_names().await, ["send", "read"]);
    }
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        assert_eq!(agent.tool_names().await, ["read"], "{era:?}");
        let refused = agent.call("send", r#"{"api_key":"x"}"#).await;
        assert_eq!(
            refused.error(),
            (-32602, "Unknown tool. List the tools again."),
            "{era:?}"
        );
    }
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn two_tenants_see_different_lists() {
    let gate = Gate::start(&[SEND, READ]).await;
    let operator = gate.world.operator();
    let other = gate.world.other_tenant().await;
    operator
        .default_for("linear__send", "api_key", "a value that is secret")
        .await;
    other
        .default_for("linear__read", "token", "another value")
        .await;
    for era in ERAS {
        let ours = gate.agent(era).await.tools().await;
        let theirs = gate.client(&other, era).await.tools().await;
        assert_eq!(properties(&ours[0]), ["to"]);
        assert_eq!(properties(&ours[1]), ["id", "token"]);
        assert_eq!(properties(&theirs[0]), ["api_key", "to"]);
        assert_eq!(properties(&theirs[1]), ["id"]);
    }
}

#[tokio::test]
async fn a_broad_default_hides_only_where_it_is_allowed_to() {
    for is_allowed in [false, true] {
        let gate = Gate::start_with(&[SEND], |gateway, _| {
            gateway.allow_broad_patterns = is_allowed;
        })
        .await;
        let operator = gate.world.operator();
        operator
            .default_for("*send", "api_key", "a value that is secret")
            .await;
        for era in ERAS {
            let agent = gate.agent(era).await;
            let shown = properties(&agent.tools().await[0]).contains(&"api_key");
            assert_eq!(shown, !is_allowed, "{era:?}");
            agent.call("send", r#"{"to":"x"}"#).await;
            let sent = gate.upstream.last("tools/call").arguments();
            assert_eq!(sent.get("api_key").is_some(), is_allowed, "{era:?}");
        }
    }
}
