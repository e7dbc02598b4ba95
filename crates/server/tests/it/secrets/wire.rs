//! What the original accepts, and where this server is deliberately stricter.

use serde_json::json;

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
    // Who owns it is the credential's to say.
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
async fn a_default_that_cannot_be_redacted_or_shadows_another_is_stored_with_a_warning() {
    let world = World::start().await;
    let operator = world.operator();
    let default = |value: &str, tool: &str| {
        json!({
            "secret_name": "n", "secret_value": value, "tool_name": tool, "tool_arg": "arg",
            "is_default_for_tool": true,
        })
    };
    let quiet = operator
        .post("/v1/secrets/", &default("eight ch", "linear__*"))
        .await;
    quiet.expect(200);
    assert_eq!(quiet.header("toolvault-warning"), None);
    let short = operator
        .post("/v1/secrets/", &default("7 chars", "github__*"))
        .await;
    short.expect(200);
    assert!(
        short
            .header("toolvault-warning")
            .unwrap()
            .contains("cannot be redacted")
    );
    let shadowing = operator
        .post("/v1/secrets/", &default("another value", "linear__get"))
        .await;
    shadowing.expect(200);
    assert!(
        shadowing
            .header("toolvault-warning")
            .unwrap()
            .contains("precedence")
    );
    let unbound = json!({"secret_name": "n", "secret_value": "tiny"});
    let unbound = operator.post("/v1/secrets/", &unbound).await;
    assert_eq!(unbound.header("toolvault-warning"), None);
}
