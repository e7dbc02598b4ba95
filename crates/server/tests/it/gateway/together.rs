//! All servers multiplexed on one path.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::Use;

use super::relay::{Client, ERAS, Era, Said, Upstream, settings_of};
use crate::harness::{Rights, World};

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}},"n":1.0}"#;
const VALUE: &str = "a value that is secret";
const PATH: &str = "/mcp";

/// Two servers, each with its own prompt, resource and template, and one that is down.
struct Pair {
    world: World,
    alpha: Upstream,
    beta: Upstream,
}

async fn server(name: &'static str) -> Upstream {
    let upstream = Upstream::start(&[SEND]).await;
    for (method, result) in [
        (
            "prompts/list",
            json!({"prompts": [{"name": "greet", "title": name}]}),
        ),
        ("prompts/get", json!({"messages": [], "description": name})),
        (
            "resources/list",
            json!({"resources": [{"uri": format!("{name}://one"), "name": "one"}]}),
        ),
        (
            "resources/templates/list",
            json!({"resourceTemplates": [{"uriTemplate": format!("{name}://by-id/{{id}}"), "name": "t"}]}),
        ),
        (
            "resources/read",
            json!({"contents": [{"uri": "x", "text": name}]}),
        ),
        (
            "completion/complete",
            json!({"completion": {"values": [name]}}),
        ),
    ] {
        upstream.on(method, move |heard| heard.result(&result));
    }
    upstream
}

impl Pair {
    async fn start() -> Self {
        let (alpha, beta) = (server("alpha").await, server("beta").await);
        let world = World::start_with(|settings| {
            let servers = &mut settings.server.gateway.servers;
            for (name, upstream) in [("alpha", &alpha), ("beta", &beta)] {
                servers.insert(name.parse().unwrap(), settings_of(upstream));
            }
        })
        .await;
        Self { world, alpha, beta }
    }

    async fn agent(&self, era: Era) -> Client {
        Client::begin(&self.world, &self.world.agent(), PATH, era).await
    }

    /// Removes a server, so that its port no longer accepts connections.
    async fn without_beta(self) -> (World, Upstream) {
        let Self { world, alpha, beta } = self;
        beta.end().await;
        (world, alpha)
    }
}

fn names(list: &Value, member: &str, field: &str) -> Vec<String> {
    let list = list[member].as_array().unwrap();
    list.iter()
        .map(|element| element[field].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_servers_say_of_themselves_is_said_as_one() {
    let pair = Pair::start().await;
    pair.alpha.on("initialize", |heard| {
        heard.result(&json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "a", "version": "1"}}))
    });
    let client = Client::unbegun(&pair.world, &pair.world.agent(), PATH, Era::Legacy);
    let reply = client.initialize().await;
    let result = &reply.message()["result"];
    assert_eq!(result["protocolVersion"], "2025-11-25");
    assert_eq!(result["serverInfo"]["name"], "toolvault");
    assert_eq!(result["instructions"], "beta: Ask.");
    let capabilities = json!({
        "tools": {"listChanged": true}, "prompts": {}, "resources": {}, "logging": {}, "completions": {},
    });
    assert_eq!(result["capabilities"], capabilities);
    let agent = pair.agent(Era::Modern).await;
    let result = agent.result("server/discover", "{}").await;
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["capabilities"], capabilities);
    assert_eq!(result["instructions"], "alpha: Ask.\n\nbeta: Ask.");
    assert_eq!(result["cacheScope"], "private");
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "toolvault"
    );
}

#[tokio::test]
async fn tools_have_the_names_of_their_servers_and_are_called_by_them() {
    let pair = Pair::start().await;
    let operator = pair.world.operator();
    operator.default_for("beta__send", "api_key", VALUE).await;
    for era in ERAS {
        let agent = pair.agent(era).await;
        let reply = agent.ask("tools/list", "{}").await;
        let result = &reply.message()["result"];
        assert_eq!(
            names(result, "tools", "name"),
            ["alpha__send", "beta__send"]
        );
        assert!(reply.text.contains(r#""n":1.0"#), "{}", reply.text);
        let shown = |number: usize| {
            result["tools"][number]["inputSchema"]["properties"]
                .get("api_key")
                .is_some()
        };
        assert!(shown(0) && !shown(1), "{}", reply.text);
        if era == Era::Modern {
            assert_eq!(result["cacheScope"], "private");
            assert_eq!(result["ttlMs"], 0);
        }
        agent.call("alpha__send", r#"{"to":1.50}"#).await;
        let heard = pair.alpha.last("tools/call");
        assert!(heard.body.contains(r#""to":1.50"#) && !heard.everything().contains(VALUE));
        agent
            .call("beta__send", r#"{"to":"x","api_key":"made up"}"#)
            .await;
        let heard = pair.beta.last("tools/call");
        assert_eq!(heard.json()["params"]["name"], "send");
        assert_eq!(heard.arguments(), json!({"to": "x", "api_key": VALUE}));
        if era == Era::Modern {
            assert_eq!(heard.header("mcp-name").as_deref(), Some("send"));
        }
        for unknown in ["send", "gamma__send", "__send", "alpha__"] {
            let refused = agent.call(unknown, "{}").await;
            assert_eq!(refused.error().0, -32602, "{unknown} {refused:?}");
        }
    }
}

#[tokio::test]
async fn prompts_resources_and_completions_find_their_servers() {
    let pair = Pair::start().await;
    for era in ERAS {
        let agent = pair.agent(era).await;
        let prompts = agent.result("prompts/list", "{}").await;
        assert_eq!(
            names(&prompts, "prompts", "name"),
            ["alpha__greet", "beta__greet"]
        );
        let resources = agent.result("resources/list", "{}").await;
        assert_eq!(
            names(&resources, "resources", "uri"),
            ["alpha://one", "beta://one"]
        );
        let templates = agent.result("resources/templates/list", "{}").await;
        let uris = names(&templates, "resourceTemplates", "uriTemplate");
        assert_eq!(uris, ["alpha://by-id/{id}", "beta://by-id/{id}"]);
        for name in ["alpha", "beta"] {
            let params = json!({"name": format!("{name}__greet")}).to_string();
            assert_eq!(
                agent.result("prompts/get", &params).await["description"],
                name
            );
            for uri in ["one", "by-id/7"] {
                let params = json!({"uri": format!("{name}://{uri}")}).to_string();
                let read = agent.result("resources/read", &params).await;
                assert_eq!(read["contents"][0]["text"], name, "{era:?} {uri}");
            }
            let argument = json!({"name": "a", "value": ""});
            for reference in [
                json!({"type": "ref/prompt", "name": format!("{name}__greet")}),
                json!({"type": "ref/resource", "uri": format!("{name}://by-id/{{id}}")}),
            ] {
                let params = json!({"ref": reference, "argument": argument}).to_string();
                let completed = agent.result("completion/complete", &params).await;
                assert_eq!(completed["completion"]["values"], json!([name]), "{params}");
            }
        }
        let heard = pair.beta.last("prompts/get");
        assert_eq!(heard.json()["params"]["name"], "greet");
        let refused = agent
            .ask("resources/read", r#"{"uri":"gamma://one"}"#)
            .await;
        assert_eq!(refused.error().0, -32602);
    }
}

#[tokio::test]
async fn a_question_of_a_server_says_whose_it_is_and_its_answer_goes_there() {
    let pair = Pair::start().await;
    for id in [json!("ask"), json!(5), json!("a__b\"c")] {
        let asked = id.clone();
        pair.alpha.on("tools/call", move |heard| {
            let question = json!({"jsonrpc": "2.0", "id": asked, "method": "roots/list"});
            let answer = heard.response(&json!({"content": []}));
            Said::Events(vec![question.to_string(), answer.to_string()])
        });
        let agent = pair.agent(Era::Legacy).await;
        let reply = agent.call("alpha__send", "{}").await;
        let tagged = reply.messages[0]["id"].as_str().unwrap().to_owned();
        assert!(tagged.starts_with("alpha__"), "{tagged}");
        let answer = json!({"jsonrpc": "2.0", "id": tagged, "result": {"roots": []}});
        let sent = agent.post(&answer.to_string(), &[]).await;
        assert_eq!(sent.head.status, 202);
        let heard = pair.alpha.last("response");
        assert_eq!(
            heard.json(),
            json!({"jsonrpc": "2.0", "id": id, "result": {"roots": []}})
        );
        assert!(pair.beta.heard("response").is_empty());
        let lost = json!({"jsonrpc": "2.0", "id": "gamma__1", "result": {}});
        assert!(
            agent
                .post(&lost.to_string(), &[])
                .await
                .message()
                .get("error")
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_server_that_is_down_leaves_the_others() {
    let pair = Pair::start().await;
    let (world, _alpha) = pair.without_beta().await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        assert_eq!(agent.tool_names().await, ["alpha__send"], "{era:?}");
        let prompts = agent.result("prompts/list", "{}").await;
        assert_eq!(names(&prompts, "prompts", "name"), ["alpha__greet"]);
        let reply = agent.call("alpha__send", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        let refused = agent.call("beta__send", "{}").await;
        assert!(
            refused.error().1.contains("cannot be reached"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_credential_that_is_missing_leaves_the_other_servers() {
    let (alpha, beta) = (server("alpha").await, server("beta").await);
    let world = World::start_with(|settings| {
        let mut other = settings_of(&beta);
        let toolvault_gateway::settings::Transport::Http(http) = &mut other.transport else {
            panic!("it is reached over HTTP")
        };
        http.headers.push(toolvault_gateway::settings::Header {
            name: "authorization".parse().unwrap(),
            spelling: "Authorization".to_owned(),
            value: toolvault_gateway::Template::parse("secret://beta-prod").unwrap(),
        });
        let servers = &mut settings.server.gateway.servers;
        servers.insert("alpha".parse().unwrap(), settings_of(&alpha));
        servers.insert("beta".parse().unwrap(), other);
    })
    .await;
    for era in ERAS {
        let agent = Client::begin(&world, &world.agent(), PATH, era).await;
        assert_eq!(agent.tool_names().await, ["alpha__send"], "{era:?}");
        // A call that needs it explains what to do, as on the server's own path.
        let refused = agent.call("beta__send", "{}").await;
        let text = refused.tool_error();
        assert!(text.contains("secret create 'beta-prod'"), "{text}");
        let heard = beta.all().len();
        let id = world.operator().named("beta-prod", VALUE).await;
        // The next list contains it.
        assert_eq!(
            agent.tool_names().await,
            ["alpha__send", "beta__send"],
            "{era:?}"
        );
        assert!(beta.all().len() > heard);
        world.operator().delete(&format!("/v1/secrets/{id}")).await;
    }
}

#[tokio::test]
async fn a_server_that_has_forgotten_its_session_is_begun_anew() {
    let pair = Pair::start().await;
    let agent = pair.agent(Era::Legacy).await;
    agent
        .result("logging/setLevel", r#"{"level":"error"}"#)
        .await;
    for (forgotten, method) in [(1, "tools/list"), (2, "tools/call"), (3, "prompts/list")] {
        let forgotten = format!("upstream-session-{forgotten}");
        pair.beta.on(method, move |heard| {
            if heard.header("mcp-session-id").as_deref() == Some(forgotten.as_str()) {
                return Said::Empty(404);
            }
            match heard.method().as_str() {
                "tools/list" => {
                    heard.result(&json!({"tools": [serde_json::from_str::<Value>(SEND).unwrap()]}))
                }
                "prompts/list" => heard.result(&json!({"prompts": [{"name": "greet"}]})),
                _ => heard.result(&json!({"content": []})),
            }
        });
        match method {
            "tools/list" => assert_eq!(agent.tool_names().await, ["alpha__send", "beta__send"]),
            "prompts/list" => {
                let prompts = agent.result("prompts/list", "{}").await;
                assert_eq!(
                    names(&prompts, "prompts", "name"),
                    ["alpha__greet", "beta__greet"]
                );
            }
            _ => {
                let reply = agent.call("beta__send", "{}").await;
                assert!(reply.message().get("result").is_some(), "{reply:?}");
            }
        }
    }
    assert_eq!(pair.alpha.heard("initialize").len(), 1);
    // What the client set is set in each new session, and only there.
    let settings = |server: &Upstream| {
        let heard = server.heard("logging/setLevel");
        assert!(heard.iter().all(|heard| heard.body.contains("error")));
        heard.len()
    };
    assert_eq!((settings(&pair.alpha), settings(&pair.beta)), (1, 4));
}

#[tokio::test]
async fn news_of_all_servers_come_on_one_stream() {
    let pair = Pair::start().await;
    let (alpha, beta) = (pair.alpha.streams(), pair.beta.streams());
    let agent = pair.agent(Era::Legacy).await;
    let mut news = agent.listen().await;
    for (feed, data) in [(&alpha, "from alpha"), (&beta, "from beta")] {
        let message =
            json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": data}});
        feed.send(format!("data: {message}\n\n")).unwrap();
        assert_eq!(news.message().await["params"]["data"], data);
    }
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    pair.world.operator().named("a", VALUE).await;
    assert_eq!(news.message().await, changed);
}

#[tokio::test]
async fn a_key_for_some_servers_hears_of_those_only() {
    let pair = Pair::start().await;
    let rights = Rights {
        scopes: &[Use],
        tools: &["beta__*"],
        ..Rights::default()
    };
    let holder = pair.world.holder(rights).await;
    for era in ERAS {
        let client = Client::begin(&pair.world, &holder, PATH, era).await;
        assert_eq!(client.tool_names().await, ["beta__send"]);
        let prompts = client.result("prompts/list", "{}").await;
        assert_eq!(names(&prompts, "prompts", "name"), ["beta__greet"]);
        let refused = client.call("alpha__send", "{}").await;
        assert_eq!(refused.error().0, -32602);
        let refused = client
            .ask("resources/read", r#"{"uri":"alpha://one"}"#)
            .await;
        assert_eq!(refused.error().0, -32602);
    }
    // Access to one tool is not access to the whole server, which prompts and resources need.
    let rights = Rights {
        scopes: &[Use],
        tools: &["beta__se*"],
        ..Rights::default()
    };
    let holder = pair.world.holder(rights).await;
    for era in ERAS {
        let client = Client::begin(&pair.world, &holder, PATH, era).await;
        assert_eq!(client.tool_names().await, ["beta__send"]);
        let prompts = client.result("prompts/list", "{}").await;
        assert_eq!(prompts["prompts"], json!([]));
        let refused = client.ask("prompts/get", r#"{"name":"beta__greet"}"#).await;
        assert!(refused.message().get("error").is_some(), "{refused:?}");
    }
    assert!(pair.alpha.all().is_empty());
}
