//! Lengths, in code points where the original counts them and in bytes where it does not.

use serde_json::json;

use crate::harness::World;

/// One code point each, of one to four bytes.
const CHARACTERS: [&str; 4] = ["a", "é", "€", "🔑"];

#[tokio::test]
async fn names_have_1_to_1024_code_points() {
    let world = World::start().await;
    let operator = world.operator();
    let path = format!("/v1/secrets/{}", operator.named("name", "a value").await);
    for field in ["secret_name", "tool_name", "tool_arg"] {
        for character in CHARACTERS {
            for (length, mistake) in [
                (0, Some("string_too_short")),
                (1, None),
                (1024, None),
                (1025, Some("string_too_long")),
            ] {
                let text = character.repeat(length);
                let mut secret = json!({"secret_name": "name", "secret_value": "a value"});
                secret[field] = json!(text);
                let created = operator.post("/v1/secrets/", &secret).await;
                let changed = operator.patch(&path, &json!({field: text})).await;
                for answer in [created, changed] {
                    let Some(mistake) = mistake else {
                        assert_eq!(answer.expect(200)[field], text);
                        continue;
                    };
                    answer.refused(422, "invalid");
                    assert_eq!(answer.mistakes(), [format!("{mistake} body.{field}")]);
                }
            }
        }
    }
}

#[tokio::test]
async fn values_have_4_to_1024_code_points() {
    let world = World::start().await;
    let operator = world.operator();
    let id = operator.named("name", "a value").await;
    let path = format!("/v1/secrets/{id}");
    for character in CHARACTERS {
        for (length, mistake) in [
            (0, Some("string_too_short")),
            (1, Some("string_too_short")),
            (3, Some("string_too_short")),
            (4, None),
            (1023, None),
            (1024, None),
            (1025, Some("string_too_long")),
        ] {
            let text = character.repeat(length);
            let secret = json!({"secret_name": "name", "secret_value": text});
            let created = operator.post("/v1/secrets/", &secret).await;
            let changed = operator.patch(&path, &json!({"secret_value": text})).await;
            let Some(mistake) = mistake else {
                created.expect(200);
                changed.expect(200);
                assert_eq!(operator.value_of(&id).await, text);
                continue;
            };
            for answer in [created, changed] {
                answer.refused(422, "invalid");
                assert_eq!(answer.mistakes(), [format!("{mistake} body.secret_value")]);
            }
        }
    }
}

#[tokio::test]
async fn a_surrogate_pair_is_one_code_point() {
    let world = World::start().await;
    let operator = world.operator();
    let pairs = "\\ud83d\\udd11".repeat(3);
    let three = format!(r#"{{"secret_name":"n","secret_value":"{pairs}"}}"#);
    operator
        .json("POST", "/v1/secrets/", &three)
        .await
        .refused(422, "invalid");
    let four = format!(r#"{{"secret_name":"n","secret_value":"{pairs}\ud83d\udd11"}}"#);
    let created = operator
        .json("POST", "/v1/secrets/", &four)
        .await
        .expect(200);
    let value = operator
        .value_of(created["secret_id"].as_str().unwrap())
        .await;
    assert_eq!(value, "🔑🔑🔑🔑");
}
