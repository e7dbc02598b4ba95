//! `GET /v1/secrets/`: filters and pages.

use serde_json::{Value, json};

use crate::harness::{Actor, World};

async fn names(actor: &Actor, query: &str) -> Vec<String> {
    let list = actor.get(&format!("/v1/secrets/{query}")).await.expect(200);
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|secret| secret["secret_name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_empty_list_says_where_it_is() {
    let world = World::start().await;
    let answer = world.operator().get("/v1/secrets/").await;
    let expected = json!({"data": [], "total": 0, "limit": 100, "offset": 0});
    assert_eq!(answer.expect(200), expected);
}

#[tokio::test]
async fn the_oldest_come_first_in_pages() {
    let world = World::start().await;
    let operator = world.operator();
    let mut all = Vec::new();
    for number in 0..7 {
        let name = format!("secret {number}");
        all.push((operator.named(&name, "a value").await, name));
    }
    // A change does not move a secret.
    let first = format!("/v1/secrets/{}", all[0].0);
    operator
        .patch(&first, &json!({"secret_value": "another"}))
        .await
        .expect(200);
    let all: Vec<String> = all.into_iter().map(|(_, name)| name).collect();
    assert_eq!(names(&operator, "").await, all);
    for (query, range) in [
        ("?limit=3", 0..3),
        ("?limit=3&offset=3", 3..6),
        ("?limit=3&offset=6", 6..7),
        ("?offset=7", 7..7),
        ("?offset=9223372036854775807", 7..7),
        ("?offset=99999999999999999999999", 7..7),
        ("?limit=1000", 0..7),
        ("?limit=9&limit=2", 0..2),
        ("?limit=%202%20", 0..2),
        ("?limit=%2B2", 0..2),
        ("?limit=2.0", 0..2),
        ("?limit=0_2", 0..2),
    ] {
        assert_eq!(names(&operator, query).await, all[range], "{query}");
        let page = operator.get(&format!("/v1/secrets/{query}")).await.json();
        assert_eq!(page["total"], 7, "{query}");
    }
    let page = operator
        .get("/v1/secrets?limit=2&offset=5")
        .await
        .expect(200);
    assert_eq!((&page["limit"], &page["offset"]), (&json!(2), &json!(5)));
}

#[tokio::test]
async fn a_wrong_page_is_refused() {
    let world = World::start().await;
    let operator = world.operator();
    for (query, mistakes) in [
        ("limit=0", vec!["greater_than_equal query.limit"]),
        ("limit=1001", vec!["less_than_equal query.limit"]),
        (
            "limit=-1&offset=-1",
            vec![
                "greater_than_equal query.limit",
                "greater_than_equal query.offset",
            ],
        ),
        ("limit=", vec!["int_parsing query.limit"]),
        ("limit=ten", vec!["int_parsing query.limit"]),
        ("limit=1.5", vec!["int_parsing query.limit"]),
        ("limit=5&limit=x", vec!["int_parsing query.limit"]),
        ("q=%00", vec!["value_error query.q"]),
    ] {
        let answer = operator.get(&format!("/v1/secrets/?{query}")).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), mistakes, "{query}");
    }
}

#[tokio::test]
async fn each_filter_keeps_what_it_says_and_all_hold_together() {
    let world = World::start().await;
    let operator = world.operator();
    for (name, tool) in [
        ("Linear", Some("agno__linear__*")),
        ("linear", Some("agno__linear__get_issue_details")),
        ("linear old", Some("agno__linear")),
        ("a/b&c=d é", Some("*")),
        ("unbound", None),
        ("linear", None),
    ] {
        let secret = json!({"secret_name": name, "secret_value": "a value", "tool_name": tool});
        operator.create(secret).await;
    }
    for (query, expected) in [
        ("?secret_name=linear", vec!["linear", "linear"]),
        ("?secret_name=Linear", vec!["Linear"]),
        ("?secret_name=line", vec![]),
        ("?secret_name=a%2Fb%26c%3Dd+%C3%A9", vec!["a/b&c=d é"]),
        ("?secret_name=", vec![]),
        ("?q=linear", vec!["linear", "linear old", "linear"]),
        ("?q=inear", vec!["Linear", "linear", "linear old", "linear"]),
        ("?q=%C3%A9", vec!["a/b&c=d é"]),
        ("?q=%25", vec![]),
        (
            "?tool_name=agno__linear__get_issue_details",
            vec!["Linear", "linear", "a/b&c=d é"],
        ),
        ("?tool_name=agno__linear", vec!["linear old", "a/b&c=d é"]),
        ("?tool_name=AGNO__linear", vec!["a/b&c=d é"]),
        (
            "?tool_name=agno__linear__get_issue_details&q=linear",
            vec!["linear"],
        ),
        (
            "?tool_name=agno__linear__get_issue_details&secret_name=Linear&q=n",
            vec!["Linear"],
        ),
        (
            "?unknown=1",
            vec![
                "Linear",
                "linear",
                "linear old",
                "a/b&c=d é",
                "unbound",
                "linear",
            ],
        ),
    ] {
        assert_eq!(names(&operator, query).await, expected, "{query}");
        let list = operator.get(&format!("/v1/secrets/{query}")).await.json();
        assert_eq!(list["total"], expected.len(), "{query}");
    }
}

#[tokio::test]
async fn a_list_shows_whole_secrets_of_the_caller_only() {
    let world = World::start().await;
    let operator = world.operator();
    let other = world.other_tenant().await;
    other.named("theirs", "a value").await;
    let id = operator.named("mine", "a value").await;
    let list = operator.get("/v1/secrets/").await.expect(200);
    let secret = operator.get(&format!("/v1/secrets/{id}")).await.expect(200);
    assert_eq!(list["data"], Value::from(vec![secret]));
    assert_eq!(names(&other, "?q=i").await, ["theirs"]);
}

#[tokio::test]
async fn a_limited_key_lists_what_lies_inside_its_patterns() {
    let world = World::start().await;
    let operator = world.operator();
    for tool in [
        "linear__*",
        "linear__get",
        "linear__g*t",
        "linear_*",
        "*",
        "github__x",
    ] {
        let secret = json!({"secret_name": tool, "secret_value": "a value", "tool_name": tool});
        operator.create(secret).await;
    }
    operator.named("unbound", "a value").await;
    let narrow = world
        .holder(crate::harness::Rights {
            scopes: &[toolvault_core::scope::Scope::Manage],
            tools: &["linear__*"],
            ..crate::harness::Rights::default()
        })
        .await;
    assert_eq!(
        names(&narrow, "").await,
        ["linear__*", "linear__get", "linear__g*t"]
    );
    assert_eq!(narrow.count().await, 3);
    assert_eq!(
        names(&narrow, "?tool_name=github__x").await,
        Vec::<String>::new()
    );
}
