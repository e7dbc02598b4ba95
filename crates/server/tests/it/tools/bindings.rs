//! References from trusted configuration (section 4, rules 1, 2, 6 and 8).

use serde_json::{Value, json};

use crate::harness::{Actor, World};

async fn bind(actor: &Actor, tool: &str, reference: &str) -> crate::harness::Answer {
    let body = json!({"args": {"key": "received"}, "bindings": {"key": reference}});
    actor
        .post(&format!("/v1/tools/{tool}/resolve"), &body)
        .await
}

async fn store(actor: &Actor, name: &str, tool: Option<&str>, arg: Option<&str>) -> String {
    let secret = json!({"secret_name": name, "secret_value": format!("value of {name}"), "tool_name": tool, "tool_arg": arg});
    let created = actor.create(secret).await;
    created["secret_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_binding_wins_over_what_was_received_and_over_a_default() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "key", "the default").await;
    let id = store(&operator, "a/b ü", None, None).await;
    for reference in [
        "secret://a%2Fb%20%C3%BC".to_owned(),
        format!("secret:///id/{id}"),
    ] {
        let answer = bind(&operator, "t", &reference).await.expect(200);
        assert_eq!(
            answer["args"],
            json!({"key": "value of a/b ü"}),
            "{reference}"
        );
        let applied = json!([{"arg": "key", "secret_id": id, "secret_name": "a/b ü", "version": 1, "source": "binding", "redact": true}]);
        assert_eq!(answer["applied"], applied);
    }
}

#[tokio::test]
async fn a_secret_serves_only_the_tool_and_the_argument_that_it_is_bound_to() {
    let world = World::start().await;
    let operator = world.operator();
    for (name, tool, arg, serves) in [
        ("free", None, None, true),
        ("tool", Some("linear__*"), None, true),
        ("argument", None, Some("key"), true),
        ("both", Some("linear__get"), Some("key"), true),
        ("other-tool", Some("github__*"), None, false),
        ("other-argument", None, Some("token"), false),
        ("other-case", Some("Linear__*"), Some("key"), false),
        ("half", Some("linear__get"), Some("Key"), false),
    ] {
        let id = store(&operator, name, tool, arg).await;
        for reference in [format!("secret://{name}"), format!("secret:///id/{id}")] {
            let answer = bind(&operator, "linear__get", &reference).await;
            if serves {
                assert_eq!(
                    answer.expect(200)["args"]["key"],
                    format!("value of {name}")
                );
            } else {
                answer.refused(409, "secret_not_available");
            }
        }
    }
}

#[tokio::test]
async fn unknown_foreign_and_not_granted_are_the_same_answer() {
    let world = World::start().await;
    let operator = world.operator();
    let other = world.other_tenant().await;
    let foreign = store(&other, "foreign", None, None).await;
    let elsewhere = store(&operator, "elsewhere", Some("github__*"), None).await;
    let mut bodies = Vec::new();
    for reference in [
        "secret://foreign".to_owned(),
        "secret://nothing".to_owned(),
        "secret://elsewhere".to_owned(),
        format!("secret:///id/{foreign}"),
        format!("secret:///id/{elsewhere}"),
        "secret:///id/00000000-0000-7000-8000-000000000000".to_owned(),
    ] {
        let answer = bind(&operator, "linear__get", &reference).await;
        answer.refused(409, "secret_not_available");
        bodies.push(answer.text().to_owned());
    }
    let expected = json!({"detail": [{
        "type": "secret_not_available", "loc": ["bindings", "key"],
        "msg": "No usable secret for argument 'key' of tool 'linear__get'. Run: toolvault explain 'linear__get'",
    }]});
    for body in bodies {
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    }
}

#[tokio::test]
async fn several_of_a_name_that_match_are_never_a_choice() {
    let world = World::start().await;
    let operator = world.operator();
    store(&operator, "twin", None, None).await;
    store(&operator, "twin", Some("github__*"), None).await;
    bind(&operator, "linear__get", "secret://twin")
        .await
        .expect(200);
    let answer = bind(&operator, "github__get", "secret://twin").await;
    answer.refused(409, "secret_ambiguous");
    assert_eq!(
        answer.json()["detail"][0]["loc"],
        json!(["bindings", "key"])
    );
}

#[tokio::test]
async fn a_literal_in_bindings_is_refused_and_not_repeated() {
    let world = World::start().await;
    let operator = world.operator();
    let canary = "cAnArY-literal";
    for literal in [
        json!(canary),
        json!(format!("secret://{canary} x")),
        json!(format!("https://{canary}")),
        json!(format!("{{{{ secret://{canary} }}}}")),
        json!(format!("secret://{canary}%zz")),
        json!(format!("secret:///id/{canary}")),
        json!(format!("Secret://{canary}")),
        json!("secret://"),
        json!(""),
        json!(7),
        json!(null),
        json!({"ref": canary}),
    ] {
        let body = json!({"bindings": {"key": literal}});
        let answer = operator.post("/v1/tools/t/resolve", &body).await;
        answer.refused(422, "invalid");
        assert_eq!(
            answer.json()["detail"][0]["loc"],
            json!(["body", "bindings", "key"])
        );
        assert!(!answer.text().contains(canary), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_reference_in_what_a_model_sent_is_data() {
    let world = World::start().await;
    let operator = world.operator();
    let id = store(&operator, "prod", None, None).await;
    let args = json!({
        "a": "secret://prod", "b": format!("secret:///id/{id}"), "c": ["secret://prod"],
        "d": {"secret://prod": "{{ secret://prod }}"}, "secret://prod": "e",
    });
    let answer = operator
        .post("/v1/tools/t/resolve", &json!({"args": args}))
        .await;
    let answer = answer.expect(200);
    assert_eq!((&answer["args"], &answer["applied"]), (&args, &json!([])));
}

#[tokio::test]
async fn one_refused_argument_refuses_the_whole_call() {
    let world = World::start().await;
    let operator = world.operator();
    operator.default_for("t", "good", "the secret").await;
    let body = json!({"bindings": {"bad": "secret://nothing"}, "require": ["missing"]});
    let answer = operator.post("/v1/tools/t/resolve", &body).await;
    let detail = answer.expect(409)["detail"].clone();
    let kinds: Vec<&Value> = detail
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["type"])
        .collect();
    assert_eq!(kinds, ["secret_not_available", "secret_missing"]);
    assert!(!answer.text().contains("the secret"));
}
