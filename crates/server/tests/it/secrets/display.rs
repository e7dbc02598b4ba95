//! `display`: enough to recognise a value, and nothing that reveals its length.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn the_ends_are_shown_from_16_and_from_24_characters_on() {
    let world = World::start().await;
    let operator = world.operator();
    let alphabet = "abcdefghijklmnopqrstuvwxyz";
    for (length, expected) in [
        (4, "********"),
        (15, "********"),
        (16, "ab********op"),
        (23, "ab********vw"),
        (24, "abc********uvwx"),
        (26, "abc********wxyz"),
    ] {
        let secret = json!({"secret_name": "n", "secret_value": &alphabet[..length]});
        let display = operator.create(secret).await["display"].clone();
        assert_eq!(display, expected, "{length}");
    }
    let long = format!("abc{}wxyz", "?".repeat(1_000));
    let secret = json!({"secret_name": "n", "secret_value": long});
    assert_eq!(operator.create(secret).await["display"], "abc********wxyz");
}

#[tokio::test]
async fn nothing_that_is_answered_tells_the_length_of_a_value() {
    let world = World::start().await;
    let operator = world.operator();
    let mut lengths = Vec::new();
    for length in [100, 1_000] {
        let value = format!("abc{}wxyz", "?".repeat(length - 7));
        let secret = json!({"secret_name": "name", "secret_value": value});
        let answer = operator.post("/v1/secrets/", &secret).await;
        let id = answer.expect(200)["secret_id"].as_str().unwrap().to_owned();
        let read = operator.get(&format!("/v1/secrets/{id}")).await;
        // A time without a fraction is written without one.
        let length_of = |text: &str| text.replace('.', "").len() / 16;
        lengths.push((length_of(answer.text()), length_of(read.text())));
        let bytes = operator.get("/v1/usage").await.expect(200)["bytes"]
            .as_u64()
            .unwrap();
        assert_eq!(bytes % 1024, 0);
    }
    assert_eq!(lengths[0], lengths[1]);
}
