//! Every received value keeps its spelling (section 4, rule 1).

use crate::harness::{Actor, World};

/// The text of the member `args` in the answer.
async fn returned(actor: &Actor, args: &str) -> String {
    let body = format!(r#"{{"args":{args}}}"#);
    let answer = actor.json("POST", "/v1/tools/t/resolve", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let start = text.find(r#""args":"#).unwrap() + 7;
    let end = text.rfind(r#","applied":"#).unwrap();
    text[start..end].to_owned()
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let world = World::start().await;
    let operator = world.operator();
    for number in [
        "1.0",
        "1e400",
        "-0",
        "-0.0",
        "1E+2",
        "0.1000",
        "123456789012345678901234567890",
        "1e-400",
        "3.141592653589793238462643383279",
        "18446744073709551616",
    ] {
        let args = format!(r#"{{"n":{number}}}"#);
        assert_eq!(returned(&operator, &args).await, args);
    }
}

#[tokio::test]
async fn strings_keep_their_escapes_and_nested_values_their_form() {
    let world = World::start().await;
    let operator = world.operator();
    for value in [
        r#""\u0041\/\"\\\n""#,
        r#""é\u00e9😀\ud83d\ude00""#,
        r#"[1.0,[2.50,{"a":1e400,"b":[null,true,{"c":"\u0000"}]}],[],{}]"#,
        r#"{"z":1,"a":{"y":2.0,"b":[ ]}}"#,
        r#"{"dup":1,"dup":2.0}"#,
    ] {
        let args = format!(r#"{{"v":{value}}}"#);
        assert_eq!(returned(&operator, &args).await, args);
    }
}

#[tokio::test]
async fn the_order_of_arguments_stays_and_what_is_applied_comes_last() {
    let world = World::start().await;
    let operator = world.operator();
    operator
        .default_for("t", "b", "the \"quoted\" \\ secret\n")
        .await;
    let applied = r#""the \"quoted\" \\ secret\n""#;
    let text = returned(&operator, r#"{"z":1.0,"a":[ 2 ]}"#).await;
    assert_eq!(text, format!(r#"{{"z":1.0,"a":[ 2 ],"b":{applied}}}"#));
}

#[tokio::test]
async fn a_tool_name_is_any_text_but_a_pattern() {
    let world = World::start().await;
    let operator = world.operator();
    for (asked, name) in [
        ("a%2Fb", "a/b"),
        ("%E2%82%AC%20x", "€ x"),
        ("a+b", "a+b"),
        ("%2E%2E", ".."),
        ("a%252Fb", "a%2Fb"),
        ("%F0%9F%94%91", "🔑"),
    ] {
        let answer = operator
            .json("POST", &format!("/v1/tools/{asked}/resolve"), "{}")
            .await;
        assert_eq!(answer.expect(200)["tool_name"], name);
    }
    let long = "x".repeat(1025);
    for wrong in ["%2A", "*", "a*b", "%00", "%FF", long.as_str()] {
        for operation in ["resolve", "explain"] {
            let path = format!("/v1/tools/{wrong}/{operation}");
            let answer = operator.json("POST", &path, "{}").await;
            answer.refused(422, "invalid");
            assert_eq!(
                answer.json()["detail"][0]["loc"],
                serde_json::json!(["path", "tool_name"]),
                "{wrong}"
            );
        }
    }
    operator
        .json(
            "POST",
            &format!("/v1/tools/{}/resolve", "x".repeat(1024)),
            "{}",
        )
        .await
        .expect(200);
}
