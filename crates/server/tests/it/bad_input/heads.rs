//! Hostile request lines and headers.

use super::{CANARY, is_silent};
use crate::harness::{World, exchange};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn bytes_that_are_not_text_in_a_head_do_no_harm() {
    let world = World::start().await;
    let operator = world.operator();
    let key = operator.sends("x-api-key").to_owned();
    for (status, request) in [
        (
            422,
            format!(
                "GET /v1/secrets/{CANARY}\u{e9} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n"
            )
            .into_bytes(),
        ),
        (
            400,
            [
                format!("GET /v1/secrets/{CANARY}").as_bytes(),
                b"\xff\xfe",
                format!(" HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n").as_bytes(),
            ]
            .concat(),
        ),
        (
            400,
            [
                format!("GET /v1/secrets/?q={CANARY}").as_bytes(),
                b"\xff",
                format!(" HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n").as_bytes(),
            ]
            .concat(),
        ),
        (
            401,
            [
                b"GET /v1/me HTTP/1.1\r\nhost: x\r\nx-api-key: \xff\xfe",
                CANARY.as_bytes(),
                b"\r\n\r\n",
            ]
            .concat(),
        ),
        (
            401,
            [
                b"GET /v1/me HTTP/1.1\r\nhost: x\r\ntoken: \xc3\xa9",
                CANARY.as_bytes(),
                b"\r\n\r\n",
            ]
            .concat(),
        ),
        (
            400,
            [
                b"GET /v1/me HTTP/1.1\r\nhost: x\r\nx-api-key: a\0",
                CANARY.as_bytes(),
                b"\r\n\r\n",
            ]
            .concat(),
        ),
        (
            400,
            format!("GET /v1/me HTTP/1.1\r\nhost: x\r\n{CANARY}\r\n\r\n").into_bytes(),
        ),
        (
            400,
            format!("GET /v1/me HTTP/1.1\r\nhost: x\r\nx-api-key : {key}\r\n\r\n").into_bytes(),
        ),
        (
            400,
            format!(
                "GET /v1/me HTTP/1.1\r\nhost: x\r\nx-api-key: {CANARY}\r\n folded: {key}\r\n\r\n"
            )
            .into_bytes(),
        ),
        (
            400,
            format!("GET /v1/me HTTP/9.9\r\nhost: {CANARY}\r\n\r\n").into_bytes(),
        ),
        (400, format!("GET  /{CANARY} HTTP/1.1\r\n\r\n").into_bytes()),
        (400, format!("{CANARY}\r\n\r\n").into_bytes()),
        (
            401,
            format!("GET http://{CANARY}@x/v1/me HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
        ),
        (
            404,
            format!("GET {CANARY} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
        ),
        (
            400,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        ),
    ] {
        let answer = exchange(world.address, &request).await;
        let shown = String::from_utf8_lossy(&request).into_owned();
        assert_eq!(answer.status, status, "{shown}");
        is_silent(&answer);
    }
    operator.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn encoded_bytes_that_are_no_text_are_refused_where_they_matter() {
    let world = World::start().await;
    let operator = world.operator();
    operator.named("name", "a value").await;
    for path in [
        "/v1/secrets/%FF",
        "/v1/tools/%FF/resolve",
        "/v1/users/%FF%FE",
    ] {
        let method = if path.contains("tools") {
            "POST"
        } else if path.contains("users") {
            "DELETE"
        } else {
            "GET"
        };
        operator
            .send(method, path, None, b"")
            .await
            .refused(422, "invalid");
    }
    let list = operator
        .get("/v1/secrets/?q=%FF&secret_name=%C3%28&tool_name=%80")
        .await
        .expect(200);
    assert_eq!(list["total"], 0);
}

#[tokio::test]
async fn huge_heads_are_431_and_the_limit_is_generous() {
    let world = World::start().await;
    let operator = world.operator();
    for length in [1_000, 30_000] {
        let long = operator.clone().with("x-padding", &"x".repeat(length));
        long.get("/v1/me").await.expect(200);
    }
    let mut many = operator.clone();
    for number in 0..90 {
        many = many.with(&format!("x-padding-{number}"), "x");
    }
    many.get("/v1/me").await.expect(200);
    for number in 0..2_000 {
        many = many.with(&format!("x-more-{number}"), CANARY);
    }
    let bytes = many.bytes("GET", "/v1/me", None, b"");
    let answer = exchange(world.address, &bytes).await;
    assert_eq!(answer.status, 431);
    is_silent(&answer);
    let long = operator.clone().with("x-padding", &CANARY.repeat(20_000));
    let answer = exchange(world.address, &long.bytes("GET", "/v1/me", None, b"")).await;
    assert_eq!(answer.status, 431);
    is_silent(&answer);
    let path = format!("/v1/secrets/?q={}", CANARY.repeat(20_000));
    let answer = exchange(world.address, &operator.bytes("GET", &path, None, b"")).await;
    assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    is_silent(&answer);
}

#[tokio::test]
async fn a_request_id_is_repeated_only_if_it_is_harmless() {
    let world = World::start().await;
    let operator = world.operator();
    let own = operator
        .clone()
        .with("x-request-id", "abc-1.2_3")
        .get("/v1/me")
        .await;
    assert_eq!(own.header("x-request-id"), Some("abc-1.2_3"));
    let long = "x".repeat(65);
    for id in [
        "",
        "a b",
        "<script>",
        "a\u{e9}",
        "a,b",
        &long,
        "tvk_abcdefgh",
        operator.sends("x-api-key"),
    ] {
        let answer = operator
            .clone()
            .with("x-request-id", id)
            .get("/v1/me")
            .await;
        let given = answer.header("x-request-id").unwrap();
        assert_ne!(given, id);
        assert!(
            given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{given}"
        );
    }
}

#[tokio::test]
async fn the_host_header_decides_nothing() {
    let world = World::start().await;
    let key = world.operator().sends("x-api-key").to_owned();
    for host in [
        "a/?#@",
        "localhost/../../healthz",
        "",
        "[::1]:80",
        "healthz",
    ] {
        for (credential, status) in [(key.as_str(), 200), ("", 401)] {
            let request =
                format!("GET /v1/me HTTP/1.1\r\nhost: {host}\r\nx-api-key: {credential}\r\n\r\n");
            assert_eq!(
                exchange(world.address, request.as_bytes()).await.status,
                status,
                "{host}"
            );
        }
    }
}
