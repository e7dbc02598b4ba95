//! What the original accepts, and where this server is deliberately stricter.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test]
async fn unknown_members_duplicates_and_a_byte_order_mark_are_as_the_original_takes_them() {
    let world = World::start().await;
    let operator = world.operator();
    let body = "\u{feff}{\"secret_name\":\"first\",\"unknown\":{\"a\":[1,2]},\"secret_value\":\"one value\",\
                \"secret_name\":\"last\",\"user_id\":\"00000000-0000-7000-8000-000000000001\"}";
    let created = operator
        .json("POST", "/v1/secrets/", body)
        .await
        .expect(200);
    assert_eq!(created["secret_name"], "last");
    // The credential decides the owner.
    assert_eq!(created["user_id"], json!(operator.user));
}

#[tokio::test]
async fn a_body_is_json_by_its_type_or_without_one() {
    let world = World::start().await;
    let operator = world.operator();
    let body = br#"{"secret_name":"n","secret_value":"a value"}"#;
    for content_type in [
        None,
        Some(""),
        Some("application/json"),
        Some("Application/JSON; charset=utf-8"),
        Some("application/vnd.api+json"),
        Some("application/merge-patch+json"),
    ] {
        let answer = operator
            .send("POST", "/v1/secrets/", content_type, body)
            .await;
        assert_eq!(answer.status, 200, "{content_type:?}");
    }
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/jsonp",
        "json",
        "*/*",
    ] {
        let answer = operator
            .send("POST", "/v1/secrets/", Some(content_type), body)
            .await;
        answer.refused(415, "unsupported_media_type");
        assert_eq!(
            answer.text(),
            r#"{"detail":"The body must be application/json."}"#
        );
    }
    assert_eq!(operator.count().await, 6);
}

#[tokio::test]
async fn booleans_are_read_as_pydantic_reads_them() {
    let world = World::start().await;
    let operator = world.operator();
    let path = format!("/v1/secrets/{}", operator.named("name", "a value").await);
    for (spellings, expected) in [
        (
            [
                "true", "1", "1.0", "\"yes\"", "\"ON\"", "\"t\"", "\"Y\"", "\"1\"", "\"True\"",
            ],
            true,
        ),
        (
            [
                "false",
                "0",
                "0.0",
                "\"no\"",
                "\"Off\"",
                "\"F\"",
                "\"n\"",
                "\"0\"",
                "\"FALSE\"",
            ],
            false,
        ),
    ] {
        for spelling in spellings {
            let body = format!(r#"{{"is_default_for_tool":{spelling}}}"#);
            let changed = operator.json("PATCH", &path, &body).await.expect(200);
            assert_eq!(changed["is_default_for_tool"], expected, "{spelling}");
        }
    }
    for (spelling, mistake) in [
        ("2", "bool_parsing"),
        ("1.5", "bool_type"),
        ("\" true\"", "bool_parsing"),
        ("\"\"", "bool_parsing"),
        ("[]", "bool_type"),
        ("{}", "bool_type"),
    ] {
        let body = format!(r#"{{"is_default_for_tool":{spelling}}}"#);
        let answer = operator.json("PATCH", &path, &body).await;
        assert_eq!(
            answer.mistakes(),
            [format!("{mistake} body.is_default_for_tool")],
            "{spelling}"
        );
    }
}

#[tokio::test]
async fn a_surprising_secret_is_stored_with_a_warning() {
    const STRONG: &str = "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh";
    let world = World::start().await;
    let operator = world.operator();
    let default = |name: &str, value: &str, tool: &str| {
        json!({
            "secret_name": name, "secret_value": value, "tool_name": tool, "tool_arg": "arg",
            "is_default_for_tool": true,
        })
    };
    let warnings = async |body: &Value| {
        let answer = operator.post("/v1/secrets/", body).await;
        answer.expect(200);
        answer.header("toolvault-warning").map(str::to_owned)
    };
    let quiet = default("one", STRONG, "linear__*");
    assert_eq!(warnings(&quiet).await, None);
    for (body, expected) in [
        (default("two", "7 chars", "github__*"), "cannot be redacted"),
        (default("three", STRONG, "linear__get"), "precedence"),
        (default("four", "Password123!", "four"), "2^50"),
        (
            default("one", STRONG, "five"),
            "another secret has this name",
        ),
        (
            json!({"secret_name": "six", "secret_value": STRONG}),
            "only if a reference names it",
        ),
    ] {
        let warned = warnings(&body).await.unwrap();
        assert!(warned.contains(expected), "{warned}");
    }
}
