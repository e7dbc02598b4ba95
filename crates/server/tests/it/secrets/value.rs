//! `PUT /v1/secrets/{secret_id}/value`: values that are too long for the original operations.

use serde_json::json;

use crate::harness::World;

const OCTETS: Option<&str> = Some("application/octet-stream");
const LONGEST: usize = 65_536;

#[tokio::test]
async fn a_value_of_4_to_65536_bytes_is_stored_as_it_came() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/value");
    for (unit, count, mistake) in [
        ("x", 3, Some("bytes_too_short")),
        ("x", 4, None),
        ("🔑", 1, None),
        ("€", 1, Some("bytes_too_short")),
        ("x", LONGEST, None),
        ("🔑", LONGEST / 4, None),
        ("x", LONGEST + 1, Some("bytes_too_long")),
        ("🔑", LONGEST / 4 + 1, Some("bytes_too_long")),
    ] {
        let value = unit.repeat(count);
        let by_json = operator.put(&path, &json!({"secret_value": value})).await;
        let by_octets = operator.send("PUT", &path, OCTETS, value.as_bytes()).await;
        let Some(mistake) = mistake else {
            assert_eq!(by_json.expect(200)["secret_id"], id);
            // The value is already stored, so this is not a change.
            assert_eq!(by_octets.expect(200), by_json.json());
            assert_eq!(operator.value_of(&id).await, value);
            continue;
        };
        by_json.refused(422, "invalid");
        assert_eq!(by_json.mistakes(), [format!("{mistake} body.secret_value")]);
        by_octets.refused(422, "invalid");
        assert_eq!(by_octets.mistakes(), [format!("{mistake} body")]);
    }
}

#[tokio::test]
async fn a_pem_file_keeps_its_lines() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}/value");
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\r\n",
        "MC4CAQAwBQYDK2VwBCIEIA\n".repeat(80)
    );
    let answer = operator.send("PUT", &path, OCTETS, pem.as_bytes()).await;
    assert_eq!(
        answer.expect(200)["display"],
        "---********--\u{fffd}\u{fffd}"
    );
    assert_eq!(operator.value_of(&id).await, pem);
}

#[tokio::test]
async fn what_is_not_text_or_not_given_is_refused_and_nothing_stored() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "the first value").await;
    let path = format!("/v1/secrets/{id}/value");
    for (body, mistake) in [
        (&b"\xff\xfe\xfd\xfc"[..], "string_unicode body"),
        (b"ab\xed\xa0\x80cd", "string_unicode body"),
        (b"nul\0nul", "value_error body"),
        (b"", "bytes_too_short body"),
    ] {
        let answer = operator.send("PUT", &path, OCTETS, body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), [mistake]);
    }
    for (body, mistake) in [
        ("", "missing body.secret_value"),
        ("{}", "missing body.secret_value"),
        ("[]", "missing body.secret_value"),
        (r#"{"secret_value":null}"#, "string_type body.secret_value"),
        (r#"{"secret_value":12345}"#, "string_type body.secret_value"),
    ] {
        let answer = operator.json("PUT", &path, body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.mistakes(), [mistake], "{body}");
    }
    let answer = operator
        .send("PUT", &path, Some("text/plain"), b"a new value")
        .await;
    answer.refused(415, "unsupported_media_type");
    assert_eq!(operator.value_of(&id).await, "the first value");
}
