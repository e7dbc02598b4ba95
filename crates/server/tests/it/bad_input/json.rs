//! Bodies that are not JSON, or hostile JSON.

use super::{CANARY, everywhere, is_silent};
use crate::harness::World;

const UNREADABLE: &str = r#"{"detail":"There was an error parsing the body"}"#;

#[tokio::test]
async fn too_deep_is_400_at_any_depth_and_closed_or_not() {
    let world = World::start().await;
    let operator = world.operator();
    let depth = 100_000;
    for body in [
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        format!(
            "{{\"args\":{}\"{CANARY}\"{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        ),
        format!(
            "{{\"{CANARY}\":{}1{}}}",
            "{\"a\":".repeat(40_000),
            "}".repeat(40_000)
        ),
        "[".repeat(250_000),
        "{\"a\":".repeat(50_000),
    ] {
        everywhere(&operator, body.as_bytes(), 400, "unreadable").await;
    }
    let answer = operator
        .json("POST", "/v1/secrets/", &"[".repeat(depth))
        .await;
    assert_eq!(answer.text(), UNREADABLE);
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn what_is_not_utf_8_is_400() {
    let world = World::start().await;
    let operator = world.operator();
    let utf16 = |big: bool| -> Vec<u8> {
        let text = format!("{{\"secret_name\":\"{CANARY}\"}}");
        text.encode_utf16()
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let utf32: Vec<u8> = "{\"a\":1}"
        .chars()
        .flat_map(|one| u32::from(one).to_le_bytes())
        .collect();
    for body in [
        format!("{{\"secret_name\":\"{CANARY}")
            .into_bytes()
            .into_iter()
            .chain(*b"\xff\xfe\"}")
            .collect(),
        b"{\"a\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"a\":\"\xc0\x80\"}".to_vec(),
        b"\xff".to_vec(),
        [b"\xff\xfe".to_vec(), utf16(false)].concat(),
        [b"\xfe\xff".to_vec(), utf16(true)].concat(),
        [b"\xff\xfe\0\0".to_vec(), utf32.clone()].concat(),
    ] {
        everywhere(&operator, &body, 400, "unreadable").await;
    }
    // Without a byte order mark, such text is valid UTF-8 with NULs.
    for body in [utf16(false), utf16(true), utf32] {
        let answer = operator.send("POST", "/v1/secrets/", None, &body).await;
        answer.refused(400, "unreadable");
        is_silent(&answer);
    }
    assert_eq!(operator.count().await, 0);
}

#[tokio::test]
async fn absurdly_long_numbers_are_400() {
    let world = World::start().await;
    let operator = world.operator();
    let body = format!(
        "{{\"secret_name\":\"{CANARY}\",\"n\":{}}}",
        "9".repeat(100_000)
    );
    everywhere(&operator, body.as_bytes(), 400, "unreadable").await;
}

#[tokio::test]
async fn nul_and_lone_surrogates_are_422_wherever_text_is_kept() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}");
    for escape in [
        "\\u0000",
        "\\ud800",
        "\\udc00",
        "\\ud800\\ud800",
        "\\ud800x",
    ] {
        for field in ["secret_name", "secret_value", "tool_name", "tool_arg"] {
            let mut fields = serde_json::json!({"secret_name": "name", "secret_value": "a value"});
            fields[field] = format!("{CANARY}MARK").into();
            let body = fields.to_string().replace("MARK", escape);
            for (method, path) in [("POST", "/v1/secrets/"), ("PATCH", path.as_str())] {
                let answer = operator.json(method, path, &body).await;
                answer.refused(422, "invalid");
                is_silent(&answer);
                let location = answer.json()["detail"][0]["loc"].clone();
                assert_eq!(location, serde_json::json!(["body", field]));
            }
        }
        let body = format!("{{\"secret_value\":\"{CANARY}{escape}\"}}");
        let answer = operator.json("PUT", &format!("{path}/value"), &body).await;
        answer.refused(422, "invalid");
        is_silent(&answer);
        for body in [
            format!("{{\"name\":\"{CANARY}{escape}\",\"scopes\":[\"manage\"]}}"),
            format!("{{\"tools\":[\"{CANARY}{escape}\"],\"scopes\":[\"manage\"]}}"),
            format!("{{\"scopes\":[\"{CANARY}{escape}\"]}}"),
        ] {
            let answer = operator.json("POST", "/v1/keys", &body).await;
            answer.refused(422, "invalid");
            is_silent(&answer);
        }
        let body = format!("{{\"name\":\"{CANARY}{escape}\"}}");
        operator
            .json("POST", "/v1/users", &body)
            .await
            .refused(422, "invalid");
        let body = format!("{{\"tool_name\":\"{CANARY}{escape}\"}}");
        operator
            .json("POST", "/v1/resolve", &body)
            .await
            .refused(422, "invalid");
    }
    assert_eq!(operator.count().await, 1);
    assert_eq!(operator.value_of(&id).await, "a value");
}

#[tokio::test]
async fn nan_and_infinity_are_422() {
    let world = World::start().await;
    let operator = world.operator();
    for number in [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "1e",
        "01",
        "+1",
        ".5",
        "0x10",
        "1_000",
    ] {
        let body = format!("{{\"secret_name\":\"{CANARY}\",\"x\":{number}}}");
        everywhere(&operator, body.as_bytes(), 422, "invalid").await;
    }
}

#[tokio::test]
async fn another_content_type_is_415_everywhere() {
    let world = World::start().await;
    let operator = world.operator();
    for (method, path) in super::WITH_BODY {
        for content_type in [
            "text/plain",
            "application/xml",
            "\u{e9}",
            "application/json\u{e9}",
        ] {
            let answer = operator
                .send(method, path, Some(content_type), CANARY.as_bytes())
                .await;
            answer.refused(415, "unsupported_media_type");
            is_silent(&answer);
        }
    }
}

#[tokio::test]
async fn two_content_types_are_not_a_choice_for_the_client() {
    let world = World::start().await;
    let body = br#"{"secret_name":"n","secret_value":"a value"}"#;
    for (first, second, status) in [
        ("application/json", "text/plain", 200),
        ("text/plain", "application/json", 415),
    ] {
        let operator = world.operator().with("content-type", first);
        let answer = operator
            .send("POST", "/v1/secrets/", Some(second), body)
            .await;
        assert_eq!(answer.status, status);
    }
}
