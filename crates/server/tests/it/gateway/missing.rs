//! A missing secret: an explanation in words, or a page on which that user can set it.

use serde_json::{Value, json};
use toolvault_core::scope::Scope::{Manage, Use};
use toolvault_gateway::GatewaySettings;

use super::relay::{Client, ERAS, Era, Gate, PATH, Reply};
use crate::harness::Answer;

const SEND: &str = r#"{"name":"send","inputSchema":{"type":"object","properties":{"to":{},"api_key":{"type":"string"}}}}"#;
const VALUE: &str = "a value that is secret";

async fn gate(change: impl FnOnce(&mut GatewaySettings)) -> Gate {
    Gate::start_with(&[SEND], |gateway, server| {
        server.credential_arguments = ["api_key".to_owned()].into();
        change(gateway);
    })
    .await
}

/// An agent that can send its user to a URL.
async fn worldly(gate: &Gate, era: Era) -> Client {
    let capabilities = json!({"elicitation": {"url": {}}});
    Client::begin_with(&gate.world, &gate.world.agent(), PATH, era, capabilities).await
}

/// The URL that the client receives, and the request for input of the later era.
#[track_caller]
fn asked(era: Era, reply: &Reply) -> (String, String) {
    match era {
        Era::Legacy => {
            let (code, _) = reply.error();
            assert_eq!(code, -32042, "{reply:?}");
            let elicitations = &reply.message()["error"]["data"]["elicitations"];
            assert_eq!(elicitations.as_array().unwrap().len(), 1);
            assert_eq!(elicitations[0]["mode"], "url");
            let url = elicitations[0]["url"].as_str().unwrap().to_owned();
            let id = elicitations[0]["elicitationId"].as_str().unwrap();
            assert!(url.ends_with(&format!("/mcp-secrets/{id}")), "{url}");
            (url, String::new())
        }
        Era::Modern => {
            let result = &reply.message()["result"];
            assert_eq!(result["resultType"], "input_required", "{reply:?}");
            let requests = result["inputRequests"].as_object().unwrap();
            assert_eq!(requests.len(), 1);
            let (name, request) = requests.iter().next().unwrap();
            assert_eq!(request["method"], "elicitation/create");
            assert_eq!(request["params"]["mode"], "url");
            let url = request["params"]["url"].as_str().unwrap();
            (url.to_owned(), name.clone())
        }
    }
}

/// The API path with the data of a page.
fn api(url: &str) -> String {
    let (_, id) = url.split_once("/mcp-secrets/").unwrap();
    format!("/v1/pending-secrets/{id}")
}

#[tokio::test]
async fn the_tools_own_error_names_the_argument_and_how_to_set_it() {
    let gate = gate(|_| {}).await;
    for era in ERAS {
        let agent = gate.agent(era).await;
        let reply = agent
            .call("send", r#"{"to":"x","api_key":"made up"}"#)
            .await;
        let text = reply.tool_error();
        assert!(text.contains("'api_key'"), "{text}");
        let command =
            "toolvault secret create 'linear-api_key' --tool 'linear__*' --arg 'api_key' --default";
        assert!(text.contains(command), "{text}");
        assert!(!reply.text.contains("made up"), "{text}");
        let result_type = reply.message()["result"].get("resultType");
        let expected = (era == Era::Modern).then(|| json!("complete"));
        assert_eq!(result_type, expected.as_ref());
    }
    assert!(gate.upstream.heard("tools/call").is_empty());
}

#[tokio::test]
async fn a_client_that_can_open_urls_is_sent_to_a_page_and_comes_back_with_the_secret_set() {
    for era in ERAS {
        let gate = gate(|_| {}).await;
        let operator = gate.world.operator();
        let agent = worldly(&gate, era).await;
        let first = agent.call("send", r#"{"to":"x"}"#).await;
        let (url, input) = asked(era, &first);
        assert!(url.starts_with("http://localhost/mcp-secrets/"), "{url}");
        // Another call in the meantime gets the same page.
        let again = agent.call("send", "{}").await;
        assert_eq!(asked(era, &again).0, url);
        let path = api(&url);
        let page = operator.get(&path).await.expect(200);
        assert_eq!(page["server"], "linear");
        assert_eq!(page["argument"], "api_key");
        assert_eq!(page["secret_name"], "linear-api_key");
        assert!(
            (1..=600).contains(&page["expires_in"].as_u64().unwrap()),
            "{page}"
        );
        assert!(gate.upstream.heard("tools/call").is_empty());
        let value = json!({"secret_value": VALUE});
        let stored = operator.post(&path, &value).await.expect(200);
        assert_eq!(stored["secret_name"], "linear-api_key");
        assert_eq!(stored["tool_name"], "linear__*");
        assert_eq!(stored["tool_arg"], "api_key");
        assert_eq!(stored["is_default_for_tool"], true);
        operator.post(&path, &value).await.refused(404, "not_found");
        operator.get(&path).await.refused(404, "not_found");
        let mut params = json!({"name": "send", "arguments": {"to": "x"}});
        if era == Era::Modern {
            params["inputResponses"] = json!({(input): {"action": "accept"}});
        }
        let reply = agent.ask("tools/call", &params.to_string()).await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.arguments(), json!({"to": "x", "api_key": VALUE}));
        assert_eq!(heard.json()["params"].get("inputResponses"), None);
    }
}

#[tokio::test]
async fn answers_to_our_questions_do_not_reach_the_server_and_its_own_do() {
    let gate = gate(|_| {}).await;
    gate.world
        .operator()
        .default_for("linear__send", "api_key", VALUE)
        .await;
    let agent = worldly(&gate, Era::Modern).await;
    let answers = json!({"toolvault-0123": {"action": "accept"}, "own": {"action": "accept", "content": {"n": 1}}});
    let params = json!({"name": "send", "inputResponses": answers, "requestState": "s"});
    agent.ask("tools/call", &params.to_string()).await;
    let heard = gate.upstream.last("tools/call");
    let params = &heard.json()["params"];
    assert_eq!(
        params["inputResponses"],
        json!({"own": {"action": "accept", "content": {"n": 1}}})
    );
    assert_eq!(params["requestState"], "s");
    // A server's own elicitation passes to the client unchanged.
    gate.upstream.on("tools/call", |heard| {
        let request = json!({"method": "elicitation/create", "params": {"message": "Who?"}});
        heard.result(&json!({"resultType": "input_required", "inputRequests": {"own": request}}))
    });
    let reply = agent.call("send", "{}").await;
    assert_eq!(
        reply.message()["result"]["inputRequests"]["own"]["params"]["message"],
        "Who?"
    );
}

#[tokio::test]
async fn who_was_asked_and_comes_back_without_it_is_told_in_words() {
    let gate = gate(|_| {}).await;
    let agent = worldly(&gate, Era::Modern).await;
    let first = agent.call("send", "{}").await;
    let (_, input) = asked(Era::Modern, &first);
    let params = json!({"name": "send", "inputResponses": {(input): {"action": "decline"}}});
    let reply = agent.ask("tools/call", &params.to_string()).await;
    assert!(reply.tool_error().contains("'api_key'"), "{reply:?}");
}

/// The part of an answer that depends on the request.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "request-id"));
    (answer.status, headers, answer.body.clone())
}

#[tokio::test]
async fn nobody_else_can_tell_the_page_from_one_that_never_was() {
    let gate = gate(|_| {}).await;
    let agent = worldly(&gate, Era::Legacy).await;
    let (url, _) = asked(Era::Legacy, &agent.call("send", "{}").await);
    let path = api(&url);
    let unknown = "/v1/pending-secrets/00000000000000000000000000000000";
    let value: Value = json!({"secret_value": VALUE});
    let other = gate.world.other_tenant().await;
    let stranger = gate.world.anonymous();
    let agent = gate.world.scoped(&[Use]).await;
    for (actor, status) in [(&other, 404), (&stranger, 401), (&agent, 403)] {
        for path in [path.as_str(), unknown] {
            assert_eq!(actor.get(path).await.status, status);
        }
        assert_eq!(
            told(&actor.get(&path).await),
            told(&actor.get(unknown).await)
        );
        let (theirs, none) = (
            actor.post(&path, &value).await,
            actor.post(unknown, &value).await,
        );
        assert_eq!(told(&theirs), told(&none));
        assert_eq!(theirs.status, status);
    }
    assert_eq!(other.count().await, 0);
    // Another key of the same user may.
    let manager = gate.world.scoped(&[Manage]).await;
    manager.get(&path).await.expect(200);
    // A refused value leaves the page usable.
    let empty = json!({"secret_value": ""});
    assert_eq!(manager.post(&path, &empty).await.status, 422);
    manager.post(&path, &value).await.expect(200);
}

#[tokio::test]
async fn of_many_who_set_it_at_once_one_does() {
    let gate = gate(|_| {}).await;
    let agent = worldly(&gate, Era::Legacy).await;
    let (url, _) = asked(Era::Legacy, &agent.call("send", "{}").await);
    let (path, value) = (api(&url), json!({"secret_value": VALUE}));
    let operator = gate.world.operator();
    let setting = (0..8).map(|_| operator.post(&path, &value));
    let mut statuses: Vec<u16> = futures_util::future::join_all(setting)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(operator.count().await, 1);
}

#[tokio::test]
async fn the_page_is_under_the_public_name_if_there_is_one() {
    let gate =
        gate(|gateway| gateway.public_url = Some("https://vault.example/tools/".to_owned())).await;
    for era in ERAS {
        let agent = worldly(&gate, era).await;
        let (url, _) = asked(era, &agent.call("send", "{}").await);
        assert!(
            url.starts_with("https://vault.example/tools/mcp-secrets/"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_credential_of_the_server_can_be_set_so_too() {
    for era in ERAS {
        let gate = Gate::start_with(&[SEND], |_, server| {
            let toolvault_gateway::settings::Transport::Http(http) = &mut server.transport else {
                panic!("it is reached over HTTP")
            };
            http.headers.push(toolvault_gateway::settings::Header {
                name: "authorization".parse().unwrap(),
                spelling: "Authorization".to_owned(),
                value: toolvault_gateway::Template::parse("secret://linear-prod").unwrap(),
            });
        })
        .await;
        let operator = gate.world.operator();
        let id = operator.named("linear-prod", "the first key of all").await;
        let agent = worldly(&gate, era).await;
        operator.delete(&format!("/v1/secrets/{id}")).await;
        let (url, _) = asked(era, &agent.call("send", "{}").await);
        let stored = operator
            .post(&api(&url), &json!({"secret_value": VALUE}))
            .await
            .expect(200);
        assert_eq!(stored["secret_name"], "linear-prod");
        assert_eq!(stored["tool_arg"], "headers.Authorization");
        assert_eq!(stored["is_default_for_tool"], false);
        let reply = agent.call("send", "{}").await;
        assert!(reply.message().get("result").is_some(), "{reply:?}");
        let heard = gate.upstream.last("tools/call");
        assert_eq!(heard.header("authorization").as_deref(), Some(VALUE));
    }
}
